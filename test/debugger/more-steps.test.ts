import { createEngine, defineFlow } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import type { StepKind } from '../../src/debugger/debug-host.ts';
import { emits, Gate, passes, range } from '../engine/parts.ts';
import { until } from '../support/manual-clock.ts';
import { breakpoint, debug, heldIn } from './debugging.ts';

/** source → middle, 3 numbers through the gate. */
function gated(gate: Gate) {
  return defineFlow({ id: 'gated' }, (f) => {
    const middle = f.add('middle', passes<number>(gate.pass));
    f.connect(f.add('source', emits(range(3))).events.item, middle.slots.item);
    return { out: middle.events.item };
  });
}

describe('O2 a step that was under way when the process ended', () => {
  test.each<StepKind>(['OVER', 'INTO', 'OUT'])(
    '%s: stops at the next activation that begins',
    async (kind) => {
      const gate = new Gate();
      const first = createEngine().start(gated(gate), undefined);
      const at = { kind: 'ROUTINE', routineId: 'middle', isOnce: true } as const;
      const before = debug(first, [breakpoint(at)]);
      await until(() => first.state === 'PAUSED');
      before.continue(kind);
      await until(() => gate.waiting === 1);
      expect(before.status).toBe('STEPPING');
      const { snapshot } = before;
      expect(snapshot).toMatchObject({ step: kind, stop: undefined, stopCount: 1 });
      const captured = structuredClone(first.capture());
      first.cancel();
      gate.open();
      await first.settled;

      const again = new Gate();
      const job = createEngine().restore(gated(again), captured);
      const debugged = debug(job, [breakpoint(at)], { before: structuredClone(snapshot) });
      expect(debugged.status).toBe('STEPPING');
      // What ran then runs again: it does not begin.
      await until(() => again.waiting === 1);
      expect([job.state, debugged.stop]).toEqual(['RUNNING', undefined]);
      again.open();
      await until(() => job.state === 'PAUSED');
      expect(debugged.stop).toMatchObject({ number: 2, reason: 'STEP', breakpointIds: [] });
      expect(heldIn(debugged)).toEqual(['middle#3 HELD_BEFORE']);
      expect(debugged.held[0]?.items.map(({ value }) => value)).toEqual([1]);
      debugged.continue();
      for (const _ of range(2)) {
        await until(() => again.waiting === 1);
        again.open();
      }
      expect(await job.settled).toMatchObject({ outputs: { out: range(3) } });
      expect(debugged.snapshot).toMatchObject({ step: undefined, stopCount: 2 });
    },
  );

  test('one without a step does not stop', async () => {
    const gate = new Gate();
    const job = createEngine().start(gated(gate), undefined);
    const before = { stop: undefined, stopCount: 1, step: undefined, released: [], progress: {} };
    const debugged = debug(job, [], { before });
    expect([debugged.status, job.inspector]).toEqual(['RUNNING', undefined]);
    for (const _ of range(3)) {
      await until(() => gate.waiting === 1);
      gate.open();
    }
    expect(await job.settled).toMatchObject({ outputs: { out: range(3) } });
  });
});
