import { describe, expect, test } from 'vitest';
import { watch } from '../api/api.ts';
import {
  ClientEventsAfterDocument,
  ClientEventsDocument,
  ClientJobsDocument,
  ClientStartDocument,
  ClientStateDocument,
  type JobEventType,
} from '../generated/operations.ts';
import { until } from '../support/manual-clock.ts';
import { openPlace, presentCursor, statusesOf } from './place.ts';

/** Quick to notice that nobody is there; a machine that is busy may take its time all the same. */
const WATCHFUL = { keepAliveMs: 50, timeoutMs: 1000 };

async function watching(options: Parameters<typeof openPlace>[0] = {}) {
  const place = await openPlace(options);
  const from = await presentCursor(place);
  const events = place.client.subscribe(ClientEventsAfterDocument, { id: place.jobId, from });
  const next = async () => (await events.next()).value?.happened.message;
  place.log(1, 1);
  expect(await next()).toBe('1');
  return { ...place, events, next };
}

describe('W4 O5 over a bad network a client', () => {
  test.each(['RST', 'FIN'] as const)('comes back after a cut by %s, and tells so', async (how) => {
    const { client, network, jobId, log, next } = await watching();
    const statuses = statusesOf(client);
    const states = client.subscribe(ClientStateDocument, { id: jobId });
    const present = { jobStatusChanged: { status: 'RUNNING' } };
    expect((await states.next()).value).toEqual(present);
    network.cut(how);
    log(2, 2); // nobody is there to hear it
    expect([await next(), await next()]).toEqual(['2', '3']);
    expect((await states.next()).value).toEqual(present); // a state stream begins anew
    expect(statuses).toEqual(['RECONNECTING', 'CONNECTED']);
  });

  test.each(['stall', 'halfOpen'] as const)(
    'notices that nobody answers (%s), and connects anew',
    async (happens) => {
      const { client, network, log, next } = await watching(WATCHFUL);
      const reasons: unknown[] = [];
      client.onStatus((status, reason) => reasons.push([status, reason]));
      network[happens]();
      log(2, 1);
      const waiting = next();
      await until(() => client.status === 'RECONNECTING');
      network.heal();
      expect(await waiting).toBe('2');
      expect(reasons).toEqual([
        ['RECONNECTING', 'the server was silent'],
        ['CONNECTED', undefined],
      ]);
      expect(network.made).toBeGreaterThan(1);
    },
  );

  test('misses nothing when it is cut before the first event', async () => {
    const { app, client, network, jobId, log } = await openPlace();
    const types: JobEventType[] = ['LOG_WRITTEN'];
    const events = client.subscribe(ClientEventsDocument, { id: jobId, types });
    await until(() => app.services.jobEvents.counts.readers === 1);
    network.cut('RST');
    log(1, 2); // nobody is there to hear it
    expect((await events.next()).value?.jobEvents).toMatchObject({ message: '1' });
    expect((await events.next()).value?.jobEvents).toMatchObject({ message: '2' });
  });

  test('that gets no further than to dial tries again', async () => {
    const { client, network } = await openPlace(WATCHFUL);
    network.stall();
    const asked = client.query(ClientJobsDocument);
    const reasons: unknown[] = [];
    client.onStatus((_, reason) => reasons.push(reason));
    await until(() => network.made > 1);
    expect(reasons).toEqual(['it could not be made in time']);
    network.heal();
    expect(await asked).toEqual({ jobs: { totalCount: 1 } });
  });

  test('waits with its queries, and sends one again whose answer was lost', async () => {
    const { client, network } = await openPlace();
    network.refuse();
    const asked = client.query(ClientJobsDocument);
    await until(() => network.made > 3);
    expect(client.status).toBe('RECONNECTING');
    network.heal();
    expect(await asked).toEqual({ jobs: { totalCount: 1 } });
  });

  test('sends a mutation once: one whose answer is lost fails, and says so', async () => {
    const { client, network } = await watching();
    network.stall();
    const started = client.mutate(ClientStartDocument, { input: { flowId: 'waiting' } });
    started.catch(() => undefined);
    network.cut();
    network.heal();
    await expect(started).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      message: expect.stringContaining('Look whether the change was made'),
    });
    await until(() => client.status === 'CONNECTED');
    const { jobs } = await client.query(ClientJobsDocument);
    expect(jobs.totalCount).toBe(1);
  });

  test('sends a mutation that waited for the connection when it is there', async () => {
    const { client, network } = await openPlace();
    network.refuse();
    const started = client.mutate(ClientStartDocument, { input: { flowId: 'waiting' } });
    await until(() => network.made > 2);
    network.heal();
    expect(await started).toMatchObject({ startJob: { __typename: 'StartJobPayload' } });
  });

  test('that was away when the job ended is told so, and its streams end', async () => {
    const { app, client, network, gate, jobId } = await watching();
    const types: JobEventType[] = ['JOB_PAUSED', 'JOB_COMPLETED'];
    const events = client.subscribe(ClientEventsDocument, { id: jobId, types });
    const states = client.subscribe(ClientStateDocument, { id: jobId });
    await states.next();
    await app.jobs.pause(jobId.replace('Job:', ''));
    expect((await events.next()).value?.jobEvents.type).toBe('JOB_PAUSED');
    network.refuse();
    network.cut();
    await until(() => client.status === 'RECONNECTING');
    const near = await watch(app, ClientEventsDocument, { id: jobId, types });
    await app.jobs.resume(jobId.replace('Job:', ''));
    await until(() => gate.waiting === 1);
    gate.openAll();
    await near.rest();
    network.heal();
    const rest: unknown[] = [];
    for await (const { jobEvents } of events) rest.push(jobEvents.type);
    expect(rest).toEqual(['JOB_COMPLETED']);
    let last = '';
    for await (const { jobStatusChanged } of states) last = jobStatusChanged.status;
    expect(last).toBe('COMPLETED');
  });

  test('leaves at once while the connection is away, and what it left does not come back', async () => {
    const { client, network, events, next } = await watching();
    network.refuse();
    network.cut();
    await until(() => client.status === 'RECONNECTING');
    const waiting = next();
    expect(await events.return?.()).toEqual({ done: true, value: undefined });
    expect(await waiting).toBe(undefined);
    expect(client.status).toBe('DISCONNECTED');
    network.heal();
    const { made } = network;
    await new Promise((keep) => setTimeout(keep, 100)); // five times as long as the longest wait
    expect([network.made, network.open]).toEqual([made, 0]);
  });
});
