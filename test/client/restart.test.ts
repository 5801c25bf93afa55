import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openApp, startJob } from '../api/api.ts';
import { waiting } from '../api/flows.ts';
import { Gate } from '../engine/parts.ts';
import { ClientEventsDocument, ClientStateDocument } from '../generated/operations.ts';
import { openBadNetwork } from '../support/bad-network.ts';
import { until } from '../support/manual-clock.ts';
import { openClient } from './place.ts';

test('W4 a client goes on over a restart of the server, up to the end of a job', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-client-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const database = `sqlite:${join(directory, 'millrace.db')}`;
  const gate = new Gate();
  const serve = async () => {
    const app = await openApp({ flows: [waiting(gate)], database });
    return {
      app,
      ...(await app.listen({ port: 0, limits: { comeBackMinMs: 1, comeBackMaxMs: 10 } })),
    };
  };
  const first = await serve();
  const network = await openBadNetwork(first.port);
  const client = openClient({ url: network.through(first.url) });
  const id = await startJob(first.app, { flowId: 'waiting' });
  await until(() => gate.waiting === 1);
  const types: string[] = [];
  const states: string[] = [];
  const read = Promise.all([
    (async () => {
      for await (const { jobEvents } of client.subscribe(ClientEventsDocument, { id }))
        types.push(jobEvents.type);
    })(),
    (async () => {
      const stream = client.subscribe(ClientStateDocument, { id });
      for await (const { jobStatusChanged } of stream) states.push(jobStatusChanged.status);
    })(),
  ]);
  await until(() => states.length > 0);
  await first.app.jobs.pause(id.replace('Job:', ''));
  await until(() => types.includes('JOB_PAUSED'));
  await first.app.jobs.resume(id.replace('Job:', ''));
  await until(() => types.includes('JOB_RESUMED'));

  await first.app.close();
  await until(() => client.status === 'RECONNECTING');
  const second = await serve();
  network.leadTo(second.port);
  // It has both again: the state as it is now, and what happened meanwhile.
  await until(() => states.length > 1 && types.includes('JOB_RECOVERED'));
  gate.openAll();
  await read;
  expect(states.at(-1)).toBe('COMPLETED');
  const told = types.filter((type) => !type.startsWith('ROUTINE_') && type !== 'QUEUE_CHANGED');
  expect(told).toEqual(['JOB_PAUSED', 'JOB_RESUMED', 'JOB_RECOVERED', 'JOB_COMPLETED']);
});
