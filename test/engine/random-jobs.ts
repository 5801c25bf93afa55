import fc from 'fast-check';
import {
  type ActivationPolicy,
  allSlotsReady,
  batchSize,
  type CustomDecision,
  custom,
  defineFlow,
  defineRoutine,
  type ErrorStrategy,
  event,
  type Flow,
  immediate,
  type JobObserver,
  type JobRun,
  none,
  type OverflowPolicy,
  type RoutineType,
  retry,
  type SlotQueue,
  slot,
  timeInterval,
} from 'millrace/engine';
import { expect } from 'vitest';

/** A routine of a random graph, with where its outputs go. */
interface Node {
  readonly policy: 'immediate' | 'batch' | 'time' | 'pairs' | 'custom' | 'none';
  readonly flush: boolean;
  readonly slots: readonly { readonly maxLength: number; readonly overflow: OverflowPolicy }[];
  readonly concurrency: number;
  readonly onError: 'stop' | 'continue' | 'skip' | 'retry' | 'retry-stop';
  /** In how many event-loop rounds the code ends; −1 for synchronous code. */
  readonly rounds: number;
  /** How many items each activation emits for each item it got. */
  readonly fan: number;
  /** Each such activation fails, 0 for none; retried ones fail on odd attempts. */
  readonly failEach: number;
  readonly awaits: boolean;
  /** Where it is connected to, as shares of the slots that may be chosen. */
  readonly targets: readonly number[];
}

interface Graph {
  readonly sources: readonly {
    readonly count: number;
    readonly awaits: boolean;
    readonly targets: readonly number[];
  }[];
  readonly nodes: readonly Node[];
  readonly isCyclic: boolean;
}

interface GraphLimits {
  readonly overflows: readonly OverflowPolicy[];
  readonly policies: readonly Node['policy'][];
  readonly strategies: readonly Node['onError'][];
  readonly mayFail: boolean;
  readonly mayCycle: boolean;
  readonly hasOrder: boolean;
}

const share = fc.double({ min: 0, max: 0.999, noNaN: true });

function graphs(limits: GraphLimits): fc.Arbitrary<Graph> {
  const node: fc.Arbitrary<Node> = fc.record({
    policy: fc.constantFrom(...limits.policies),
    flush: fc.boolean(),
    slots: fc.array(
      fc.record({
        maxLength: fc.oneof(fc.integer({ min: 3, max: 6 }), fc.constant(1000)),
        overflow: fc.constantFrom(...limits.overflows),
      }),
      { minLength: 1, maxLength: limits.hasOrder ? 1 : 2 },
    ),
    concurrency: limits.hasOrder ? fc.constant(1) : fc.integer({ min: 1, max: 3 }),
    onError: fc.constantFrom(...limits.strategies),
    rounds: fc.integer({ min: -1, max: 2 }),
    fan: fc.integer({ min: 0, max: 2 }),
    failEach: limits.mayFail ? fc.constantFrom(0, 0, 1, 3, 5) : fc.constant(0),
    awaits: fc.boolean(),
    targets: fc.array(share, { maxLength: 2 }),
  });
  return fc.record({
    sources: fc.array(
      fc.record({
        count: fc.integer({ min: 0, max: 30 }),
        awaits: fc.boolean(),
        targets: fc.array(share, { minLength: 1, maxLength: 2 }),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    nodes: fc.array(node, { minLength: 1, maxLength: 5 }),
    isCyclic: limits.mayCycle ? fc.boolean() : fc.constant(false),
  });
}

export const anyGraph = graphs({
  overflows: ['block', 'error', 'dropOldest', 'dropNewest'],
  policies: ['immediate', 'batch', 'time', 'pairs', 'custom', 'none'],
  strategies: ['stop', 'continue', 'skip', 'retry', 'retry-stop'],
  mayFail: true,
  mayCycle: true,
  hasOrder: false,
});

/** Graphs whose result can depend on nothing but their input: each routine sees its items in one order. */
export const orderedGraph = graphs({
  overflows: ['block'],
  policies: ['immediate', 'batch'],
  strategies: ['continue', 'skip', 'retry'],
  mayFail: true,
  mayCycle: false,
  hasOrder: true,
});

/** An item with an id of its own. In a cycle it ends after some hops. */
interface Tagged {
  readonly id: string;
  readonly hops: number;
}

/** What the code of a run was given, and what it emitted, as seen by the code itself. */
export class Ledger {
  /** Items emitted, by event: what each slot connected to it must account for. */
  readonly emitted = new Map<string, string[]>();
  /** Items that a routine's code was run on, once for each run, by slot. */
  readonly ran = new Map<string, string[]>();
  #ids = 0;

  newId(): string {
    return `item ${++this.#ids}`;
  }

  note(book: Map<string, string[]>, name: string, id: string): void {
    const list = book.get(name);
    if (list === undefined) book.set(name, [id]);
    else list.push(id);
  }
}

export const round = () => new Promise<void>((keep) => setImmediate(keep));

const SLOT_NAMES = ['first', 'second'] as const;

function policyOf({ policy, flush }: Node): ActivationPolicy {
  switch (policy) {
    case 'immediate':
      return immediate();
    case 'batch':
      return batchSize(3, { flush });
    case 'time':
      return timeInterval(1, { flush });
    case 'pairs':
      return allSlotsReady();
    case 'none':
      return none();
    case 'custom':
      return custom(
        ({ slots }): CustomDecision => {
          const fullest = [...slots].sort((a, b) => b.length - a.length)[0];
          return fullest !== undefined && fullest.length >= 2
            ? { take: { [fullest.name]: 2 } }
            : {};
        },
        { name: 'fullest', description: 'Two of the fullest slot.', flush },
      );
  }
}

function strategyOf({ onError }: Node): ErrorStrategy {
  if (onError === 'retry') return retry({ maxAttempts: 3, delayMs: 0, then: 'continue' });
  if (onError === 'retry-stop') return retry({ maxAttempts: 2, delayMs: 1, then: 'stop' });
  return onError;
}

function typeOf(node: Node, name: string, ledger: Ledger, emitId: (from: string) => string) {
  let activations = 0;
  const work = async (items: readonly Tagged[], ctx: Context): Promise<void> => {
    for (let at = 0; at < node.rounds; at++) await round();
    for (const output of outputsOf(items)) {
      const waiting = emit(ctx, output);
      if (node.awaits) await waiting;
    }
  };
  const outputsOf = (items: readonly Tagged[]): Tagged[] =>
    items
      .filter(({ hops }) => hops > 0)
      .flatMap(({ id, hops }) =>
        Array.from({ length: node.fan }, (_, at) => {
          return { id: emitId(`${id}/${name}.${at}`), hops: hops - 1 };
        }),
      );
  const emit = (ctx: Context, output: Tagged) => {
    try {
      return ctx.emit('out', output);
    } finally {
      ledger.note(ledger.emitted, name, output.id);
    }
  };
  interface Context {
    readonly attempt: number;
    emit(event: 'out', item: Tagged): Promise<void> | undefined;
  }
  return defineRoutine({
    type: 'node',
    slots: Object.fromEntries(
      node.slots.map((options, at) => [
        SLOT_NAMES[at] ?? '',
        slot<Tagged>({ ...options, required: false }),
      ]),
    ),
    events: { out: event<Tagged>() },
    policy: policyOf(node),
    run: (inputs: Readonly<Record<string, unknown>>, ctx) => {
      const items: Tagged[] = [];
      for (const [slotName, input] of Object.entries(inputs)) {
        for (const item of [input].flat() as Tagged[]) {
          items.push(item);
          ledger.note(ledger.ran, `${name}.${slotName}`, item.id);
        }
      }
      if (ctx.attempt === 1) activations++;
      const fails = node.failEach > 0 && activations % node.failEach === 0 && ctx.attempt % 2 === 1;
      if (node.rounds >= 0) {
        return work(items, ctx).then(() => {
          if (fails) throw new Error(`${name} failed`);
        });
      }
      for (const output of outputsOf(items)) void emit(ctx, output);
      if (fails) throw new Error(`${name} failed`);
      return undefined;
    },
  }) as RoutineType;
}

interface Built {
  readonly flow: Flow<unknown>;
  /** Names of the routines that feed each slot, by `routine.slot`. */
  readonly feeders: ReadonlyMap<string, readonly string[]>;
}

/** Item ids are numbered, or when they have to be the same in two runs, made of where they come from. */
export function build(graph: Graph, ledger: Ledger, hasStableIds = false): Built {
  const emitId = (from: string) => (hasStableIds ? from : ledger.newId());
  const feeders = new Map<string, string[]>();
  const flow = defineFlow({ id: 'random' }, (f) => {
    const all = graph.nodes.flatMap(({ slots }, node) =>
      slots.map((_, at) => ({ node, routine: `node-${node}`, slot: SLOT_NAMES[at] ?? '' })),
    );
    const connect = (routine: string, from: number, targets: readonly number[]) => {
      // Only forward, unless the graph may have cycles.
      const choice = graph.isCyclic ? all : all.filter(({ node }) => node > from);
      for (const target of targets) {
        const to = choice[Math.floor(target * choice.length)];
        const key = `${to?.routine}.${to?.slot}`;
        const known = feeders.get(key) ?? [];
        if (to === undefined || known.includes(routine)) continue;
        // Where order matters, a slot has one feeder: two would race for it.
        if (hasStableIds && known.length > 0) continue;
        feeders.set(key, [...known, routine]);
        f.connectByName({ routine, event: 'out' }, { routine: to.routine, slot: to.slot });
      }
    };
    for (const [at, { count, awaits, targets }] of graph.sources.entries()) {
      const name = `source-${at}`;
      const type = defineRoutine({
        type: 'source',
        events: { out: event<Tagged>() },
        run: async (_, ctx) => {
          for (let item = 0; item < count; item++) {
            const id = emitId(`${name}.${item}`);
            ledger.note(ledger.emitted, name, id);
            let waiting: Promise<void> | undefined;
            try {
              waiting = ctx.emit('out', { id, hops: 4 });
            } catch {
              // Refused by a full slot, which counts it.
            }
            if (awaits) await waiting;
          }
        },
      });
      f.add(name, type);
      connect(name, -1, targets);
    }
    for (const [at, node] of graph.nodes.entries()) {
      const name = `node-${at}`;
      f.add(name, typeOf(node, name, ledger, emitId), {
        concurrency: node.concurrency,
        onError: strategyOf(node),
      });
      connect(name, at, node.targets);
    }
  });
  return { flow, feeders };
}

/** Items that entered a slot, by what became of them. */
export function accountedFor(queue: SlotQueue): number {
  const { inFlight, consumed, failed, skipped, droppedOldest, discarded, length } = queue;
  return length + inFlight + consumed + failed + skipped + droppedOldest + discarded;
}

/** Checks at each step what must hold at all times, and remembers the first fault: what an observer throws is lost. */
export class Auditor implements JobObserver {
  fault: string | undefined;
  /** Items whose activation ended for good, by outcome and slot. */
  readonly ended = new Map<string, Map<string, string[]>>();

  stateChanged(job: JobRun): void {
    this.#check(job);
  }

  activationEnded(
    job: JobRun,
    activation: Parameters<NonNullable<JobObserver['activationEnded']>>[1],
  ): void {
    const { outcome = 'none', items } = activation;
    for (const { slot: queue, value } of items) {
      const key = `${queue.owner.id}.${queue.name}`;
      const bySlot = this.ended.get(outcome) ?? new Map<string, string[]>();
      this.ended.set(outcome, bySlot);
      bySlot.set(key, [...(bySlot.get(key) ?? []), (value as Tagged).id]);
    }
    this.#check(job);
  }

  of(outcome: string, key: string): readonly string[] {
    return this.ended.get(outcome)?.get(key) ?? [];
  }

  #check(job: JobRun): void {
    for (const routine of job.routines) {
      const { id, running, begun, completed, failed, skipped, definition } = routine;
      this.#expect(running >= 0 && running <= definition.concurrency, `${id}: running ${running}`);
      const finished = completed + failed + skipped;
      this.#expect(begun - finished >= running, `${id}: ${begun} begun, ${finished} ended`);
      if (!job.isEnding) {
        this.#expect(begun - finished === running, `${id}: begun − ended is not ${running}`);
      }
      for (const queue of routine.slots) {
        const name = `${id}.${queue.name}`;
        const count = accountedFor(queue);
        this.#expect(queue.accepted === count, `${name}: accepted ${queue.accepted}, has ${count}`);
        this.#expect(queue.length <= queue.maxLength, `${name}: overfull`);
        this.#expect(queue.inFlight >= 0, `${name}: ${queue.inFlight} in flight`);
        this.#expect(queue.inFlight === 0 || running > 0, `${name}: in flight, nothing running`);
      }
    }
  }

  #expect(holds: boolean, fault: string): void {
    if (!holds) this.fault ??= fault;
  }
}

/** Every item that was emitted towards a slot became exactly one thing. */
export function expectAllAccountedFor(
  job: JobRun,
  built: Built,
  ledger: Ledger,
  auditor: Auditor,
): void {
  expect(auditor.fault).toBeUndefined();
  expect(job.suspended.size).toBe(0);
  for (const routine of job.routines) {
    expect(routine).toMatchObject({ running: 0, timer: undefined });
    for (const queue of routine.slots) {
      const key = `${routine.id}.${queue.name}`;
      const towards = (built.feeders.get(key) ?? []).flatMap(
        (from) => ledger.emitted.get(from) ?? [],
      );
      expect([queue.length, queue.inFlight, queue.held.length], key).toEqual([0, 0, 0]);
      expect(queue.accepted + queue.droppedNewest + queue.rejected, key).toBe(towards.length);
      expect(accountedFor(queue), key).toBe(queue.accepted);

      const emitted = new Set(towards);
      expect(emitted.size, `${key}: ids are unique`).toBe(towards.length);
      const ends = ['COMPLETED', 'FAILED', 'SKIPPED', 'ABANDONED'].flatMap((outcome) =>
        auditor.of(outcome, key),
      );
      expect(new Set(ends).size, `${key}: no item ends twice`).toBe(ends.length);
      expect(
        ends.filter((id) => !emitted.has(id)),
        `${key}: no item from nowhere`,
      ).toEqual([]);
      expect(auditor.of('COMPLETED', key).length, key).toBe(queue.consumed);
      expect(auditor.of('SKIPPED', key).length, key).toBe(queue.skipped);
      const retried = auditor.of('RETRIED', key);
      expect(auditor.of('FAILED', key).length, key).toBeLessThanOrEqual(queue.failed);
      // Code ran once for each end of a run that was told; what was abandoned may not have begun.
      const ran = ledger.ran.get(key)?.length ?? 0;
      expect(ran, key).toBeLessThanOrEqual(ends.length + retried.length);
      const abandoned = auditor.of('ABANDONED', key);
      expect(ran, key).toBeGreaterThanOrEqual(ends.length + retried.length - abandoned.length);
    }
  }
}
