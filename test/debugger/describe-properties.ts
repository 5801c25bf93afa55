import fc from 'fast-check';
import { createEngine, isFinalState, type JobRun } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import type { Breakpoint } from '../../src/debugger/breakpoint.ts';
import type { StepKind } from '../../src/debugger/debug-host.ts';
import { JobItems } from '../../src/debugger/job-items.ts';
import { JobVariables } from '../../src/debugger/job-variables.ts';
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

/** What is done besides: whether a job that runs is paused by hand, and which edits are made at a stop. */
const whims = fc.infiniteStream(
  fc.record({
    pauses: fc.boolean(),
    replaces: fc.nat(7),
    injects: fc.boolean(),
    isFirst: fc.boolean(),
    place: fc.nat(20),
  }),
);

type Whims = typeof whims extends fc.Arbitrary<Iterator<infer T>> ? Iterator<T> : never;

const arming = fc.array(fc.record({ armedBy: fc.option(fc.nat(3)), logs: fc.boolean() }), {
  minLength: 4,
  maxLength: 4,
});

type Arming = typeof arming extends fc.Arbitrary<infer T> ? T : never;

/** The same breakpoints, some of them armed by others, some with a message in place of the stop. */
function arm(all: readonly Breakpoint[], wanted: Arming): Breakpoint[] {
  return all.map((each, at) => {
    const { armedBy = null, logs = false } = wanted[at] ?? {};
    const other = armedBy === null || armedBy >= at ? undefined : all[armedBy]?.id;
    const logMessage = logs ? 'at {routine}, {hits}' : undefined;
    return { ...each, after: other, logMessage };
  });
}

/** Makes edits that come to nothing: what is replaced is replaced by its equal, what is put in is taken out again. */
function editInVain(
  { job, held }: ReturnType<typeof debug>,
  { items, variables }: { readonly items: JobItems; readonly variables: JobVariables },
  { replaces, injects, isFirst, place }: WhimOf<Whims>,
): number {
  let edits = 0;
  const all = { offset: 0, limit: 1000 };
  const replace = (of: Parameters<JobItems['read']>[0], values: readonly unknown[]) => {
    for (const [at, { itemId }] of items.read(of, all).items.entries()) {
      items.replace(itemId, structuredClone(values[at]));
      edits++;
    }
  };
  for (const { activationId, items: taken, staged = [] } of held) {
    if (replaces & 1)
      replace(
        { activationId, of: 'inputs' },
        taken.map(({ value }) => value),
      );
    if (replaces & 2)
      replace(
        { activationId, of: 'outputs' },
        staged.map(({ value }) => value),
      );
  }
  const slots = job.routines.flatMap((routine) => routine.slots);
  const slot = slots[place % slots.length];
  if (slot === undefined) return edits;
  const of = { routineId: slot.owner.id, slot: slot.name };
  if (replaces & 4)
    replace(
      of,
      Array.from(slot.items, ({ value }) => value),
    );
  if (injects && !slot.isFull) {
    items.drop(items.inject(of, { id: 'put in by hand', hops: 4 }, isFirst).itemId);
    edits++;
  }
  variables.set({ scope: 'data', path: ['mark'] }, place);
  return edits;
}

type WhimOf<T> = T extends Iterator<infer Whim> ? Whim : never;

/** Debugs a job until it has ended, with edits that come to nothing, and pauses by hand. Answers how many edits. */
async function debugInVain(
  job: JobRun,
  wanted: Wanted,
  armed: Arming,
  todo: Iterator<StepKind | 'CONTINUE'>,
  whim: Whims,
) {
  const debugged = debug(job, arm(placeIn(job, wanted), armed), { stopsAtEntry: true });
  const edited = { items: new JobItems(debugged), variables: new JobVariables(debugged) };
  const draw = () => whim.next().value as WhimOf<Whims>; // the stream has no end
  let stops = 0;
  let edits = 0;
  while (!isFinalState(job.state)) {
    await round();
    if (job.isEnding) continue;
    if (job.state === 'RUNNING' && stops < MOST_STOPS && draw().pauses) job.pause();
    if (job.state !== 'PAUSED') continue;
    if (++stops === MOST_STOPS) debugged.setBreakpoints([]);
    if (stops <= MOST_STOPS) edits += editInVain(debugged, edited, draw());
    const move = stops < MOST_STOPS ? (todo.next().value as StepKind | 'CONTINUE') : 'CONTINUE';
    const canStepOut = move !== 'OUT' || debugged.held.length > 0;
    debugged.continue(move === 'CONTINUE' || !canStepOut ? undefined : move);
  }
  expect(debugged.held).toEqual([]);
  for (const { problem } of Object.values(debugged.snapshot.progress)) {
    expect(problem).toBeUndefined();
  }
  return edits;
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

    test(
      'edits that come to nothing, log-points, arming and pauses by hand change nothing of that',
      async () => {
        let edits = 0;
        await fc.assert(
          fc.asyncProperty(
            orderedGraph,
            breakpoints,
            arming,
            moves,
            whims,
            async (graph, wanted, armed, todo, whim) => {
              const run = async (isDebugged: boolean) => {
                const ledger = new Ledger();
                const built = build(graph, ledger, true);
                const job = createEngine().start(built.flow, undefined);
                if (isDebugged) edits += await debugInVain(job, wanted, armed, todo, whim);
                const { state } = await job.settled;
                const counts = job.routines.map(({ id, completed, failed, skipped, retried }) => {
                  return { id, completed, failed, skipped, retried };
                });
                return { state, counts, ran: ledger.ran, emitted: ledger.emitted };
              };
              expect(await run(true)).toEqual(await run(false));
            },
          ),
          { numRuns: 50 * scale },
        );
        expect(edits).toBeGreaterThan(100 * scale);
      },
      TIME_LIMIT_MS,
    );
  });
}
