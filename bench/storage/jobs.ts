import { type App, createApp } from '../../src/app.ts';
import { defineFlow, defineRoutine, slot } from '../../src/engine/index.ts';
import { makeChain } from '../engine/chain.ts';
import { Sink, STAGES } from '../engine/work.ts';
import { formatCount, printTable } from '../harness/print.ts';
import { type Contender, measureInTurn, median, spread } from '../harness/rounds.ts';
import { LoopDelay } from './loop-delay.ts';
import type { Place } from './places.ts';

/** Jobs in flight, and how many are run in a round where a million rows are inserted. */
const LOADS = [
  [1, 300],
  [64, 3_000],
  [1_000, 4_000],
] as const;
const MEMORY = 'sqlite::memory:';
const NEVER_MS = 1e12;

const noop = defineRoutine({
  type: 'noop',
  slots: { input: slot<unknown>() },
  run: () => undefined,
});
const TRIVIAL = defineFlow({ id: 'trivial' }, (f) => {
  f.connect(f.input, f.add('noop', noop).slots.input);
});

/** Runs many trivial jobs, and one long one, on each database. */
export async function measureJobs(
  places: readonly Place[],
  rounds: number,
  items: number,
): Promise<void> {
  for (const [inFlight, jobs] of LOADS) {
    const amount = Math.max(inFlight, Math.round((jobs * Math.min(items, 1e6)) / 1e6));
    await measureTrivial(places, rounds, inFlight, amount);
  }
  const [file] = places;
  if (file !== undefined) await measureLong(file, Math.min(rounds, 2), items * 3);
}

async function measureTrivial(
  places: readonly Place[],
  rounds: number,
  inFlight: number,
  amount: number,
): Promise<void> {
  const apps: App[] = [];
  const delays: LoopDelay[] = [];
  const contenders: Contender[] = [];
  const databases = [{ name: 'SQLite in memory', makeUrl: async () => MEMORY }, ...places];
  for (const { name, makeUrl } of databases) {
    const app = await createApp({ flows: [TRIVIAL], database: await makeUrl() });
    const delay = new LoopDelay(1);
    apps.push(app);
    delays.push(delay);
    contenders.push(delay.watch({ name, run: () => runTrivial(app, inFlight, amount) }));
  }
  const measurements = await measureInTurn(contenders, rounds, 1);
  for (const app of apps) await app.close();
  const rates = measurements.map(({ timesMs }) => (amount * 1000) / median(timesMs));
  console.log(
    `${formatCount(amount)} trivial jobs from start to COMPLETED, ${inFlight} in flight\n`,
  );
  printTable(
    ['database', 'jobs/s', 'spread', 'to memory', 'loop p99 ms', 'loop max ms'],
    measurements.map(({ name, timesMs }, at) => [
      name,
      formatCount(rates[at] ?? Number.NaN),
      `±${(spread(timesMs) * 100).toFixed(0)} %`,
      ((rates[at] ?? Number.NaN) / (rates[0] ?? Number.NaN)).toFixed(2),
      delays[at]?.p99.toFixed(1) ?? '',
      delays[at]?.max.toFixed(0) ?? '',
    ]),
  );
}

/** Runs jobs, so many of them at once, until each has completed. */
async function runTrivial(app: App, inFlight: number, amount: number): Promise<void> {
  const ends = listenForEnds(app);
  let left = amount;
  const work = async () => {
    while (left-- > 0) {
      const { id } = await app.jobs.start({ flowId: TRIVIAL.id, input: {} });
      await ends.of(id);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  ends.stop();
}

/** Tells of each job when it has completed, and of one that ended otherwise. */
function listenForEnds({ pubsub }: App) {
  const ended = new Set<string>();
  const waiting = new Map<string, () => void>();
  let problem: string | undefined;
  const stop = pubsub.subscribe('jobEvent', ({ type, jobId }) => {
    if (type === 'JOB_FAILED' || type === 'JOB_CANCELLED') problem = `Job ${jobId}: ${type}.`;
    else if (type !== 'JOB_COMPLETED') return;
    ended.add(jobId);
    waiting.get(jobId)?.();
    waiting.delete(jobId);
  });
  return {
    stop,
    async of(jobId: string): Promise<void> {
      if (!ended.has(jobId)) await new Promise<void>((keep) => waiting.set(jobId, keep));
      ended.delete(jobId);
      if (problem !== undefined) throw new Error(problem);
    },
  };
}

/** The chain of ten stages as one long job, with checkpoints and without. */
async function measureLong(place: Place, rounds: number, items: number): Promise<void> {
  const checkpoints: number[] = [];
  const makeContender = (name: string, intervalMs?: number): Contender & { delay: LoopDelay } => {
    const delay = new LoopDelay(0);
    const run = async () => {
      const url = await place.makeUrl();
      checkpoints.push(await runLong(url, items, intervalMs));
    };
    return { ...delay.watch({ name, run }), delay };
  };
  const contenders = [
    makeContender('no checkpoints', NEVER_MS),
    makeContender('checkpoints every 5 s'),
  ];
  const measurements = await measureInTurn(contenders, rounds, 0);
  const rates = measurements.map(({ timesMs }) => (items * STAGES * 1000) / median(timesMs));
  console.log(
    `A job of ${formatCount(items)} items through a chain of ${STAGES} stages, ${place.name}; in all ${checkpoints.reduce((sum, count) => sum + count, 0)} checkpoints were taken\n`,
  );
  printTable(
    ['contender', 'activations/s', 'spread', 'to without', 'loop p99 ms', 'loop max ms'],
    measurements.map(({ name, timesMs }, at) => [
      name,
      formatCount(rates[at] ?? Number.NaN),
      `±${(spread(timesMs) * 100).toFixed(0)} %`,
      ((rates[at] ?? Number.NaN) / (rates[0] ?? Number.NaN)).toFixed(2),
      contenders[at]?.delay.p99.toFixed(1) ?? '',
      contenders[at]?.delay.max.toFixed(0) ?? '',
    ]),
  );
}

/** @returns how many checkpoints were stored, besides the first */
async function runLong(
  url: string,
  items: number,
  intervalMs: number | undefined,
): Promise<number> {
  const sink = new Sink();
  const flow = makeChain('sync', items, sink);
  let checkpoints = -1;
  const app = await createApp({
    flows: [flow],
    database: {
      url,
      onStatement: (sql) => {
        if (sql.startsWith('insert into "job_checkpoints"')) checkpoints++;
      },
    },
    ...(intervalMs === undefined ? {} : { checkpointIntervalMs: intervalMs }),
  });
  const ends = listenForEnds(app);
  const { id } = await app.jobs.start({ flowId: flow.id, input: {} });
  await ends.of(id);
  ends.stop();
  sink.check(items);
  await app.close();
  return checkpoints;
}
