import { describe, expect, test } from 'vitest';
import {
  compileExpression,
  type EvaluateOptions,
  scopeOf,
} from '../../src/expression/expression.ts';
import { ExpressionError } from '../../src/expression/expression-error.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { evaluateText, failureOf } from './evaluate-text.ts';

const numbers = Array.from({ length: 20_000 }, (_, index) => (index * 7919) % 10_007);
const copy = numbers.slice();
const text = 'ab'.repeat(550_000);
const values = { numbers, copy, text, short: [1, 2] };

async function evaluate(expression: string, options?: EvaluateOptions): Promise<unknown> {
  return (await compileExpression(expression).evaluate(scopeOf(values), options)).value;
}

/** A clock that goes on by so many milliseconds each time that it is read. */
function makeTickingClock(tickMs: number): Clock {
  let nowMs = 0;
  return {
    now: () => 0,
    monotonicMs: () => {
      nowMs += tickMs;
      return nowMs;
    },
    setTimer: () => () => undefined,
  };
}

async function rejectionOf(promise: Promise<unknown>): Promise<ExpressionError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ExpressionError) return error;
  throw new Error('It was not rejected with an ExpressionError.', { cause: error });
}

describe('at once, on a small budget', () => {
  test.each([
    ['sum(numbers)', 'STEP_LIMIT'],
    ['numbers == copy', 'STEP_LIMIT'],
    ['-1 in numbers', 'STEP_LIMIT'],
    ['sorted(numbers)', 'STEP_LIMIT'],
    ['range(1e9)', 'MEMORY_LIMIT'],
    ['range(50000)', 'STEP_LIMIT'],
    ['text + text', 'MEMORY_LIMIT'],
    ['upper(text)', 'MEMORY_LIMIT'],
    ['list(text)', 'STEP_LIMIT'],
    ['"zz" in text', 'STEP_LIMIT'],
    ['str(numbers)', 'STEP_LIMIT'],
  ])('%s', (expression, reason) => {
    expect(failureOf(expression, values).reason).toBe(reason);
  });

  test('the place of the part that is too costly is told', () => {
    expect(failureOf('short[0] == 1 and sum(numbers) > 0', values).position).toBe(18);
  });

  test('a budget can be given', () => {
    const expression = compileExpression('sum(short)');
    expect(expression.evaluateNow(scopeOf(values), { steps: 100, memoryBytes: 1000 })).toBe(3);
    const tight = { steps: 4, memoryBytes: 1000 };
    expect(() => expression.evaluateNow(scopeOf(values), tight)).toThrow('more steps');
    const small = { steps: 100, memoryBytes: 10 };
    expect(() => expression.evaluateNow(scopeOf(values), small)).toThrow('more memory');
  });

  test('cost is charged before the work is tried', () => {
    for (const expression of ['range(2 ** 52)', 'list(sparse)', 'sum(sparse)', 'sorted(sparse)']) {
      const sparse: unknown[] = [];
      sparse.length = 2 ** 32 - 1;
      expect(failureOf(expression, { sparse }).reason).toMatch(/_LIMIT/);
    }
  });
});

describe('what JavaScript does in one go', () => {
  const wide = Object.fromEntries(Array.from({ length: 30_000 }, (_, at) => [`key${at}`, at]));
  const long = (end: string) => 'x'.repeat(20_000) + end;
  const bits = 2n ** 5_000n;
  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['bool(o)', { o: wide }, 'STEP_LIMIT'],
    ['len(o)', { o: wide }, 'STEP_LIMIT'],
    ['o == {}', { o: wide }, 'STEP_LIMIT'],
    ['str(l)', { l: [wide, wide] }, 'STEP_LIMIT'],
    ['t in l', { l: Array(1_000).fill(long('a')), t: long('b') }, 'STEP_LIMIT'],
    ['set(l)', { l: [long('a')] }, 'TYPE'],
    ['dict([[t, 1]])', { t: long('a') }, 'TYPE'],
    ['{a: 1}[t]', { t: long('a') }, 'TYPE'],
    ['t in o', { t: long('a'), o: new Map() }, 'TYPE'],
    ['set([b])', { b: bits }, 'TYPE'],
    ['b == c', { b: bits, c: bits + 1n }, 'TYPE'],
    ['b === c', { b: bits, c: bits + 1n }, 'TYPE'],
    ['b < c', { b: bits, c: bits + 1n }, 'TYPE'],
    ['lower(t)', { t: 'É'.repeat(200_000) }, 'STEP_LIMIT'],
    ['str([t])', { t: '\ud800'.repeat(200_000) }, 'STEP_LIMIT'],
  ])('%s is refused', (expression, given, reason) => {
    expect(failureOf(expression, given).reason).toBe(reason);
  });

  test('what is not large is answered', () => {
    expect(evaluateText('b > 1 and b != 1 and c == 2 ** 60', { b: bits, c: 2n ** 60n })).toBe(true);
    const [one, other] = [long('a'), `${long('')}a`];
    expect(evaluateText('one == other and one is other and one <= other', { one, other })).toBe(
      true,
    );
  });

  test('the keys of an object are counted once in an evaluation', async () => {
    const text = `[${Array(100).fill('len(o)').join(',')}, sum(numbers)]`;
    const budget = { steps: 70_000, memoryBytes: 2 ** 20 };
    const scope = scopeOf({ o: wide, numbers });
    const { value } = await compileExpression(text).evaluate(scope, { budget });
    expect(value).toHaveLength(101);
  });
});

test('a value is not taken for the promise that it looks like', async () => {
  const thenable = { then: () => expect.unreachable() };
  const never = new Promise(() => undefined);
  for (const value of [thenable, never]) {
    expect((await compileExpression('a').evaluate(scopeOf({ a: value }))).value).toBe(value);
  }
});

describe('in turns', () => {
  test('long work gives what it gives at once', async () => {
    const plenty = { steps: 1e9, memoryBytes: 1e9 };
    for (const expression of [
      'sum(numbers)',
      'sorted(numbers) == sorted(copy, None, True)',
      'sorted(numbers)[len(numbers) - 1] + max(numbers) - min(copy)',
      'numbers == copy and -1 not in copy',
      'len(set(numbers)) + len(zip(numbers, copy)) + len(enumerate(copy))',
      'str(range(20000)) == str(list(range(20000)))',
      '"bb" in text',
      `\`\${sum(numbers)} \${short} \${len(upper("ab" + short[0]))}\``,
      'sum(numbers) > 0 ? sum(copy) : none.x',
      '{a: sum(numbers), b: [max(copy)]}',
    ]) {
      const now = compileExpression(expression).evaluateNow(scopeOf(values), plenty);
      expect(await evaluate(expression)).toEqual(now);
    }
  });

  test.each([
    'sum(numbers)',
    'sorted(numbers)',
    'numbers == copy',
    '-1 in numbers',
    'set(numbers)',
    'zip(numbers, copy)',
    'range(100000)',
    '"bb" in text',
    `\`\${range(100000)}\``,
    'dict(enumerate(numbers))',
  ])('%s lets others have their turn', async (expression) => {
    let turns = 0;
    const letOthers = async () => {
      turns++;
    };
    // Each look at the clock finds that a turn is over.
    await evaluate(expression, { clock: makeTickingClock(3), deadlineMs: 1e9, letOthers });
    // A look is taken every 4,000 steps, and each of these takes at least one step an element.
    expect(turns).toBeGreaterThan(3);
  });

  test('the event loop goes on meanwhile', async () => {
    let turns = 0;
    let isDone = false;
    const count = () => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    // Each look at the clock finds that a turn is over, however fast the machine is.
    await evaluate('len(sorted(numbers))', { clock: makeTickingClock(3), deadlineMs: 1e9 });
    isDone = true;
    expect(turns).toBeGreaterThan(3);
  });

  test('what is short takes no turn', async () => {
    let turns = 0;
    const letOthers = async () => {
      turns++;
    };
    expect(await evaluate('sum(short) + len(numbers)', { letOthers })).toBe(20_003);
    expect(turns).toBe(0);
  });

  test('names are read once, and only when the expression comes to them', async () => {
    const reads: string[] = [];
    const scope = {
      read: (name: string) => {
        reads.push(name);
        return numbers;
      },
    };
    await compileExpression('len(sorted(a)) > 0 or b').evaluate(scope);
    expect(reads).toEqual(['a']);
    compileExpression('true or b').evaluateNow(scope);
    expect(reads).toEqual(['a']);
  });

  test.each([
    ['range(1e9)', 'MEMORY_LIMIT'],
    ['range(2 ** 52)', 'MEMORY_LIMIT'],
    ['[range(9000000), range(9000000)]', 'MEMORY_LIMIT'],
    ['text + text', 'MEMORY_LIMIT'],
    ['upper(text)', 'MEMORY_LIMIT'],
  ])('%s is refused before it is tried', async (expression, reason) => {
    expect((await rejectionOf(evaluate(expression))).reason).toBe(reason);
  });

  test('memory that is kept over turns is counted once', async () => {
    // Dozens of turns, 1 MB of lists each.
    const budget = { steps: 1e8, memoryBytes: 1.2e6 };
    expect(await evaluate('len(sorted(numbers))', { budget })).toBe(20_000);
    const failure = await rejectionOf(
      evaluate('[sorted(numbers), sorted(copy), sorted(numbers)]', { budget }),
    );
    expect(failure.reason).toBe('MEMORY_LIMIT');
  });

  test('steps are bounded', async () => {
    const budget = { steps: 1000, memoryBytes: 1e9 };
    expect((await rejectionOf(evaluate('max(numbers)', { budget }))).reason).toBe('STEP_LIMIT');
  });

  test('a deadline ends it', async () => {
    const clock = makeTickingClock(3);
    const failure = await rejectionOf(evaluate('sorted(numbers)', { clock, deadlineMs: 50 }));
    expect([failure.reason, failure.message]).toEqual([
      'DEADLINE',
      'This takes longer than 50 ms.',
    ]);
  });

  test('a signal ends it', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const letOthers = async () => abort.abort(reason);
    const clock = makeTickingClock(3);
    const failure = await rejectionOf(
      evaluate('sorted(numbers)', { signal: abort.signal, letOthers, clock }),
    );
    expect([failure.reason, failure.cause]).toEqual(['CANCELLED', reason]);
  });
});

test('what a scope throws is told as a failure', () => {
  const scope = {
    read: () => {
      throw new RangeError('gone');
    },
  };
  expect(() => compileExpression('a').evaluateNow(scope)).toThrow(
    'A value could not be read: gone',
  );
});

test('a list that is as large as can be costs nothing when it is not looked at', () => {
  expect(evaluateText('len(numbers) + len(text)', values)).toBe(1_120_000);
});
