import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ended, openApp, startJob, until, watch } from '../api/api.ts';
import { waiting } from '../api/flows.ts';
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
    const start = app.services.jobEvents.mark();
    await until(() => gate.waiting === 1);
    await first.leave();
    gate.openAll();
    for (let turn = 0; turn < turns; turn++) await new Promise((keep) => setImmediate(keep));
    const after = app.services.jobEvents.cursorAt(start);
    const again = await watch(app, JobEventsDocument, { jobId, types: [...types], after });
    lastTypes.push((await again.rest()).at(-1)?.jobEvents.type);
    await ended(app, jobId);
  }
  expect(lastTypes.filter((type) => type !== 'JOB_COMPLETED')).toEqual([]);
});
