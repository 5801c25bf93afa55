import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { CheckLoop } from '../../src/health/check-loop.ts';
import { createFunctionProbe } from '../../src/health/function-probe.ts';
import type { Outcome, Probe } from '../../src/health/probe.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

const GOOD: Outcome = {
  status: 'HEALTHY',
  responseTimeMs: 1,
  httpStatus: 200,
  failure: undefined,
  error: undefined,
  details: undefined,
};

/** A loop over a probe that takes as long as it is told to. */
function startLoop(intervalMs: number, tookMs: (check: number) => number, firstAfterMs = 0) {
  const clock = new ManualClock();
  const begun: number[] = [];
  const outcomes: Outcome[] = [];
  let underWay = 0;
  let most = 0;
  const probe: Probe = {
    check() {
      begun.push(clock.monotonicMs());
      most = Math.max(most, ++underWay);
      return new Promise((answer) => {
        clock.setTimer(tookMs(begun.length - 1), () => {
          underWay--;
          answer(GOOD);
        });
      });
    },
    close: () => undefined,
  };
  const onOutcome = (outcome: Outcome) => void outcomes.push(outcome);
  const loop = new CheckLoop({ probe, intervalMs, firstAfterMs, clock, onOutcome });
  onTestFinished(() => loop.stop());
  return { clock, loop, begun, outcomes, most: () => most };
}

test('checks come at a steady beat from the first on (H1)', async () => {
  const { clock, begun } = startLoop(50, () => 7, 30);
  await clock.advance(330);
  expect(begun).toEqual([30, 80, 130, 180, 230, 280, 330]);
});

test('a check that takes longer than the interval is waited for, and beats stay where they were (H1)', async () => {
  const { clock, begun, most } = startLoop(100, (check) => (check === 1 ? 230 : 10));
  await clock.advance(600);
  expect(begun).toEqual([0, 100, 400, 500, 600]);
  expect(most()).toBe(1);
});

test('a timer that comes late makes no beat drift, and none is caught up on (H1)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 50, max: 1000 }),
      fc.array(fc.nat({ max: 3000 }), { maxLength: 20 }),
      async (intervalMs, latenesses) => {
        const late = [...latenesses];
        const clock = new (class extends ManualClock {
          override setTimer(delayMs: number, fire: () => void) {
            return super.setTimer(delayMs + (late.shift() ?? 0), fire);
          }
        })();
        const begun: number[] = [];
        const probe: Probe = {
          check: async () => {
            begun.push(clock.monotonicMs());
            return GOOD;
          },
          close: () => undefined,
        };
        const onOutcome = () => undefined;
        const loop = new CheckLoop({ probe, intervalMs, firstAfterMs: 0, clock, onOutcome });
        await clock.advance(70_000);
        loop.stop();
        const onTime = begun.slice(latenesses.length + 1);
        expect(onTime.length).toBeGreaterThan(0);
        for (const at of onTime) expect(at % intervalMs).toBe(0);
        const gaps = onTime.slice(1).map((at, before) => at - (onTime[before] ?? 0));
        expect(new Set(gaps)).toEqual(new Set([intervalMs]));
      },
    ),
    { numRuns: 20 },
  );
});

test('who asks for a check while one is under way gets that one (H7)', async () => {
  const { clock, loop, begun, outcomes } = startLoop(1000, () => 20);
  await clock.advance(5);
  const answers = Promise.all([loop.checkNow(), loop.checkNow()]);
  await clock.advance(20);
  expect(await answers).toEqual([GOOD, GOOD]);
  expect(begun).toHaveLength(1);
  const another = loop.checkNow();
  await clock.advance(20);
  expect(await another).toEqual(GOOD);
  expect(begun).toEqual([0, 25]);
  expect(outcomes).toHaveLength(2);
});

test('who is answered may ask again at once, and gets a check of its own (H5, H7)', async () => {
  const clock = new ManualClock();
  const probe = createFunctionProbe(() => ({ health: 'healthy' }), { timeoutMs: 500, clock });
  const first = probe.check();
  const second = first.then(() => probe.check());
  expect([(await first).status, (await second).status]).toEqual(['HEALTHY', 'HEALTHY']);
});

test('a probe that throws at once is checked again at the next beat', async () => {
  const clock = new ManualClock();
  const outcomes: Outcome[] = [];
  const probe: Probe = {
    check: () => {
      throw new Error('Broken.');
    },
    close: () => undefined,
  };
  const onOutcome = (outcome: Outcome) => void outcomes.push(outcome);
  const loop = new CheckLoop({ probe, intervalMs: 100, firstAfterMs: 0, clock, onOutcome });
  onTestFinished(() => loop.stop());
  await clock.advance(250);
  expect(outcomes.map(({ error }) => error)).toEqual(['Broken.', 'Broken.', 'Broken.']);
});

test('what is stopped checks no more, tells nothing of a check under way, and leaves no timer (H6)', async () => {
  const { clock, loop, begun, outcomes } = startLoop(100, () => 50);
  await clock.advance(120);
  loop.stop();
  loop.stop();
  await clock.advance(1000);
  expect(begun).toHaveLength(2);
  expect(outcomes).toHaveLength(1);
  expect(clock.timers).toBe(0);
});

test.each([
  ['an answer', () => ({ health: 'healthy', details: { queue: 3 } }), 'HEALTHY', undefined],
  ['a bad word', () => ({ health: 'on fire' }), 'UNHEALTHY', 'Reported "on fire"'],
  ['a throw', () => Promise.reject(new Error('No socket.')), 'UNHEALTHY', 'No socket.'],
  [
    'a message that is no text',
    () => ({ health: 'bad', message: 5n as unknown as string }),
    'UNHEALTHY',
    '5',
  ],
  [
    'a message that fights back',
    () => ({ health: 'bad', message: Object.create(null) }),
    'UNHEALTHY',
    '{}',
  ],
] as const)('an agent is asked by a function: %s (H5)', async (_what, read, status, error) => {
  const clock = new ManualClock();
  const probe = createFunctionProbe(read, { timeoutMs: 500, clock });
  expect(await probe.check()).toMatchObject({ status, error });
  expect(clock.timers).toBe(0);
});

test('a function that throws at once, and one that never answers, are told so in time (H5)', async () => {
  const clock = new ManualClock();
  const thrower = () => {
    throw new RangeError('Out of reach.');
  };
  const failing = createFunctionProbe(thrower, { timeoutMs: 500, clock });
  expect(await failing.check()).toMatchObject({ status: 'UNHEALTHY', error: 'Out of reach.' });
  let signal: AbortSignal | undefined;
  const hanging = createFunctionProbe(
    (given) => {
      signal = given;
      return new Promise(() => undefined);
    },
    { timeoutMs: 500, clock },
  );
  const answer = hanging.check();
  await clock.advance(499);
  expect(signal?.aborted).toBe(false);
  await clock.advance(1);
  expect(await answer).toMatchObject({
    status: 'UNHEALTHY',
    failure: 'TIMEOUT',
    error: 'Request timeout',
    responseTimeMs: 500,
  });
  expect(signal?.aborted).toBe(true);
  signal = undefined;
  expect(await hanging.check()).toMatchObject({ failure: 'TIMEOUT', error: 'Request timeout' });
  expect(signal).toBeUndefined(); // it is not called again before it has settled
  const other = createFunctionProbe(() => new Promise(() => undefined), { timeoutMs: 500, clock });
  const again = other.check();
  await settle();
  other.close();
  expect(await again).toMatchObject({ status: 'UNHEALTHY', failure: 'FAILED' });
  expect(clock.timers).toBe(0);
});
