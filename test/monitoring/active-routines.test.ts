import { defineFlow } from 'millrace/engine';
import { expect, test } from 'vitest';
import { ask, ended, openApp, startJob, until } from '../api/api.ts';
import { emitsAtOnce, Gate, passes, range } from '../engine/parts.ts';
import { GetActiveRoutinesDocument } from '../generated/operations.ts';
import { settle } from '../support/manual-clock.ts';

test('M1 tells each routine that executes now, with all its activations, until none does', async () => {
  const left = new Gate();
  const right = new Gate();
  const flow = defineFlow({ id: 'forked' }, (f) => {
    const source = f.add('source', emitsAtOnce(range(5)));
    const options = { concurrency: 3 };
    f.connect(source.events.item, f.add('left', passes<number>(left.pass), options).slots.item);
    f.connect(source.events.item, f.add('right', passes<number>(right.pass)).slots.item);
  });
  const app = await openApp({ flows: [flow] });
  const ids = [
    await startJob(app, { flowId: 'forked' }),
    await startJob(app, { flowId: 'forked' }),
  ] as const;
  const active = async (id: string) => {
    const { job } = await ask(app, GetActiveRoutinesDocument, { id });
    return job?.activeRoutines.map(({ routineId, activeCount }) => `${routineId} ${activeCount}`);
  };
  await until(() => left.waiting === 6 && right.waiting === 2);
  for (const id of ids) expect(await active(id)).toEqual(['left 3', 'right 1']);

  for (let step = 0; step < 6; step++) left.open(); // three of each job end, two of each are left
  await settle();
  for (const id of ids) expect(await active(id)).toEqual(['left 2', 'right 1']);

  for (let step = 0; step < 4; step++) left.open();
  await settle();
  for (const id of ids) expect(await active(id)).toEqual(['right 1']);

  for (let step = 0; step < 5; step++) {
    right.openAll();
    await settle();
  }
  for (const id of ids) {
    await ended(app, id);
    expect(await active(id)).toEqual([]);
  }
});

test('M1 nothing is active in a job that was cancelled, though its code goes on', async () => {
  const gate = new Gate();
  const flow = defineFlow({ id: 'stubborn' }, (f) => {
    f.connect(f.input, f.add('wait', passes<unknown>(gate.pass)).slots.item);
  });
  const app = await openApp({ flows: [flow] });
  const id = await startJob(app, { flowId: 'stubborn' });
  await until(() => gate.waiting === 1);
  await app.jobs.cancel(id.slice(4));
  const { job } = await ask(app, GetActiveRoutinesDocument, { id });
  expect(job).toEqual({ status: 'CANCELLED', activeRoutines: [] });
});
