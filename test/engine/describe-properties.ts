import fc from 'fast-check';
import { createEngine, type JobRun } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { countsOf } from './parts.ts';
import {
  Auditor,
  anyGraph,
  build,
  expectAllAccountedFor,
  Ledger,
  orderedGraph,
  round,
} from './random-jobs.ts';
import { expectSettled, moveOften, synchronousFlow } from './random-moves.ts';

/** Gives the job some rounds of the event loop. */
async function rounds(count: number): Promise<void> {
  for (let at = 0; at < count; at++) await round();
}

/** A busy machine may take its time. */
const TIME_LIMIT_MS = 600_000;

const engineOptions = { deadlockGraceMs: 20, endGraceMs: 20_000 };

async function pauseAndResume(job: JobRun, pauses: readonly (readonly [number, number])[]) {
  for (const [running, paused] of pauses) {
    await rounds(running);
    if (job.state !== 'RUNNING' || job.isEnding) return;
    job.pause();
    await rounds(paused);
    if (job.isEnding) return;
    job.resume();
  }
}

/**
 * What must hold for any job, whatever its graph, its timing and what is done to it.
 * @param scale how many times as many cases as in a quick run
 */
export function describeProperties(scale: number): void {
  describe('for random graphs, policies, capacities, overflow, concurrency and failures', () => {
    test(
      'every item emitted is consumed, dropped, discarded or recorded with an error, once',
      async () => {
        const states = { COMPLETED: 0, FAILED: 0, CANCELLED: 0 };
        await fc.assert(
          fc.asyncProperty(anyGraph, async (graph) => {
            const ledger = new Ledger();
            const auditor = new Auditor();
            const built = build(graph, ledger);
            const job = createEngine(engineOptions).start(built.flow, undefined, {
              observers: [auditor],
            });
            const { state } = await job.settled;
            states[state]++;
            expectAllAccountedFor(job, built, ledger, auditor);
          }),
          { numRuns: 400 * scale },
        );
        // The graphs are of no use if they all fail, or none does.
        expect(states.COMPLETED).toBeGreaterThan(20 * scale);
        expect(states.FAILED).toBeGreaterThan(20 * scale);
      },
      TIME_LIMIT_MS,
    );

    test(
      'cancelled at a random time all counters settle',
      async () => {
        await fc.assert(
          fc.asyncProperty(anyGraph, fc.nat(25), fc.boolean(), async (graph, after, isPaused) => {
            const ledger = new Ledger();
            const auditor = new Auditor();
            const built = build(graph, ledger);
            const job = createEngine(engineOptions).start(built.flow, undefined, {
              observers: [auditor],
            });
            await rounds(after);
            if (isPaused && job.state === 'RUNNING' && !job.isEnding) {
              job.pause();
              await rounds(3);
            }
            const isOver = job.isEnding || job.state === 'COMPLETED';
            if (!isOver) job.cancel();
            const { state } = await job.settled;
            if (!isOver) expect(state).toBe('CANCELLED');
            expect(job.unresponsive).toEqual([]);
            expectAllAccountedFor(job, built, ledger, auditor);
          }),
          { numRuns: 300 * scale },
        );
      },
      TIME_LIMIT_MS,
    );

    test(
      'paused and resumed at random times every item is still accounted for',
      async () => {
        const times = fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { minLength: 1, maxLength: 4 });
        await fc.assert(
          fc.asyncProperty(anyGraph, times, async (graph, pauses) => {
            const ledger = new Ledger();
            const auditor = new Auditor();
            const built = build(graph, ledger);
            const job = createEngine(engineOptions).start(built.flow, undefined, {
              observers: [auditor],
            });
            await pauseAndResume(job, pauses);
            await job.settled;
            expectAllAccountedFor(job, built, ledger, auditor);
          }),
          { numRuns: 300 * scale },
        );
      },
      TIME_LIMIT_MS,
    );

    test(
      'held at random by an inspector every item is still accounted for',
      async () => {
        await fc.assert(
          fc.asyncProperty(anyGraph, fc.infiniteStream(fc.nat(3)), async (graph, dice) => {
            const ledger = new Ledger();
            const auditor = new Auditor();
            const built = build(graph, ledger);
            const roll = () => dice.next().value ?? 0;
            const job = createEngine(engineOptions).start(built.flow, undefined, {
              observers: [auditor],
              inspector: {
                interestIn: () => ({ starts: true, outputs: roll() === 0 }),
                holdsBefore: () => roll() === 0,
                holdsOutput: () => roll() === 0,
                holdsFailure: () => roll() === 0,
                holdsRestored: () => roll() === 0,
              },
            });
            const settled = job.settled.then(() => true);
            while (!(await Promise.race([settled, round()]))) {
              for (const activation of job.suspended) job.release(activation);
            }
            expectAllAccountedFor(job, built, ledger, auditor);
          }),
          { numRuns: 200 * scale },
        );
      },
      TIME_LIMIT_MS,
    );
  });

  describe('where order alone decides', () => {
    test(
      'pausing and resuming at random times changes no result',
      async () => {
        const times = fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { minLength: 1, maxLength: 4 });
        await fc.assert(
          fc.asyncProperty(orderedGraph, times, async (graph, pauses) => {
            const run = async (isPaused: boolean) => {
              const ledger = new Ledger();
              const built = build(graph, ledger, true);
              const job = createEngine().start(built.flow, undefined);
              if (isPaused) await pauseAndResume(job, pauses);
              const { state } = await job.settled;
              const counts = job.routines.map(({ id, completed, failed, skipped, retried }) => {
                return { id, completed, failed, skipped, retried };
              });
              return { state, counts, ran: ledger.ran, emitted: ledger.emitted };
            };
            expect(await run(true)).toEqual(await run(false));
          }),
          { numRuns: 200 * scale },
        );
      },
      TIME_LIMIT_MS,
    );
  });

  describe('captured and restored elsewhere at random times (O1)', () => {
    const moments = fc.array(fc.nat(6), { minLength: 1, maxLength: 4 });

    test(
      'every item is still accounted for, whether the process is killed or stops in order',
      async () => {
        let ends = 0;
        let moved = 0;
        await fc.assert(
          fc.asyncProperty(anyGraph, moments, fc.boolean(), async (graph, after, isFrozen) => {
            const auditor = new Auditor();
            const { flow } = build(graph, new Ledger());
            const { job, moves } = await moveOften(flow, undefined, { after, isFrozen, auditor });
            const { state } = await job.settled;
            moved += moves;
            if (state === 'COMPLETED') ends++;
            expectSettled(job, auditor);
          }),
          { numRuns: 300 * scale },
        );
        expect(ends).toBeGreaterThan(15 * scale);
        expect(moved).toBeGreaterThan(100 * scale);
      },
      TIME_LIMIT_MS,
    );

    test(
      'what is retried until it succeeds completes, and every item is run at least once',
      async () => {
        await fc.assert(
          fc.asyncProperty(orderedGraph, moments, fc.boolean(), async (graph, after, isFrozen) => {
            // Nothing fails for good, and nothing is left over: then the same items come to every routine.
            const nodes = graph.nodes.map((node) => ({
              ...node,
              flush: true,
              onError: 'retry' as const,
            }));
            const completed = async (moves: readonly number[]) => {
              const auditor = new Auditor();
              const { flow } = build({ ...graph, nodes }, new Ledger(), true);
              const { job } = await moveOften(flow, undefined, { after: moves, isFrozen, auditor });
              expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
              expectSettled(job, auditor);
              return job.routines.flatMap(({ id, slots }) =>
                slots.map(({ name }) => {
                  const ended = auditor.of('COMPLETED', `${id}.${name}`);
                  return [id, name, [...new Set(ended)].sort()];
                }),
              );
            };
            expect(await completed(after)).toEqual(await completed([]));
          }),
          { numRuns: 150 * scale },
        );
      },
      TIME_LIMIT_MS,
    );

    test(
      'synchronous code that depends on its items and its state alone puts out exactly the same',
      async () => {
        let moved = 0;
        await fc.assert(
          fc.asyncProperty(
            synchronousFlow,
            moments,
            fc.boolean(),
            async (flow, after, isFrozen) => {
              const run = async (times: readonly number[]) => {
                const auditor = new Auditor();
                const { job, moves } = await moveOften(flow, 1, {
                  after: times,
                  isFrozen,
                  auditor,
                });
                moved += moves;
                const { state, outputs } = await job.settled;
                expectSettled(job, auditor);
                const counts = job.routines.map(({ id, begun, completed, retried, slots }) => {
                  return { id, begun, completed, retried, slots: slots.map(countsOf) };
                });
                return { state, outputs, counts };
              };
              const undisturbed = await run([]);
              expect(undisturbed.state).toBe('COMPLETED');
              expect(await run(after)).toEqual(undisturbed);
            },
          ),
          { numRuns: 150 * scale },
        );
        expect(moved).toBeGreaterThan(50 * scale);
      },
      TIME_LIMIT_MS,
    );
  });
}
