import { describe, expect, test } from 'vitest';
import { compileExpression, scopeOf } from '../../src/expression/expression.ts';
import { ExpressionError } from '../../src/expression/expression-error.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** What an expression fails with. */
async function failureOf(work: () => unknown): Promise<ExpressionError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
  throw new Error('It did not fail.');
}

describe('O2 what people ask for, when nothing else is said', () => {
  test('has 5 seconds, the turns of others included', async () => {
    const clock = new ManualClock();
    const begunMs = clock.monotonicMs();
    const turnsMs: number[] = [];
    // A turn is over whenever it is looked at, and others take nearly a second.
    const work = compileExpression('sorted(numbers)');
    const numbers = Array.from({ length: 100_000 }, (_, at) => (at * 7919) % 100_003);
    const options = {
      clock: {
        now: () => clock.now(),
        setTimer: (delayMs: number, fire: () => void) => clock.setTimer(delayMs, fire),
        monotonicMs() {
          turnMs += 3;
          return begunMs + turnMs;
        },
      },
      letOthers: async () => {
        turnsMs.push(turnMs);
        turnMs += 900;
      },
    };
    let turnMs = 0;
    const failure = await failureOf(() => work.evaluate(scopeOf({ numbers }), options));
    expect([failure.reason, failure.message]).toEqual([
      'DEADLINE',
      'This takes longer than 5000 ms.',
    ]);
    expect(turnsMs.at(-1)).toBeGreaterThan(4_000);
    expect(turnsMs.at(-1)).toBeLessThan(5_003);
  });

  test('has 100 MiB', async () => {
    // An element of a list is taken to need 8 to 16 bytes.
    const evaluate = (text: string) => compileExpression(text).evaluate(scopeOf({}));
    expect(await evaluate('len(range(6500000))')).toMatchObject({ value: 6_500_000 });
    const failure = await failureOf(() => evaluate('len(range(13200000))'));
    expect(failure.reason).toBe('MEMORY_LIMIT');
  });
});

describe('O2 what breakpoints work out', () => {
  /** To add them up takes 8,000 steps. */
  const scope = scopeOf({ numbers: new Array(4_000).fill(1) });

  test.each([
    ['10,000 steps', 'sum(numbers) + sum(numbers)', 'STEP_LIMIT'],
    // Whether there is memory for a list is asked before whether there are steps.
    ['as much for a list of 960,000 bytes', 'len(range(60000))', 'STEP_LIMIT'],
    ['1 MiB', 'len(range(140000))', 'MEMORY_LIMIT'],
  ])('has %s', async (_, text, reason) => {
    for (const work of ['evaluateNow', 'isTrueNow'] as const) {
      expect(compileExpression('sum(numbers)')[work](scope)).toBeTruthy();
      const failure = await failureOf(() => compileExpression(text)[work](scope));
      expect(failure.reason).toBe(reason);
    }
  });
});
