import { createEngine, isFlow } from 'millrace/engine';
import { describe, expect, it } from 'vitest';
import policies from '../../examples/policies/flow.ts';

/** The outputs of the flow: those of a job that was started by itself are not typed by their flow. */
interface Outputs {
  readonly uploaded: readonly { readonly attempt: number }[];
  readonly climate: readonly { readonly at: number; readonly isPleasant: boolean }[];
  readonly alarms: readonly (readonly number[])[];
  readonly shownAll: readonly number[];
  readonly shownOrFailed: readonly number[];
  readonly shownNewest: readonly number[];
  readonly shownOldest: readonly number[];
  readonly report: readonly { readonly readings: number; readonly alarms: number }[];
}

/** Runs the example and gives back the job, with its counters, and its result. */
async function runPolicies(input: Parameters<typeof start>[0]) {
  const job = start(input);
  const result = await job.settled;
  return { job, result, outputs: result.outputs as unknown as Outputs };
}

function start(input: { readings?: number; pauseMs?: number; slowMs?: number; failAt?: number }) {
  return createEngine().start(policies, input);
}

describe('example flow "policies"', () => {
  it('is a flow that uses every policy, every error strategy and every overflow policy', () => {
    expect(isFlow(policies)).toBe(true);
    expect(policies.warnings).toEqual([]);
    expect(new Set(policies.routines.map(({ policy }) => policy.kind))).toEqual(
      new Set(['IMMEDIATE', 'BATCH_SIZE', 'TIME_INTERVAL', 'ALL_SLOTS_READY', 'CUSTOM', 'NONE']),
    );
    const strategies = policies.routines.map(({ onError }) =>
      typeof onError === 'string' ? onError : onError.kind,
    );
    expect(new Set(strategies)).toEqual(new Set(['stop', 'continue', 'skip', 'retry']));
    const overflows = policies.routines.flatMap(({ slots }) =>
      slots.map(({ overflow }) => overflow),
    );
    expect(new Set(overflows)).toEqual(new Set(['block', 'error', 'dropOldest', 'dropNewest']));
  });

  it('shows what each activation policy and error strategy does', async () => {
    const { job, result, outputs } = await runPolicies({ readings: 200, pauseMs: 1, slowMs: 5 });
    expect(result.state).toBe('COMPLETED');

    // none, as a source: once.
    expect(job.routine('sensors')).toMatchObject({ begun: 1, completed: 1 });
    // immediate: once an item. continue: each 20th is broken, counted, and the job goes on.
    expect(job.routine('check')).toMatchObject({ begun: 200, completed: 190, failed: 10 });
    expect(job.routine('check').slots[0]).toMatchObject({ consumed: 190, failed: 10 });
    // batchSize: 190 readings in tens.
    expect(job.routine('average')).toMatchObject({ begun: 19, completed: 19 });
    // timeInterval: several at a time.
    const { begun: beats } = job.routine('heartbeat');
    expect(beats).toBeGreaterThan(1);
    expect(beats).toBeLessThan(100);
    // allSlotsReady: as many as there are of both.
    expect(job.routine('pair').begun).toBe(200);
    expect(outputs.climate).toHaveLength(200);
    expect(outputs.climate[0]).toEqual({ at: 1, isPleasant: false });
    // skip: not hot is no error. Above 22 degrees are those that end in 8 and 9.
    expect(job.routine('pick-hot')).toMatchObject({ completed: 40, skipped: 150, failed: 0 });
    // custom: at most five at a time, all of them in the end.
    const { alarms } = outputs;
    expect(alarms.every(({ length }) => length >= 1 && length <= 5)).toBe(true);
    expect(alarms.flat()).toHaveLength(40);
    expect(alarms.flat()[0]).toBe(8);
    // retry: of 19 averages five are dead (3 attempts each: 2 retries) or noisy (1 retry): 5, 10, 15 and
    // 3, 6, 9, 12, 18.
    expect(job.routine('upload')).toMatchObject({
      begun: 19,
      completed: 16,
      skipped: 3,
      failed: 0,
      retried: 3 * 2 + 5,
    });
    const attempts = outputs.uploaded.map(({ attempt }) => attempt);
    expect(attempts.filter((attempt) => attempt === 2)).toHaveLength(5);
    // stop: nothing happened.
    expect(job.routine('guard')).toMatchObject({ completed: 200, failed: 0 });
    // none, with slots: once, at the end, on everything.
    expect(job.routine('report').begun).toBe(1);
    expect(outputs.report).toEqual([{ readings: 190, alarms: alarms.length }]);
  });

  it('shows what each overflow policy does', async () => {
    const { job, result, outputs } = await runPolicies({ readings: 100, pauseMs: 0, slowMs: 2 });
    expect(result.state).toBe('COMPLETED');
    const slotOf = (id: string) => job.routine(id).slots[0];
    const all = Array.from({ length: 100 }, (_, at) => at + 1);

    for (const id of ['display-all', 'display-or-fail', 'display-newest', 'display-oldest']) {
      expect(slotOf(id)?.peak).toBe(5);
    }
    // block: nothing is lost, the producer waits.
    expect(outputs.shownAll).toEqual(all);
    expect(slotOf('display-all')).toMatchObject({ consumed: 100, rejected: 0 });
    // error: the relay fails for each item that is refused.
    const { rejected = 0 } = slotOf('display-or-fail') ?? {};
    expect(rejected).toBeGreaterThan(0);
    expect(outputs.shownOrFailed).toHaveLength(100 - rejected);
    expect(job.routine('relay-to-display-or-fail').failed).toBe(rejected);
    // dropOldest: the newest is always shown. dropNewest: the oldest is.
    const { droppedOldest = 0 } = slotOf('display-newest') ?? {};
    expect(droppedOldest).toBeGreaterThan(0);
    expect(outputs.shownNewest).toHaveLength(100 - droppedOldest);
    expect(outputs.shownNewest.at(-1)).toBe(100);
    const { droppedNewest = 0 } = slotOf('display-oldest') ?? {};
    expect(droppedNewest).toBeGreaterThan(0);
    expect(outputs.shownOldest).toHaveLength(100 - droppedNewest);
    expect(outputs.shownOldest.slice(0, 5)).toEqual([1, 2, 3, 4, 5]);
  });

  it('stops when the guard fails', async () => {
    const { job, result } = await runPolicies({ readings: 100, failAt: 40 });
    expect(result.state).toBe('FAILED');
    expect(result.error).toMatchObject({ message: 'The guard stopped the job at measurement 40.' });
    expect(job.routine('guard')).toMatchObject({ completed: 39, failed: 1 });
    expect(job.routine('check').begun).toBeLessThan(100);
  });

  it('refuses an input that does not fit', () => {
    expect(() => start({ readings: 0 })).toThrow(/readings/);
  });
});
