import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineFlow, type Flow } from 'millrace/engine';
import { expect, test, vi } from 'vitest';
import type { AppOptions } from '../../src/app.ts';
import { ended, inState, openApp, watch } from '../api/api.ts';
import { Gate, passes } from '../engine/parts.ts';
import { JobEventsDocument } from '../generated/operations.ts';
import { makeDirectory } from './place.ts';

// O1, "Durable": what holds after one crash also holds when the next comes before anything was written down anew.

/** A database, and copies of it as they would be found if the process were killed now. */
async function makePlace() {
  const directory = await makeDirectory();
  let copies = 0;
  const file = () => join(directory, `${copies}.db`);
  return {
    url: () => `sqlite:${file()}`,
    async crash(): Promise<void> {
      const before = file();
      copies += 1;
      for (const suffix of ['', '-wal']) await copyFile(before + suffix, file() + suffix);
    },
  };
}

function gated(gate: Gate, onCrash: Flow['onCrash']) {
  return defineFlow({ id: 'gated', onCrash }, (f) => {
    f.connect(f.input, f.add('wait', passes<unknown>(gate.pass)).slots.item);
  });
}

/** Without checkpoints but for those at pauses, at shut-downs, and of the first job of a flow. */
const open = (database: string, flow: Flow, more: Partial<AppOptions> = {}) =>
  openApp({ flows: [flow], database, checkpointIntervalMs: 3_600_000, ...more });

test.each([
  ['fail', { state: 'FAILED', error: { code: 'CRASHED' } }],
  ['resume', { state: 'RUNNING' }],
  ['restart', { state: 'RUNNING', recovery: { from: undefined } }],
] as const)('a kill soon after a shut-down and a start is a crash: %s', async (onCrash, wanted) => {
  const place = await makePlace();
  const gate = new Gate();
  const flow = gated(gate, onCrash);
  const first = await open(place.url(), flow);
  const { id } = await first.jobs.start({ flowId: 'gated', input: {} });
  while (gate.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  await first.close();
  const second = await open(place.url(), flow);
  expect(await second.jobs.require(id)).toMatchObject({
    state: 'RUNNING',
    recovery: { count: 1, crashCount: 0, from: expect.any(Number) },
  });
  await place.crash();
  const third = await open(place.url(), flow);
  await inState(third, id, wanted.state);
  const job = await third.jobs.require(id);
  expect(job).toMatchObject(wanted);
  expect(job.recovery).toMatchObject({ count: 2, crashCount: 1 });
});

test('a paused job that begins again stays paused, also when the next crash comes before it has begun', async () => {
  const place = await makePlace();
  const gate = new Gate();
  const flow = gated(gate, 'restart');
  const first = await open(place.url(), flow);
  const running = await first.jobs.start({ flowId: 'gated', input: {} });
  const paused = await first.jobs.start({ flowId: 'gated', input: {} });
  for (const { id } of [running, paused]) await inState(first, id, 'RUNNING');
  await first.jobs.pause(paused.id);
  await place.crash();
  // There is a place for the other alone.
  const second = await open(place.url(), flow, { engine: { maxRunningJobs: 1, endGraceMs: 1 } });
  expect(await second.jobs.require(paused.id)).toMatchObject({ state: 'PAUSED' });
  await place.crash();
  const begunBefore = gate.waiting;
  const third = await open(place.url(), flow);
  await inState(third, running.id, 'RUNNING');
  expect(await third.jobs.require(paused.id)).toMatchObject({
    state: 'PAUSED',
    recovery: { count: 2 },
  });
  while (gate.waiting === begunBefore) await new Promise((resolve) => setImmediate(resolve));
  expect(gate.waiting).toBe(begunBefore + 1);
  await vi.waitFor(() => third.jobs.resume(paused.id), 10_000);
  while (gate.waiting === begunBefore + 1) await new Promise((resolve) => setImmediate(resolve));
  gate.openAll();
  for (const { id } of [running, paused]) {
    await ended(third, id);
    expect(await third.jobs.require(id)).toMatchObject({ state: 'COMPLETED' });
  }
});

test('a client that comes back with a cursor from before the crash is told of the gap, then of the recovery', async () => {
  const place = await makePlace();
  const gate = new Gate();
  const flow = gated(gate, 'resume');
  const first = await open(place.url(), flow);
  const { id } = await first.jobs.start({ flowId: 'gated', input: {} });
  while (gate.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  await first.jobs.pause(id);
  await first.jobs.resume(id);
  const jobId = `Job:${id}`;
  const types = ['JOB_STARTED', 'JOB_RESUMED', 'JOB_RECOVERED', 'GAP'] as const;
  const before = await watch(first, JobEventsDocument, {
    jobId,
    types: [...types],
    after: 'none-0',
  });
  const seen = await before.nextUntil(({ jobEvents }) => jobEvents.type === 'JOB_RESUMED');
  const after = seen.at(-1)?.jobEvents.cursor ?? '';
  await place.crash();
  const second = await open(place.url(), flow);
  const again = await watch(second, JobEventsDocument, { jobId, types: [...types], after });
  const told = await again.nextUntil(({ jobEvents }) => jobEvents.type === 'JOB_RECOVERED');
  expect(told.map(({ jobEvents }) => jobEvents.__typename)).toEqual([
    'GapEvent',
    'JobRecoveredEvent',
  ]);
});
