import fc from 'fast-check';
import { createEngine, isFinalState, type JobRun } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import type { Breakpoint } from '../../src/debugger/breakpoint.ts';
import type { StepKind } from '../../src/debugger/debug-host.ts';
import {
  Auditor,
  anyGraph,
  build,
  expectAllAccountedFor,
  Ledger,
  orderedGraph,
  round,
} from '../engine/random-jobs.ts';
import { breakpoint, debug } from './debugging.ts';

const TIME_LIMIT_MS = 600_000;

/** After so many stops a job is let run: a case must come to its end. */
const MOST_STOPS = 40;

const CONDITIONS = [undefined, 'hits % 2 == 0', 'activation % 3 == 0', 'len(items) > 1'];

const breakpoints = fc.array(
  fc.record({
    kind: fc.constantFrom('ROUTINE', 'EVENT', 'EXCEPTION', 'PRESSURE', 'SLOT'),
    place: fc.nat(20),
    condition: fc.constantFrom(...CONDITIONS),
    hitCondition: fc.constantFrom(undefined, '% 2', '>= 3'),
    isOnce: fc.boolean(),
  }),
  { maxLength: 4 },
);

type Wanted = typeof breakpoints extends fc.Arbitrary<infer T> ? T : never;

/** What is done at a stop. */
const moves = fc.infiniteStream(
  fc.constantFrom<(StepKind | 'CONTINUE')[]>('CONTINUE', 'OVER', 'INTO', 'OUT'),
);

/** The breakpoints as they fit a job. */
function placeIn({ routines }: JobRun, wanted: Wanted): Breakpoint[] {
  return wanted.flatMap(({ kind, place, condition, ...options }, at) => {
    const routine = routines[place % routines.length];
    if (routine === undefined) return [];
    const given = { id: `b${at}`, routineId: routine.id, ...options };
    const withCondition = { ...given, condition };
    switch (kind) {
      case 'ROUTINE':
      case 'EXCEPTION':
        return [breakpoint({ kind, ...withCondition })];
      case 'SLOT':
        return routine.slots
          .slice(0, 1)
          .map(({ name }) => breakpoint({ kind, ...withCondition, slot: name }));
      case 'EVENT':
        return Object.keys(routine.definition.events)
          .slice(0, 1)
          .map((event) => breakpoint({ kind, ...withCondition, event }));
      default:
        return [breakpoint({ kind: 'PRESSURE', pressureLevel: 'HIGH', ...given })];
    }
  });
}

/** Debugs a job until it has ended. Answers how often it stopped. */
async function debugToEnd(job: JobRun, wanted: Wanted, todo: Iterator<StepKind | 'CONTINUE'>) {
  const all = placeIn(job, wanted);
  const debugged = debug(job, all, { stopsAtEntry: wanted.length % 2 === 0 });
  let stops = 0;
  while (!isFinalState(job.state)) {
    await round();
    if (job.state !== 'PAUSED' || job.isEnding) continue;
    if (++stops === MOST_STOPS) debugged.setBreakpoints([]);
    const move = stops < MOST_STOPS ? (todo.next().value as StepKind | 'CONTINUE') : 'CONTINUE';
    const canStepOut = move !== 'OUT' || debugged.held.length > 0;
    debugged.continue(move === 'CONTINUE' || !canStepOut ? undefined : move);
  }
  expect(debugged.held).toEqual([]);
  for (const { problem } of Object.values(debugged.snapshot.progress)) {
    expect(problem).toBeUndefined();
  }
  return stops;
}

/** @param scale how many times as many cases as in a quick run */
export function describeProperties(scale: number): void {
  describe('O2 debugged at random: breakpoints, steps and continues', () => {
    test(
      'every item is still accounted for, in any graph',
      async () => {
        let stops = 0;
        await fc.assert(
          fc.asyncProperty(anyGraph, breakpoints, moves, async (graph, wanted, todo) => {
            const ledger = new Ledger();
            const auditor = new Auditor();
            const built = build(graph, ledger);
            const job = createEngine({ deadlockGraceMs: 20, endGraceMs: 20_000 }).start(
              built.flow,
              undefined,
              { observers: [auditor] },
            );
            stops += await debugToEnd(job, wanted, todo);
            await job.settled;
            expectAllAccountedFor(job, built, ledger, auditor);
          }),
          { numRuns: 100 * scale },
        );
        expect(stops).toBeGreaterThan(100 * scale);
      },
      TIME_LIMIT_MS,
    );

    test(
      'where order alone decides, everything comes out as in a run without, whatever the timing',
      async () => {
        let stops = 0;
        await fc.assert(
          fc.asyncProperty(orderedGraph, breakpoints, moves, async (graph, wanted, todo) => {
            const run = async (isDebugged: boolean) => {
              const ledger = new Ledger();
              const built = build(graph, ledger, true);
              const job = createEngine().start(built.flow, undefined);
              if (isDebugged) stops += await debugToEnd(job, wanted, todo);
              const { state } = await job.settled;
              const counts = job.routines.map(({ id, completed, failed, skipped, retried }) => {
                return { id, completed, failed, skipped, retried };
              });
              return { state, counts, ran: ledger.ran, emitted: ledger.emitted };
            };
            expect(await run(true)).toEqual(await run(false));
          }),
          { numRuns: 100 * scale },
        );
        expect(stops).toBeGreaterThan(100 * scale);
      },
      TIME_LIMIT_MS,
    );
  });
}
