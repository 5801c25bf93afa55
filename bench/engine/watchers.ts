import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from '../../src/app.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { type Child, startChild } from '../harness/child.ts';
import { formatCount, printTable } from '../harness/print.ts';
import { collectGarbage, median, spread } from '../harness/rounds.ts';
import type { LoadTasks } from '../load/load.ts';
import { type ChainKind, makeChain } from './chain.ts';
import { Sink, STAGES } from './work.ts';

/** What watchers subscribe to, at the default rate. */
const STREAMS = {
  queues: `subscription ($jobId: ID!) {
    queueStatusChanged(jobId: $jobId) { id unconsumedCount usage pressureLevel rateInPerSecond }
  }`,
  routines: `subscription ($jobId: ID!) {
    routineStatusChanged(jobId: $jobId) { id status activeCount executionCount errorCount }
  }`,
  events: `subscription ($jobId: ID!) {
    jobEvents(jobId: $jobId) {
      type cursor at
      ... on RoutineStartedEvent { routineId count }
      ... on RoutineCompletedEvent { routineId count }
      ... on QueueChangedEvent { routineId slot unconsumedCount pressureLevel }
    }
  }`,
};

interface Watching {
  readonly name: string;
  /** How many sockets. */
  readonly watchers: number;
  /** Each socket subscribes to all of these. */
  readonly streams: readonly string[];
}

const NOBODY: Watching = { name: 'nobody', watchers: 0, streams: [] };
const EVERYTHING = Object.values(STREAMS);
const WATCHINGS: readonly Watching[] = [
  NOBODY,
  { name: '1 watcher of all three', watchers: 1, streams: EVERYTHING },
  { name: '1,000 watchers of queues', watchers: 1000, streams: [STREAMS.queues] },
  { name: '1,000 watchers of routines', watchers: 1000, streams: [STREAMS.routines] },
  { name: '1,000 watchers of events', watchers: 1000, streams: [STREAMS.events] },
  { name: '1,000 watchers of all three', watchers: 1000, streams: EVERYTHING },
];

/** What the engine has to keep of its speed when it is watched. */
const MUST = 0.85;
const AIM = 0.95;

/** For how long a job gets new items: it must last for many looks at it. */
const RUN_MS = 1500;

/** What became of one job, from its first item to its end. */
interface Run {
  readonly perSecond: number;
  /** Processor time of the process for an activation, all that is done for watchers included, in microseconds. */
  readonly cpuMicros: number;
  /** That all watchers got together, in a second. */
  readonly messagesPerSecond: number;
}

/** Measures jobs of an application that listens, with watchers on sockets of another process, and prints it. */
export async function printWatched(rounds: number, only: string | undefined): Promise<void> {
  const wanted = WATCHINGS.filter(({ name }) => only === undefined || name.includes(only));
  if (wanted.length === 0) return;
  const watchings = new Set([NOBODY, ...wanted]); // the others are compared with it
  const load = await startChild<LoadTasks>(new URL('../load/load.ts', import.meta.url));
  try {
    for (const kind of ['sync', 'async'] as const) {
      const runs = new Map<Watching, Run[]>([...watchings].map((watching) => [watching, []]));
      for (let round = -1; round < rounds; round++) {
        for (const [watching, done] of runs) {
          const run = await runWatched(kind, watching, load);
          if (round >= 0) done.push(run);
        }
      }
      printRuns(kind, runs);
    }
  } finally {
    await load.stop();
  }
}

function printRuns(kind: ChainKind, runs: ReadonlyMap<Watching, Run[]>): void {
  const alone = runs.get(NOBODY) ?? [];
  console.log(`Watched over WebSockets, ${kind}, ${RUN_MS / 1000} s each\n`);
  printTable(
    ['watched by', 'activations/s', 'spread', 'messages/s', 'to nobody', 'by CPU', 'target'],
    [...runs].map(([{ name, watchers }, of]) => {
      const rates = of.map(({ perSecond }) => perSecond);
      // Of runs of the same round: what disturbs the machine disturbs both.
      const share = median(rates.map((rate, at) => rate / (alone[at]?.perSecond ?? Number.NaN)));
      const byCpu = of.map(({ cpuMicros }, at) => (alone[at]?.cpuMicros ?? Number.NaN) / cpuMicros);
      const met = share >= AIM ? 'aim met' : share >= MUST ? 'must met' : 'NOT met';
      return [
        name,
        formatCount(median(rates)),
        `±${(spread(rates) * 100).toFixed(0)} %`,
        formatCount(median(of.map(({ messagesPerSecond }) => messagesPerSecond))),
        share.toFixed(2),
        median(byCpu).toFixed(2),
        watchers === 0 ? '' : `must ${MUST}, aim ${AIM}: ${met}`,
      ];
    }),
  );
}

/** One job. @throws unless its result is right and each watcher was told its end */
async function runWatched(
  kind: ChainKind,
  watching: Watching,
  load: Child<LoadTasks>,
): Promise<Run> {
  const sink = new Sink();
  const emitting = emitForAWhile();
  const flow = makeChain(kind, emitting, sink);
  const app = await createApp({ flows: [flow] });
  try {
    const { id } = await app.jobs.start({ flowId: flow.id, input: {} });
    const { port } = await app.listen({ port: 0 });
    const variables = { jobId: `Job:${id}` };
    const operations = watching.streams.map((query) => ({ query, variables }));
    await load.ask('aim', { port, operations });
    await load.ask('growTo', { size: watching.watchers });
    await untilAllWatch(load, watching, () => {
      const line = { routineId: 'source', level: 'INFO', message: 'Who is there?' };
      app.services.jobEvents.record(
        { jobId: id, tenant: DEFAULT_TENANT, flowId: flow.id },
        Date.now(),
        { type: 'LOG_WRITTEN', ...line },
      );
    });
    const ended = new Promise<void>((resolve) => {
      app.pubsub.subscribe('jobEvent', ({ type }) => {
        if (type === 'JOB_COMPLETED') resolve();
      });
    });
    await load.ask('mark', { receipts: 0 });
    collectGarbage({ type: 'minor' });
    const cpu = process.cpuUsage();
    const startMs = performance.now();
    emitting.begin();
    await ended;
    const seconds = (performance.now() - startMs) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    sink.check(emitting.emitted);
    const { messages } = await load.ask('end', {});
    const activations = emitting.emitted * STAGES;
    return {
      perSecond: activations / seconds,
      cpuMicros: (user + system) / activations,
      messagesPerSecond: messages / seconds,
    };
  } finally {
    await app.close();
  }
}

/** From `begin` on for `RUN_MS`. */
function emitForAWhile() {
  let begin: () => void = () => undefined;
  let endMs = 0;
  let count = 0;
  return {
    begun: new Promise<void>((resolve) => {
      begin = resolve;
    }),
    begin() {
      endMs = performance.now() + RUN_MS;
      begin();
    },
    isOver(emitted: number) {
      count = emitted;
      return emitted % 64 === 0 && performance.now() >= endMs;
    },
    /** How many there were in all. */
    get emitted() {
      return count;
    },
  };
}

/** Watchers of state are told it at once; those of events get one that is made for it. */
async function untilAllWatch(load: Child<LoadTasks>, watching: Watching, makeEvent: () => void) {
  let isMet = false;
  const met = load.ask('reached', { messages: watching.streams.length }).then(() => {
    isMet = true;
  });
  while (!isMet) {
    if (watching.streams.includes(STREAMS.events)) makeEvent();
    await Promise.race([met, sleep(300)]);
  }
  await sleep(300); // so that what is left of connecting is no part of the job
}
