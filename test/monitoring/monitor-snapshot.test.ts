import { createEngine, defineFlow, retry } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { JobMonitor } from '../../src/monitoring/job-monitor.ts';
import { emitsAtOnce, Gate, passes, range } from '../engine/parts.ts';
import { ManualClock, settle, until } from '../support/manual-clock.ts';

/** Each item of six waits at the gate. */
function gatedFlow(gate: Gate) {
  return defineFlow({ id: 'gated' }, (f) => {
    const end = f.add(
      'end',
      {
        ...passes<number>(),
        run: async ({ item }, ctx) => {
          await gate.pass();
          ctx.log.info(`had ${item}`, { item });
        },
      },
      { onError: retry({ maxAttempts: 2, delayMs: 0 }) },
    );
    f.connect(f.add('source', emitsAtOnce(range(6))).events.item, end.slots.item);
  });
}

/** Lets some items of a job pass the gate, each after some milliseconds. */
async function letPass(clock: ManualClock, gate: Gate, count: number, eachMs: number) {
  for (let at = 0; at < count; at++) {
    await until(() => gate.waiting === 1);
    await clock.advance(eachMs);
    gate.open();
    await settle();
  }
}

describe('a monitor of a restored job (M7)', () => {
  test('counts on: durations, the places in trace and log, and the rates begin anew', async () => {
    const clock = new ManualClock();
    const gate = new Gate();
    const job = createEngine({ clock }).start(gatedFlow(gate), undefined);
    const monitor = new JobMonitor(job);
    await letPass(clock, gate, 3, 10);
    await until(() => gate.waiting === 1);
    const snapshot = structuredClone(job.capture());
    const counted = JSON.parse(JSON.stringify(monitor.capture()));
    expect(counted).toMatchObject({ traceTotal: 4, logTotal: 3 });
    expect(monitor.traceSince(2, 100_000).map(({ sequence }) => sequence)).toEqual([3, 4]);
    expect(monitor.logsSince(2)).toMatchObject([{ sequence: 3, message: 'had 2' }]);
    expect(monitor.logsSince(3)).toEqual([]);
    job.cancel();
    gate.openAll();

    const restored = createEngine({ clock }).restore(job.flow, snapshot);
    const next = new JobMonitor(restored, {}, counted);
    expect([next.traceTotal, next.logTotal]).toEqual([4, 3]);
    expect(next.readDurations().get('end')).toMatchObject({ count: 3, maxMs: 10 });
    expect(next.readLogs()).toEqual([]);
    expect(next.countTrace({})).toEqual({ matching: 0, dropped: 4 });
    await clock.advance(1_000);
    next.measureRates();
    expect(next.read().routines.find(({ routineId }) => routineId === 'end')).toMatchObject({
      executionCount: 3,
      queues: [{ acceptedCount: 6, rateInPerSecond: 0, rateOutPerSecond: 0 }],
    });

    await letPass(clock, gate, 3, 20);
    await restored.settled;
    const durations = next.readDurations().get('end');
    expect(durations).toMatchObject({ count: 6, minMs: 10, maxMs: 1_020 });
    expect(next.traceSince(0, 100_000).map(({ sequence }) => sequence)).toEqual([5, 6, 7]);
    expect(next.traceSince(6, 100_000)).toMatchObject([
      { sequence: 7, activationId: 7, inputs: [{ item: { text: '5' } }] },
    ]);
    expect(next.readLogs().map(({ sequence, message }) => [sequence, message])).toEqual([
      [4, 'had 3'],
      [5, 'had 4'],
      [6, 'had 5'],
    ]);
    expect(next.keepTrace(100_000)).toMatchObject({ droppedCount: 4 });
  });

  test('of the trace since a place the newest win when characters are short', async () => {
    const flow = defineFlow({ id: 'long' }, (f) => {
      const texts = range(10).map((each) => `${each}`.repeat(100));
      f.connect(f.add('source', emitsAtOnce(texts)).events.item, f.add('end', passes()).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    const monitor = new JobMonitor(job);
    await job.settled;
    const { traceTotal } = monitor;
    expect(traceTotal).toBe(11);
    const all = monitor.traceSince(0, 1_000_000);
    expect(all.map(({ sequence }) => sequence)).toEqual(range(11, 1));
    const some = monitor.traceSince(0, 700).map(({ sequence }) => sequence);
    expect(some.at(-1)).toBe(11);
    expect(some.length).toBeGreaterThan(1);
    expect(some.length).toBeLessThan(8);
    expect(monitor.traceSince(10, 1_000_000)).toEqual(all.slice(10));
    expect(monitor.traceSince(11, 1_000_000)).toEqual([]);
  });

  test('a restored job that waits for a place is told as not started', async () => {
    const gate = new Gate();
    const job = createEngine().start(gatedFlow(gate), undefined);
    await until(() => gate.waiting === 1);
    const snapshot = structuredClone(job.capture());
    job.cancel();
    gate.openAll();
    await job.settled;
    const engine = createEngine({ maxRunningJobs: 1 });
    const busy = engine.start(gatedFlow(gate), undefined);
    const restored = engine.restore(job.flow, snapshot);
    await until(() => gate.waiting === 1);
    expect([busy.hasPlace, restored.hasPlace]).toEqual([true, false]);
    const { routines } = new JobMonitor(restored).read();
    expect(routines.map(({ whyNotRunning }) => whyNotRunning?.kind)).toEqual([
      'JOB_NOT_STARTED',
      'JOB_NOT_STARTED',
    ]);
    const closed = engine.close();
    gate.openAll();
    await closed;
  });
});
