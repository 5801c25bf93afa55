import fc from 'fast-check';
import {
  type ActivationPolicy,
  batchSize,
  createEngine,
  defineFlow,
  defineRoutine,
  event,
  type Flow,
  immediate,
  type JobObserver,
  type JobRun,
  none,
  type RoutineType,
  retry,
  slot,
} from 'millrace/engine';
import { expect } from 'vitest';
import { type Auditor, accountedFor, round } from './random-jobs.ts';

/** How a job is moved from process to process. */
interface Moves {
  /** How many rounds of the event loop it has in each process but the last. */
  readonly after: readonly number[];
  /** Whether its process stops in order. Else it is killed: what it does after the capture is lost. */
  readonly isFrozen: boolean;
  readonly auditor: Auditor;
}

/** Slices are as short as they can be, so that there are many moments between them. */
const engineOptions = { turnMs: 0, deadlockGraceMs: 20, endGraceMs: 0 };

/** Starts a job and moves it from process to process, until it is in the last, or has ended. */
export async function moveOften(
  flow: Flow<unknown>,
  input: unknown,
  { after, isFrozen, auditor }: Moves,
): Promise<{ readonly job: JobRun; readonly moves: number }> {
  let engine = createEngine(engineOptions);
  let watch = watchFor(auditor);
  let job = engine.start(flow, input, { observers: [watch.observer] });
  let moves = 0;
  await round();
  for (const count of after) {
    for (let at = 0; at < count; at++) await round();
    if (job.state !== 'RUNNING') break;
    if (isFrozen) await engine.freeze(2);
    const snapshot = structuredClone(job.capture());
    watch.end();
    if (!isFrozen && !job.isEnding) job.cancel();
    watch = watchFor(auditor);
    engine = createEngine(engineOptions);
    job = engine.restore(flow, snapshot, { observers: [watch.observer] });
    moves++;
  }
  return { job, moves };
}

/** Tells the auditor what happens in a job until it is captured. */
function watchFor(auditor: Auditor): { readonly observer: JobObserver; readonly end: () => void } {
  let hasEnded = false;
  const observer: JobObserver = {
    stateChanged: (job) => hasEnded || auditor.stateChanged(job),
    activationEnded: (job, activation) => hasEnded || auditor.activationEnded(job, activation),
  };
  return {
    observer,
    end: () => {
      hasEnded = true;
    },
  };
}

/** Nothing is left in a job that has ended, and every item that entered a slot became exactly one thing. */
export function expectSettled(job: JobRun, auditor: Auditor): void {
  expect(auditor.fault).toBeUndefined();
  expect(job.suspended.size).toBe(0);
  for (const { id, running, timer, slots } of job.routines) {
    expect([running, timer], id).toEqual([0, undefined]);
    for (const queue of slots) {
      const key = `${id}.${queue.name}`;
      expect([queue.length, queue.inFlight, queue.held.length], key).toEqual([0, 0, 0]);
      expect(accountedFor(queue), key).toBe(queue.accepted);
    }
  }
}

interface Link {
  readonly policy: 'immediate' | 'batch' | 'none';
  readonly maxLength: number;
  readonly fan: number;
  /** The first attempt on items whose texts are together of a length that this divides fails; 0 for none. */
  readonly failEach: number;
}

const link: fc.Arbitrary<Link> = fc.record({
  policy: fc.constantFrom('immediate', 'immediate', 'batch', 'none'),
  maxLength: fc.oneof(fc.integer({ min: 3, max: 6 }), fc.constant(1000)),
  fan: fc.integer({ min: 1, max: 2 }),
  failEach: fc.constantFrom(0, 0, 2, 5),
});

function policyOf({ policy }: Link): ActivationPolicy<'many'> {
  if (policy === 'none') return none();
  return batchSize(policy === 'batch' ? 3 : 1);
}

function typeOf(each: Link): RoutineType {
  const { policy, fan, failEach } = each;
  return defineRoutine({
    type: 'link',
    slots: { item: slot<string>({ maxLength: policy === 'none' ? 1000 : each.maxLength }) },
    events: { item: event<string>() },
    policy: policyOf(each),
    state: () => ({ emitted: 0 }),
    run: ({ item: items }, ctx) => {
      const fails = failEach > 0 && items.join('').length % failEach === 0;
      if (fails && ctx.attempt === 1) throw new Error('at first');
      for (const item of items) {
        for (let at = 0; at < fan; at++) void ctx.emit('item', `${item}.${ctx.state.emitted++}`);
      }
    },
  }) as RoutineType;
}

/** A chain of routines whose code is synchronous and depends on nothing but its items and its routine's state. */
export const synchronousFlow: fc.Arbitrary<Flow<unknown>> = fc
  .tuple(fc.integer({ min: 1, max: 15 }), fc.array(link, { minLength: 1, maxLength: 4 }))
  .map(([count, links]) =>
    defineFlow({ id: 'chain' }, (f) => {
      const spread = defineRoutine({
        type: 'spread',
        slots: { input: slot<unknown>() },
        events: { item: event<string>() },
        policy: immediate(),
        run: (_, ctx) => {
          for (let at = 0; at < count; at++) void ctx.emit('item', `${at}`);
        },
      });
      const first = f.add('spread', spread);
      f.connect(f.input, first.slots.input);
      let from = first.events.item;
      for (const [at, each] of links.entries()) {
        const type = typeOf(each) as ReturnType<typeof typeOf>;
        const placed = f.add(`link-${at}`, type, {
          onError: retry({ maxAttempts: 2, delayMs: 0 }),
        });
        f.connect(from, { to: { routine: placed.id, slot: 'item' } });
        from = { from: { routine: placed.id, event: 'item' } };
      }
      return { items: from };
    }),
  );
