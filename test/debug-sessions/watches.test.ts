import { describe, expect, test } from 'vitest';
import { range } from '../engine/parts.ts';
import { openStopped, stopOf } from './stopped-job.ts';

async function openWatched(expression: string) {
  const { app, jobId } = await openStopped();
  const { debug } = app.createContext();
  const me = { jobId: jobId.slice(4), actor: 'me' };
  const { watch } = await debug.addWatch(me, expression);
  const texts = async () =>
    (await debug.readWatches(me.jobId)).map(({ evaluation }) => evaluation?.preview.text);
  return { app, debug, me, watch, texts };
}

describe('O2 watches', () => {
  test('are worked out once a stop for all who look, and anew when something was changed', async () => {
    const { app, debug, me, texts } = await openWatched('state.done');
    const { jobId } = me;
    const [first, second] = await Promise.all([debug.readWatches(jobId), debug.readWatches(jobId)]);
    expect(second).toBe(first);
    expect(await debug.readWatches(jobId)).toBe(first);

    const done = { routineId: 'scale', scope: 'state', path: ['done'] } as const;
    await debug.setVariable(me, done, 41);
    expect(await texts()).toEqual(['41']);
    await debug.addWatch(me, 'item');
    expect(await texts()).toEqual(['41', '1']);
    const { items } = await debug.readItems(
      jobId,
      { routineId: 'scale', slot: 'line' },
      { offset: 0, limit: 1 },
    );
    await debug.replaceItem(me, items[0]?.itemId ?? '', 7);
    await debug.continue(me);
    await stopOf(app, jobId, 2);
    expect(await texts()).toEqual(['42', '7']);
  });

  test('take one place among all evaluations, however many look', async () => {
    const { debug, me } = await openWatched('sum(range(100000))');
    for (const at of range(4)) await debug.addWatch(me, `sum(range(100000)) + ${at}`);
    const looking = range(20).map(() => debug.readWatches(me.jobId));
    const evaluating = range(7).map(() => debug.evaluate(me.jobId, 'sum(range(100000))', {}));
    expect(await Promise.all(evaluating)).toHaveLength(7);
    for (const readings of await Promise.all(looking)) {
      expect(readings.map(({ problem }) => problem)).toEqual(range(5).map(() => undefined));
    }
  });

  test('are the same when the expression is', async () => {
    const { debug, me, watch } = await openWatched('item');
    const again = await debug.addWatch(me, 'item');
    expect(again.watch).toEqual(watch);
    expect(again.session.watches).toHaveLength(1);
  });
});
