import { parse, subscribe } from 'graphql';
import {
  createEngine,
  defineFlow,
  defineRoutine,
  type EventPort,
  event,
  type Flow,
  type JobRun,
  type RoutineRun,
  slot,
} from 'millrace/engine';
import { createApp } from '../../src/app.ts';
import type { Breakpoint } from '../../src/debugger/breakpoint.ts';
import { JobDebugger } from '../../src/debugger/job-debugger.ts';
import { JobMonitor } from '../../src/monitoring/job-monitor.ts';
import type { Contender } from '../harness/rounds.ts';
import { type Datum, Sink, STAGES, step } from './work.ts';

/** Whether the stages' code answers at once or by a promise. */
export type ChainKind = 'sync' | 'async';

const syncStage = defineRoutine({
  type: 'sync-stage',
  slots: { datum: slot<Datum>() },
  events: { next: event<Datum>() },
  run: ({ datum }, ctx) => {
    ctx.emit('next', step(datum));
  },
});

const asyncStage = defineRoutine({
  type: 'async-stage',
  slots: { datum: slot<Datum>() },
  events: { next: event<Datum>() },
  run: async ({ datum }, ctx) => {
    ctx.emit('next', step(datum));
  },
});

/** When a source emits. */
export interface Emitting {
  readonly begun: Promise<void>;
  /** Asked before each item, given how many it has emitted. */
  isOver(emitted: number): boolean;
}

/**
 * The ten-stage chain as a flow: a source, nine stages that pass on, and a last one that keeps what it makes.
 * @param items how many there are; or when, for as long as it lasts
 */
export function makeChain(kind: ChainKind, items: number | Emitting, sink: Sink): Flow<unknown> {
  const { begun, isOver } =
    typeof items === 'number'
      ? { begun: undefined, isOver: (emitted: number) => emitted === items }
      : items;
  const source = defineRoutine({
    type: 'source',
    events: { datum: event<Datum>() },
    run: async (_, ctx) => {
      await begun;
      for (let id = 0; !isOver(id); id++) {
        const waiting = ctx.emit('datum', { id, value: 0 });
        if (waiting !== undefined) await waiting;
      }
    },
  });
  const last = defineRoutine({
    type: 'last-stage',
    slots: { datum: slot<Datum>() },
    run:
      kind === 'sync'
        ? ({ datum }) => sink.take(step(datum))
        : async ({ datum }) => sink.take(step(datum)),
  });
  return defineFlow({ id: `chain-${kind}` }, (f) => {
    let port: EventPort<Datum> = f.add('source', source).events.datum;
    for (let stage = 1; stage < STAGES; stage++) {
      const placed = f.add(`stage-${stage}`, kind === 'sync' ? syncStage : asyncStage);
      f.connect(port, placed.slots.datum);
      port = placed.events.next;
    }
    f.connect(port, f.add('last', last).slots.datum);
  });
}

/** Begins to watch a job before it starts. The answer ends that, after the job, and checks that it was watched. */
export type Watch = (job: JobRun, items: number) => () => void;

/** Nobody watches. */
const watchNothing: Watch = () => () => undefined;

/** The cheapest observer there is: it makes the engine time and record each activation, and counts them. */
const countActivations: Watch = (job, items) => {
  let count = 0;
  job.observe({ activationEnded: () => void count++ });
  return () => expectCount('activations observed', count, 1 + items * STAGES);
};

/** What a server does for each job: durations, rates and a bounded trace. */
const monitor: Watch = (job, items) => {
  const monitored = new JobMonitor(job);
  const timer = setInterval(() => monitored.measureRates(), 1000);
  return () => {
    clearInterval(timer);
    const { matching, dropped } = monitored.countTrace({});
    expectCount('activations traced', matching + dropped, 1 + items * STAGES);
  };
};

/** A debugger with a condition that is never true on each stage, and that it was asked. */
const debugWith =
  (before: Watch, isDebugged: boolean): Watch =>
  (job, items) => {
    const leave = before(job, items);
    const breakpoints = isDebugged ? job.routines.flatMap(breakpointOn) : [];
    const told = { changed: () => undefined, breakpointHit: unexpected, logged: unexpected };
    const start = { breakpoints, stopsAtEntry: false, before: undefined };
    const { snapshot } = new JobDebugger(job, start, told, () => 0);
    const problems = Object.values(snapshot.progress).flatMap(({ problem }) => problem ?? []);
    if (problems.length > 0) throw new Error(problems.join(' '));
    expectCount('breakpoints', breakpoints.length, isDebugged ? STAGES : 0);
    return leave;
  };

function breakpointOn({ id: routineId, slots }: RoutineRun): Breakpoint[] {
  const place = { routineId, slot: undefined, event: undefined, pressureLevel: undefined };
  const rest = { hitCondition: undefined, logMessage: undefined, after: undefined };
  const condition = 'item.value < 0';
  const flags = { isEnabled: true, isOnce: false };
  const breakpoint = {
    id: routineId,
    kind: 'ROUTINE',
    condition,
    ...place,
    ...rest,
    ...flags,
  } as const;
  return slots.length === 0 ? [] : [breakpoint];
}

function unexpected(): void {
  throw new Error('A breakpoint was hit whose condition is false.');
}

function expectCount(what: string, count: number, expected: number): void {
  if (count !== expected) throw new Error(`${count} ${what}, not ${expected}.`);
}

/** How a job can be watched in the process it runs in. */
const WATCHES: readonly { readonly name: string; readonly watch: Watch }[] = [
  { name: 'no observer', watch: watchNothing },
  { name: 'observer', watch: countActivations },
  { name: 'monitoring', watch: monitor },
  { name: 'no observer, debugger idle', watch: debugWith(watchNothing, false) },
  { name: 'no observer, 10 false conditions', watch: debugWith(watchNothing, true) },
  { name: 'monitoring, debugger idle', watch: debugWith(monitor, false) },
  { name: 'monitoring, 10 false conditions', watch: debugWith(monitor, true) },
];

/** Runs the chain once and checks its result. */
export async function runChain(
  kind: ChainKind,
  items: number,
  watch: Watch = watchNothing,
): Promise<void> {
  const sink = new Sink();
  const job = createEngine().start(makeChain(kind, items, sink), undefined);
  const leave = watch(job, items);
  const { state } = await job.settled;
  if (state !== 'COMPLETED') throw new Error(`The job ended as ${state}.`);
  sink.check(items);
  leave();
}

const WATCH_QUEUES = parse(`subscription ($jobId: ID!) {
  queueStatusChanged(jobId: $jobId) { id unconsumedCount usage pressureLevel rateInPerSecond }
}`);

/** Runs the chain in a whole application, with a GraphQL subscriber to its queues. */
async function runSubscribed(kind: ChainKind, items: number): Promise<void> {
  const sink = new Sink();
  const flow = makeChain(kind, items, sink);
  const app = await createApp({ flows: [flow] });
  const { id } = await app.jobs.start({ flowId: flow.id, input: {} });
  const messages = await subscribe({
    schema: app.schema,
    document: WATCH_QUEUES,
    variableValues: { jobId: `Job:${id}` },
    contextValue: app.createContext(),
  });
  if (!(Symbol.asyncIterator in messages)) throw new Error(JSON.stringify(messages.errors));
  let count = 0;
  for await (const { errors } of messages) {
    if (errors !== undefined) throw new Error(JSON.stringify(errors));
    count++;
  }
  if (count < 2) throw new Error(`The subscriber got ${count} messages.`);
  sink.check(items);
  await app.close();
}

/** Millrace with synchronous and asynchronous code, watched in each way. */
export function makeMillraceContenders(items: number): Contender[] {
  return (['sync', 'async'] as const).flatMap((kind) => [
    ...WATCHES.map(({ name, watch }) => ({
      name: `millrace ${kind}, ${name}`,
      run: () => runChain(kind, items, watch),
    })),
    {
      name: `millrace ${kind}, monitoring, subscriber`,
      run: () => runSubscribed(kind, items),
    },
  ]);
}
