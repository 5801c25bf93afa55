import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ended, openApp, startJob, until, watch } from '../api/api.ts';
import { echo, waiting } from '../api/flows.ts';
import { Gate } from '../engine/parts.ts';
import { JobEventsDocument } from '../generated/operations.ts';

test('W4 who comes back while the job ends is told of its end, whenever that is', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const gate = new Gate();
  const database = `sqlite:${join(directory, 'millrace.db')}`;
  const app = await openApp({ flows: [waiting(gate)], database });
  const lastTypes: (string | undefined)[] = [];
  for (let turns = 0; turns < 60; turns++) {
    const jobId = await startJob(app, { flowId: 'waiting' });
    const types = ['JOB_STARTED', 'JOB_COMPLETED'] as const;
    const first = await watch(app, JobEventsDocument, { jobId, types: [...types], after: null });
    const start = app.createContext().jobEvents.mark();
    await until(() => gate.waiting === 1);
    await first.leave();
    gate.openAll();
    for (let turn = 0; turn < turns; turn++) await new Promise((keep) => setImmediate(keep));
    const after = app.createContext().jobEvents.cursorAt(start);
    const again = await watch(app, JobEventsDocument, { jobId, types: [...types], after });
    lastTypes.push((await again.rest()).at(-1)?.jobEvents.type);
    await ended(app, jobId);
  }
  expect(lastTypes.filter((type) => type !== 'JOB_COMPLETED')).toEqual([]);
});

test('M8 the stream of a job that is deleted ends, though the event that ended it is gone', async () => {
  const gate = new Gate();
  const app = await openApp({ flows: [waiting(gate), echo()], heldEvents: 1 });
  const { jobEvents } = app.services;
  const jobId = await startJob(app, { flowId: 'waiting' });
  await until(() => gate.waiting === 1);
  const after = app.createContext().jobEvents.cursorAt(0);
  const types = ['JOB_STARTED', 'JOB_COMPLETED'] as const;
  // They read nothing until the job is gone.
  const streams = await Promise.all(
    [1, 2].map(() => watch(app, JobEventsDocument, { jobId, types: [...types], after })),
  );
  gate.openAll();
  await ended(app, jobId);
  await ended(app, await startJob(app, { flowId: 'echo' }));
  await app.jobs.delete(jobId.slice(4));
  expect(await Promise.all(streams.map((stream) => stream.rest()))).toEqual([[], []]);
  expect(jobEvents.counts).toMatchObject({ readers: 0, listening: 0 });
});
