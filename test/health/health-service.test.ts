import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createApp } from '../../src/app.ts';
import type { PulledAgent } from '../../src/health/function-probe.ts';
import type { ServiceChange } from '../../src/health/health.ts';
import { formatPath, type Issue } from '../../src/lib/domain-error.ts';
import { openApp } from '../api/api.ts';
import { ManualClock, settle, until } from '../support/manual-clock.ts';

/** An agent that says what it is told to say, once a second. */
function makeAgent(name: string) {
  const agent = {
    name,
    intervalMs: 1000,
    word: 'healthy',
    asked: 0,
    read: () => {
      agent.asked++;
      return { health: agent.word };
    },
  };
  return agent;
}

/** An HTTP service that answers what it is told to. */
async function serveHealth(answer: { status: number; body?: string }) {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(answer.body ?? '{"status":"ok"}');
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/health`, requests: () => requests };
}

const inShort = ({ service, from, to }: ServiceChange) => `${service} ${from} ${to}`;

test('agents are asked at their beat; subscribers are told of changes alone (H3, H5)', async () => {
  const clock = new ManualClock();
  const crawler = makeAgent('crawler');
  const app = await openApp({ flows: [], clock, health: { agents: [crawler], parts: false } });
  const told: string[] = [];
  const leave = app.health.subscribe((change) => void told.push(inShort(change)));
  await clock.advance(5_500);
  expect(crawler.asked).toBeGreaterThanOrEqual(5);
  crawler.word = 'degraded';
  await clock.advance(3_000);
  crawler.word = 'asleep';
  await clock.advance(3_000);
  expect(told).toEqual([
    'agent:crawler UNKNOWN HEALTHY',
    'agent:crawler HEALTHY DEGRADED',
    'agent:crawler DEGRADED UNHEALTHY',
  ]);
  expect(app.health.require('agent:crawler')).toMatchObject({
    kind: 'AGENT',
    origin: 'LIBRARY',
    status: 'UNHEALTHY',
    lastResult: { error: 'Reported "asleep"' },
  });
  expect(app.health.readCluster()).toMatchObject({
    status: 'UNHEALTHY',
    totalCount: 1,
    causes: [{ name: 'agent:crawler' }],
  });
  leave();
});

test('an agent that reports is known from its first report, and missed when it does not (H5)', async () => {
  const clock = new ManualClock();
  const app = await openApp({ flows: [], clock, health: { parts: false } });
  const report = { name: 'mailer', health: 'healthy', expectedIntervalMs: 10_000 };
  expect(await app.health.report(report)).toMatchObject({
    name: 'agent:mailer',
    kind: 'AGENT',
    origin: 'REPORT',
    status: 'HEALTHY',
    intervalMs: 10_000,
  });
  await clock.advance(14_999);
  expect(app.health.require('agent:mailer').status).toBe('HEALTHY');
  await clock.advance(1);
  expect(app.health.require('agent:mailer')).toMatchObject({
    status: 'UNKNOWN',
    explanation: { rule: 'REPORT_MISSED' },
  });
  await clock.advance(15_000);
  expect(app.health.require('agent:mailer').status).toBe('UNHEALTHY');
  expect((await app.health.report(report)).status).toBe('HEALTHY');
  await clock.advance(10_000);
  expect((await app.health.report({ name: 'mailer', status: 'running' })).status).toBe('UNKNOWN');
  const { status, intervalMs } = app.health.require('agent:mailer');
  expect({ status, intervalMs }).toEqual({ status: 'UNKNOWN', intervalMs: undefined });
  await app.health.report({ ...report, health: 'down' });
  await clock.advance(20_000);
  expect(app.health.require('agent:mailer').status).toBe('UNHEALTHY'); // silence is no better news
  await expect(app.health.report({ name: 'mailer' })).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
  });
  await expect(app.health.checkNow('agent:mailer')).rejects.toMatchObject({
    code: 'NOT_CHECKABLE',
  });
});

test('no single answer makes a service flap, and the cluster is as its worst (H4, H8)', async () => {
  const answer = { status: 200 };
  const { url } = await serveHealth(answer);
  const app = await openApp({ flows: [], health: { parts: false } });
  await app.health.add({ name: 'payments', url, intervalMs: 86_400_000, extendedInterval: true });
  const check = async (status: number) => {
    answer.status = status;
    return (await app.health.checkNow('payments')).service.status;
  };
  expect(await check(200)).toBe('HEALTHY');
  expect(await check(503)).toBe('HEALTHY');
  expect(await check(503)).toBe('HEALTHY');
  expect(await check(503)).toBe('UNHEALTHY');
  expect(app.health.readCluster()).toMatchObject({ status: 'UNHEALTHY' });
  expect(app.health.require('payments').explanation).toMatchObject({
    rule: 'FAILURES_IN_A_ROW',
    text: '3 checks in a row failed (threshold 3). The last: HTTP 503.',
  });
  expect(await check(200)).toBe('UNHEALTHY');
  expect(await check(200)).toBe('HEALTHY');
  expect(app.health.readCluster()).toMatchObject({ status: 'HEALTHY' });
});

test('what is in maintenance is checked and not counted, until it is over (H4)', async () => {
  const clock = new ManualClock();
  const crawler = makeAgent('crawler');
  const app = await openApp({ flows: [], clock, health: { agents: [crawler], parts: false } });
  crawler.word = 'down';
  await clock.advance(2_000);
  expect(app.health.readCluster().status).toBe('UNHEALTHY');
  const until = clock.now() + 60_000;
  await app.health.startMaintenance('agent:crawler', { until, reason: 'A new disk.', by: 'ann' });
  expect(app.health.readCluster()).toMatchObject({
    status: 'UNKNOWN',
    maintenanceCount: 1,
    totalCount: 1,
    causes: [],
  });
  const asked = crawler.asked;
  await clock.advance(59_999);
  expect(crawler.asked).toBeGreaterThan(asked);
  expect(app.health.require('agent:crawler').maintenance).toMatchObject({ reason: 'A new disk.' });
  await clock.advance(1);
  expect(app.health.require('agent:crawler').maintenance).toBeUndefined();
  expect(app.health.readCluster().status).toBe('UNHEALTHY');
  await expect(app.health.endMaintenance('agent:crawler')).rejects.toMatchObject({
    code: 'NOT_IN_MAINTENANCE',
  });
  const tooLong = { until: clock.now() + 31 * 86_400_000 };
  await expect(app.health.startMaintenance('agent:crawler', tooLong)).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
  });
});

test('what is down since something else is down is told apart from the cause (H4)', async () => {
  const clock = new ManualClock();
  const [database, api, page] = [makeAgent('database'), makeAgent('api'), makeAgent('page')];
  const health = { agents: [database, api, page], parts: false };
  const app = await openApp({ flows: [], clock, health });
  const slow = { intervalMs: 86_400_000, extendedInterval: true };
  const { url } = await serveHealth({ status: 503 });
  await app.health.add({ name: 'shop', url, ...slow, dependsOn: ['search', 'agent:database'] });
  await app.health.add({ name: 'search', url, ...slow, dependsOn: ['agent:database', 'later'] });
  await expect(
    app.health.add({ name: 'later', url, ...slow, dependsOn: ['shop'] }),
  ).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
  await expect(app.health.remove('search')).rejects.toMatchObject({
    code: 'SERVICE_NEEDED',
    neededBy: ['shop'],
  });
  database.word = 'down';
  await clock.advance(2_000);
  for (let round = 0; round < 3; round++) {
    await app.health.checkNow('shop');
    await app.health.checkNow('search');
  }
  expect(app.health.require('shop').causedBy).toEqual(['agent:database']);
  const { causes, affected } = app.health.readCluster();
  expect(causes.map(({ name }) => name)).toEqual(['agent:database']);
  expect(affected.map(({ name }) => name)).toEqual(['search', 'shop']);
});

test('services, agents, status and maintenance are there after a restart; the configuration wins (H6)', async () => {
  const clock = new ManualClock();
  const { url } = await serveHealth({ status: 503 });
  const slow = { url, intervalMs: 86_400_000, extendedInterval: true };
  const directory = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const database = `sqlite:${join(directory, 'millrace.db')}`;
  const open = (services: readonly { name: string; url: string }[] = []) =>
    createApp({ flows: [], clock, database, health: { parts: false, services } });
  const before = await open();
  await before.health.add({ name: 'payments', ...slow }, 'key-1');
  await before.health.add({ name: 'search', ...slow, headers: { authorization: 's3cr3t-1' } });
  await before.health.report({ name: 'mailer', health: 'healthy', expectedIntervalMs: 60_000 });
  for (let round = 0; round < 3; round++) await before.health.checkNow('payments');
  await before.health.startMaintenance('search', { until: clock.now() + 60_000 });
  const { since } = before.health.require('payments');
  expect(before.health.require('payments').status).toBe('UNHEALTHY');
  await clock.advance(30_000);
  await before.close();
  expect(clock.timers).toBe(0);

  const app = await open([{ name: 'search', ...slow }]);
  onTestFinished(() => app.close());
  const found = app.health.list().map(({ name, origin, status }) => ({ name, origin, status }));
  expect(found).toEqual([
    { name: 'agent:mailer', origin: 'REPORT', status: 'HEALTHY' },
    { name: 'payments', origin: 'API', status: 'UNHEALTHY' },
    { name: 'search', origin: 'CONFIGURATION', status: 'UNKNOWN' },
  ]);
  expect(app.health.require('payments')).toMatchObject({
    since,
    explanation: { rule: 'FAILURES_IN_A_ROW' },
  });
  expect(app.health.readCluster()).toMatchObject({ status: 'UNHEALTHY', since });
  expect(app.health.require('search').maintenance).toBeDefined();
  const same = await app.health.add({ name: 'payments', ...slow }, 'key-1');
  expect(same.name).toBe('payments');
  await expect(app.health.add({ name: 'payments', ...slow }, 'key-2')).rejects.toMatchObject({
    code: 'SERVICE_EXISTS',
    message: expect.stringMatching(
      /which was added live\. Use another name, or `updateService`\.$/,
    ),
  });
  await expect(app.health.add({ name: 'search', ...slow })).rejects.toMatchObject({
    code: 'SERVICE_EXISTS',
    message: expect.stringMatching(/which comes from the configuration\. Use another name\.$/),
  });
  await expect(app.health.update('search', { timeoutMs: 100 })).rejects.toMatchObject({
    code: 'SERVICE_FIXED',
  });
  await app.health.update('payments', { timeoutMs: 100 });
  const again = await app.health.add({ name: 'payments', ...slow }, 'key-1');
  expect(again.definition?.timeoutMs).toBe(100);
  const transitions = await app.health.listTransitions({ limit: 10, fromEnd: false });
  expect(transitions.map(({ service, to }) => `${service} ${to}`)).toEqual([
    'payments UNHEALTHY',
    'agent:mailer HEALTHY',
  ]);
});

test('what is added live takes nothing over from what was configured under its name (H6)', async () => {
  const clock = new ManualClock();
  const directory = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const database = `sqlite:${join(directory, 'millrace.db')}`;
  const url = 'http://127.0.0.1:1';
  const service = { name: 'search', url, intervalMs: 86_400_000, extendedInterval: true };
  const open = async (services: readonly (typeof service)[]) => {
    const app = await createApp({ flows: [], clock, database, health: { parts: false, services } });
    onTestFinished(() => app.close());
    return app;
  };
  const first = await open([service]);
  await first.health.startMaintenance('search', { until: clock.now() + 86_400_000 });
  for (let round = 0; round < 3; round++) await first.health.checkNow('search');
  expect(first.health.require('search').status).toBe('UNHEALTHY');
  await first.close();
  const second = await open([]);
  expect(await second.health.countTransitions('search')).toBe(1);
  await second.health.add(service);
  expect(await second.health.countTransitions('search')).toBe(0);
  await second.close();
  const third = await open([]);
  expect(third.health.require('search')).toMatchObject({
    maintenance: undefined,
    status: 'UNKNOWN',
    explanation: undefined,
  });
});

test('a service is changed and removed while it runs, and nothing of it is left (H6)', async () => {
  const { url, requests } = await serveHealth({ status: 200 });
  const other = await serveHealth({ status: 200 });
  const app = await openApp({ flows: [], health: { parts: false } });
  await app.health.add({ name: 'payments', url, intervalMs: 50 });
  await until(() => requests() > 3);
  await app.health.update('payments', { url: other.url, timeoutMs: 100 });
  await until(() => other.requests() > 3);
  expect(app.health.require('payments')).toMatchObject({
    status: 'HEALTHY',
    definition: { url: other.url, timeoutMs: 100, intervalMs: 50 },
  });
  await app.health.remove('payments');
  const seen = requests() + other.requests();
  expect(app.health.get('payments')).toBeUndefined();
  expect(await app.health.countTransitions(undefined)).toBe(0);
  await new Promise((over) => setTimeout(over, 150));
  expect(requests() + other.requests()).toBe(seen);
  await expect(app.health.remove('payments')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('what is added, changed or removed while all ends is not checked any more, and leaves no timer', async () => {
  const clock = new ManualClock();
  const app = await createApp({ flows: [], clock, health: { parts: false } });
  const url = 'http://127.0.0.1:1';
  await app.health.add({ name: 'first', url });
  await app.health.add({ name: 'second', url });
  const changes = [
    app.health.add({ name: 'third', url }),
    app.health.update('first', { timeoutMs: 100 }),
    app.health.report({ name: 'mailer', health: 'healthy', expectedIntervalMs: 50 }),
    app.health.startMaintenance('first', { until: clock.now() + 1000 }),
    app.health.remove('second'),
  ];
  const closed = app.close();
  await Promise.allSettled(changes);
  await clock.advance(60_000);
  await closed;
  expect(clock.timers).toBe(0);
});

test('who is to blame is told of those that are not healthy alone, in a list as well', async () => {
  const clock = new ManualClock();
  const database = makeAgent('database');
  const app = await openApp({ flows: [], clock, health: { agents: [database], parts: false } });
  const { url } = await serveHealth({ status: 200 });
  const rarely = { url, intervalMs: 86_400_000, extendedInterval: true };
  await app.health.add({ name: 'search', ...rarely, dependsOn: ['agent:database'] });
  await app.health.checkNow('search');
  database.word = 'down';
  await clock.advance(2_000);
  const causes = () => app.health.list().map(({ name, causedBy }) => [name, ...causedBy]);
  expect(app.health.require('agent:database').status).toBe('UNHEALTHY');
  expect(app.health.require('search')).toMatchObject({ status: 'HEALTHY', causedBy: [] });
  expect(causes()).toEqual([['agent:database'], ['search']]);
});

test('first checks are spread over the interval: there is no herd (H1)', async () => {
  const clock = new ManualClock();
  const agents = Array.from({ length: 20 }, (_, at) => makeAgent(`agent-${at}`));
  await openApp({ flows: [], clock, health: { agents, parts: false } });
  const asked = () => agents.reduce((sum, agent) => sum + agent.asked, 0);
  for (let tenth = 0; tenth < 10; tenth++) {
    const before = asked();
    await clock.advance(99.9);
    expect(asked() - before).toBeLessThanOrEqual(3);
  }
  expect(agents.map((agent) => agent.asked)).toEqual(agents.map(() => 1));
});

test('response times are those of checks that had an answer, good or bad', async () => {
  const clock = new ManualClock();
  const agent = makeAgent('printer');
  const answer = { status: 503 };
  const { url } = await serveHealth(answer);
  const app = await openApp({ flows: [], clock, health: { parts: false, agents: [agent] } });
  const rarely = { intervalMs: 86_400_000, extendedInterval: true };
  await app.health.add({ name: 'full', url, ...rarely });
  await app.health.add({ name: 'gone', url: 'http://127.0.0.1:1', ...rarely });
  await clock.advance(3000);
  for (const name of ['full', 'gone', 'agent:printer']) await app.health.checkNow(name);
  const timesOf = async (name: string) => {
    const { checkCount, responseTimes } = await app.health.readSummary(name, {});
    return [checkCount > 0, responseTimes.count === checkCount, responseTimes.count > 0];
  };
  expect(await timesOf('full')).toEqual([true, true, true]);
  expect(await timesOf('gone')).toEqual([true, false, false]);
  expect(await timesOf('agent:printer')).toEqual([true, true, true]);
});

test('there are no more services than a tenant may have', async () => {
  const app = await openApp({ flows: [], health: { parts: false, maxServices: 2 } });
  const acme = app.health.forTenant('acme');
  await acme.report({ name: 'one', health: 'healthy' });
  await acme.report({ name: 'two', health: 'healthy' });
  await expect(acme.report({ name: 'three', health: 'healthy' })).rejects.toMatchObject({
    code: 'TOO_MANY_SERVICES',
  });
  await acme.report({ name: 'two', health: 'degraded' });
  await app.health.report({ name: 'three', health: 'healthy' });
  expect(acme.list().map(({ name }) => name)).toEqual(['agent:one', 'agent:two']);
  expect(app.health.list().map(({ name }) => name)).toEqual(['agent:three']);
  expect(app.health.readCluster().status).toBe('HEALTHY');
  expect(acme.readCluster().status).toBe('DEGRADED');
});

test('what a tenant added live is checked no more often than it may be, all together', async () => {
  const { url } = await serveHealth({ status: 200 });
  const app = await openApp({
    flows: [],
    health: {
      parts: false,
      maxChecksPerSecond: 3,
      services: [{ name: 'own', url, intervalMs: 50 }],
    },
  });
  const { health } = app;
  await health.add({ name: 'one', url, intervalMs: 1000 });
  await health.add({ name: 'two', url, intervalMs: 1000 });
  const refused = {
    code: 'TOO_MANY_CHECKS',
    message: expect.stringContaining('checked 4 times a second, and 3 is the most'),
  };
  await expect(health.add({ name: 'three', url, intervalMs: 500 })).rejects.toMatchObject(refused);
  await expect(health.update('two', { intervalMs: 333 })).rejects.toMatchObject({
    code: 'TOO_MANY_CHECKS',
  });
  await health.update('two', { intervalMs: 500 });
  await health.update('two', { timeoutMs: 100 });
  await expect(health.add({ name: 'three', url })).rejects.toMatchObject(refused);
  await health.forTenant('acme').add({ name: 'three', url, intervalMs: 500 });
  await health.remove('one');
  await health.add({ name: 'three', url });
});

test("the server's own parts are services of the tenant that belongs to nobody", async () => {
  const clock = new ManualClock();
  const app = await openApp({ flows: [], clock });
  await clock.advance(20_000);
  const parts = app.health.list().map(({ name, kind, origin }) => ({ name, kind, origin }));
  const part = { kind: 'PART', origin: 'SERVER' };
  expect(parts).toEqual([
    { name: 'millrace:database', ...part },
    { name: 'millrace:event-loop', ...part },
    { name: 'millrace:write-behind', ...part },
  ]);
  expect(app.health.require('millrace:database').status).toBe('HEALTHY');
  expect(app.health.forTenant('acme').list()).toEqual([]);
  expect(app.health.forTenant('acme').readCluster().status).toBe('UNKNOWN');
});

test('everything that is wrong with configured services is told at once', async () => {
  const services = [
    { name: 'a', url: 'http://127.0.0.1:1', intervalMs: 5 },
    { name: 'b', url: 'ftp://127.0.0.1' },
    { name: 'b', url: 'http://127.0.0.1:1' },
  ];
  const error = await createApp({ flows: [], health: { services } }).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'VALIDATION_FAILED' });
  const places = error.issues.map(({ path }: { path: unknown[] }) => path.join('.'));
  expect(places).toEqual(['services.0.intervalMs', 'services.1.url']);
});

test('everything that is wrong with agents is told at once, and none is asked (H3)', async () => {
  let asked = 0;
  const read = () => {
    asked++;
    return { health: 'healthy' };
  };
  const open = (agents: readonly PulledAgent[]) =>
    createApp({
      flows: [],
      health: { services: [{ name: 'a', url: 'ftp://127.0.0.1' }], agents, parts: false },
    });
  const given: unknown = 'healthy'; // as by one who writes no types
  const error = await open([
    { name: 'bad name!!', intervalMs: 0, read },
    { name: 'slow', intervalMs: 86_400_001, timeoutMs: 600_001, read },
    { name: 'hasty', intervalMs: 50, timeoutMs: 0, read },
    { name: 'slow', intervalMs: 50.5, read: given as PulledAgent['read'] },
    { name: 'slow', tenant: 'acme', intervalMs: 86_400_000, timeoutMs: 600_000, read },
    { name: 'odd', tenant: 5 as unknown as string, read },
  ]).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'VALIDATION_FAILED' });
  expect(error.issues.map(({ path }: Issue) => formatPath(path))).toEqual([
    'services[0].url',
    'agents[0].name',
    'agents[0].intervalMs',
    'agents[1].intervalMs',
    'agents[1].timeoutMs',
    'agents[2].timeoutMs',
    'agents[3].intervalMs',
    'agents[3].read',
    'agents[3].name',
    'agents[5].tenant',
  ]);
  expect(error.message).toContain('agents[0].intervalMs: must be 50–86,400,000 milliseconds');
  expect(asked).toBe(0);
});

test('it starts and stops with the server, and leaves nothing behind (H6)', async () => {
  const answers = await serveHealth({ status: 200 });
  const hanging = createServer(() => undefined);
  await new Promise<void>((ready) => hanging.listen(0, '127.0.0.1', ready));
  onTestFinished(() => {
    hanging.closeAllConnections();
    hanging.close();
  });
  const { port } = hanging.address() as AddressInfo;
  await settle();
  const before = countResources();
  const app = await createApp({
    flows: [],
    health: {
      services: [
        { name: 'answers', url: answers.url, intervalMs: 50 },
        { name: 'hangs', url: `http://127.0.0.1:${port}`, intervalMs: 50 },
        { name: 'refuses', url: 'http://127.0.0.1:1', intervalMs: 50 },
      ],
      agents: [{ name: 'silent', intervalMs: 50, read: () => new Promise(() => undefined) }],
    },
  });
  const { url } = await app.listen({ port: 0 });
  await until(() => answers.requests() > 5);
  await until(() => app.health.readCluster().counts.UNHEALTHY === 1);
  const figures = await (await fetch(new URL('/metrics', url))).text();
  expect(figures).toContain('millrace_services{status="UNHEALTHY"} 1');
  expect(figures).toMatch(/millrace_service_checks_total \d\d/);
  await app.close();
  const seen = answers.requests();
  await until(() => countResources() <= before);
  await new Promise((over) => setTimeout(over, 120));
  expect(answers.requests()).toBe(seen);
});

/** Timers and sockets of clients that keep this process alive. */
function countResources(): number {
  const kinds = [
    'Timeout',
    'TCPSocketWrap',
    'TCPSERVERWRAP',
    'TCPConnectWrap',
    'GetAddrInfoReqWrap',
  ];
  return process.getActiveResourcesInfo().filter((kind) => kinds.includes(kind)).length;
}
