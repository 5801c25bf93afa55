import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AlertState, IDLE, nextAlertState } from '../../src/alerts/alert-state.ts';

const looks = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 0, max: 40 }),
    holds: fc.option(fc.boolean(), { nil: undefined, freq: 5 }),
    hasRoom: fc.boolean(),
  }),
  { maxLength: 60 },
);
const times = fc.record({
  forMs: fc.constantFrom(0, 1, 30, 100),
  coolDownMs: fc.constantFrom(0, 1, 30, 100),
});

describe('M10 the state of a rule and one subject', () => {
  it('raises only what held for its whole time, had room and had cooled down; and resolves what it raised', () => {
    fc.assert(
      fc.property(looks, times, (all, limits) => {
        let state: AlertState = IDLE;
        let nowMs = 0;
        /** Since when every look that could tell said that it holds. */
        let heldSinceMs: number | undefined;
        let isOpen = false;
        let resolvedAtMs = Number.NEGATIVE_INFINITY;
        for (const { afterMs, holds, hasRoom } of all) {
          nowMs += afterMs;
          const before: AlertState = state;
          const isCool = nowMs - resolvedAtMs >= limits.coolDownMs;
          if (holds === false) heldSinceMs = undefined;
          if (holds === true && isCool) heldSinceMs ??= nowMs;
          const step = nextAlertState(state, { nowMs, holds, hasRoom }, limits);
          state = step.state;
          const mayRaise =
            !isOpen &&
            holds === true &&
            hasRoom &&
            heldSinceMs !== undefined &&
            nowMs - heldSinceMs >= limits.forMs;
          // Exactly when it may, and is open until it is told not to hold: at most one at a time.
          expect(step.act === 'RAISE').toBe(mayRaise);
          expect(step.act === 'RESOLVE').toBe(isOpen && holds === false);
          if (step.act === 'RAISE') isOpen = true;
          if (step.act === 'RESOLVE') {
            isOpen = false;
            resolvedAtMs = nowMs;
            heldSinceMs = undefined;
          }
          expect(state.kind === 'FIRING').toBe(isOpen);
          if (holds === undefined && before.kind !== 'COOLING_DOWN') expect(state).toEqual(before);
          if (state.kind === 'COOLING_DOWN')
            expect(nowMs - state.sinceMs).toBeLessThan(limits.coolDownMs);
          if (holds === true && state.kind === 'PENDING' && state.isSuppressed) {
            expect(hasRoom).toBe(false);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('goes from IDLE by PENDING, FIRING and COOLING_DOWN to IDLE', () => {
    const limits = { forMs: 10, coolDownMs: 20 };
    const kinds: string[] = [];
    let state: AlertState = IDLE;
    for (const [nowMs, holds] of [
      [0, true],
      [9, true],
      [10, true],
      [15, false],
      [30, true],
      [35, false],
    ] as const) {
      state = nextAlertState(state, { nowMs, holds, hasRoom: true }, limits).state;
      kinds.push(state.kind);
    }
    expect(kinds).toEqual(['PENDING', 'PENDING', 'FIRING', 'COOLING_DOWN', 'COOLING_DOWN', 'IDLE']);
  });

  it('waits without room as suppressed, and is raised as soon as there is some', () => {
    const limits = { forMs: 0, coolDownMs: 0 };
    const full = nextAlertState(IDLE, { nowMs: 0, holds: true, hasRoom: false }, limits);
    expect(full).toEqual({
      state: { kind: 'PENDING', sinceMs: 0, isSuppressed: true },
      act: undefined,
    });
    const free = nextAlertState(full.state, { nowMs: 1, holds: true, hasRoom: true }, limits);
    expect(free).toEqual({ state: { kind: 'FIRING' }, act: 'RAISE' });
  });
});
