import { describe, expect, test } from 'vitest';
import { ExpressionError } from '../../src/expression/expression-error.ts';
import { openApp } from '../api/api.ts';
import { AT_MIDDLE, inStatus, numbers, start } from './debugged.ts';

/** A job that is stopped before its second number, 1. */
async function stopped() {
  const app = await openApp({ flows: [numbers(3)], debugger: { evaluation: true } });
  const breakpoints = [{ ...AT_MIDDLE, condition: 'item == 1' }];
  const jobId = await start(app, 'numbers', { breakpoints });
  const { frames } = await inStatus(app, jobId, 'STOPPED');
  const evaluate = (text: string, where = {}) =>
    app.createContext().debug.evaluate(jobId, text, where);
  return { app, jobId, evaluate, activationId: frames[0]?.activationId };
}

describe('O2 evaluate', () => {
  test('in the activation that stopped the job unless another place is named', async () => {
    const { evaluate, activationId } = await stopped();
    const wanted = { type: 'number', json: { value: 42 } };
    expect(await evaluate('item + 41')).toMatchObject(wanted);
    expect(await evaluate('item + 41', { activationId })).toMatchObject(wanted);
    expect(
      await evaluate('len(queues.item) >= 0 and routine', { routineId: 'middle' }),
    ).toMatchObject({
      json: { value: 'middle' },
    });
    await expect(evaluate('item', { routineId: 'middle' })).rejects.toThrow(/Unknown name "item"/);
  });

  test('the functions that the frontend asked for', async () => {
    const { evaluate } = await stopped();
    const text = `[abs(-1), min(2, 1), max([1, 2]), len('abc'), str(1), int('7'), float('1.5'), bool(''),
      list('ab'), dict([['a', 1]]), len(set([1, 1])), tuple([1]), sum([1, 2]), sorted([2, 1]),
      enumerate(['a']), zip([1], [2]), range(3)]`;
    expect(await evaluate(text)).toMatchObject({
      type: 'list',
      json: {
        value: [1, 1, 2, 3, '1', 7, 1.5, false, ['a', 'b'], { a: 1 }, 1, [1], 3, [1, 2], [[0, 'a']], [[1, 2]], [0, 1, 2]], // biome-ignore format: one line
      },
    });
  });

  test('a value that is too long is told by its type and a preview alone', async () => {
    const { evaluate } = await stopped();
    const { type, preview, json } = await evaluate('range(100000)');
    expect([type, preview.isTruncated, json]).toEqual(['list', true, undefined]);
    expect(preview.text.length).toBeLessThan(1000);
  });

  test('what would take too much is refused before it is tried', async () => {
    const { evaluate } = await stopped();
    for (const text of ['range(1e9)', 'len(str(range(1e7)))', 'sorted(range(1e8))']) {
      await expect(evaluate(text)).rejects.toThrow(ExpressionError);
    }
  });

  test('while something long is worked out others have their turns', async () => {
    const { evaluate } = await stopped();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await evaluate('sum(sorted(range(400000), null, true)) + len(list(range(400000)))');
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });

  test('completions know the activation that stopped the job', async () => {
    const { app, jobId } = await stopped();
    const found = await app.createContext().debug.complete(jobId, 'ite', 3, {});
    expect(found.map(({ text }) => text)).toEqual(expect.arrayContaining(['item', 'items']));
  });
});
