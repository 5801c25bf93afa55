import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { createApp } from '../../src/app.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void; // exposed by the flag above

const SERVICES = 10;
const INTERVAL_MS = 50;
const WARM_UP_MS = 10_000;
const MINUTE_MS = 60_000;

/** Bytes of live objects that a minute may bring by chance. */
const SLACK_BYTES = 8 * 1024 * 1024;

function readLiveBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

test('H9 ten services are checked 20 times a second for a minute: on the beat, quickly, in flat memory', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}');
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  const services = Array.from({ length: SERVICES }, (_, at) => ({
    name: `service-${at}`,
    url: `http://127.0.0.1:${port}/${at}`,
    intervalMs: INTERVAL_MS,
    conditions: ["body.status == 'ok'"],
  }));
  const app = await createApp({ flows: [], health: { services, parts: false } });
  onTestFinished(async () => {
    await app.close();
    server.closeAllConnections();
    server.close();
  });

  await sleep(WARM_UP_MS);
  const bytesBefore = readLiveBytes();
  const counts = () => app.health.list().map(({ checkCount }) => checkCount);
  const before = counts();
  const startMs = performance.now();
  await sleep(MINUTE_MS);
  const beats = (performance.now() - startMs) / INTERVAL_MS;
  const checks = counts().map((count, at) => count - (before[at] ?? 0));
  const bytes = readLiveBytes() - bytesBefore;

  // A beat is passed over when the machine holds everything up for longer than an interval.
  for (const count of checks) {
    expect(count).toBeGreaterThan(0.95 * beats);
    expect(count).toBeLessThanOrEqual(beats + 2);
  }
  expect(bytes).toBeLessThan(SLACK_BYTES);
  for (const { name, status } of app.health.list()) {
    expect(status).toBe('HEALTHY');
    const { responseTimes, failedCount } = await app.health.readSummary(name, {});
    expect(failedCount).toBe(0);
    expect(responseTimes.p99Ms).toBeLessThan(200);
  }
  expect(await app.health.countTransitions(undefined)).toBe(SERVICES);
}, 120_000);
