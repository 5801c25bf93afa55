import { type BackOff, backOffDelayMs } from '../lib/back-off.ts';
import type { CancelTimer, Clock } from '../lib/clock.ts';
import { floorTo, RESOLUTIONS } from '../lib/resolution.ts';
import type { FlowMetricsStore, MetricsKey, MetricsRow } from './flow-metrics-store.ts';
import { Tally } from './tally.ts';

/** How many jobs one step counts at most: it holds their rows in memory, and the write waits for nobody else long. */
export const STEP_JOBS = 500;

/** How long after a job ended it is counted: those that end meanwhile are counted with it. */
const GATHER_MS = 1_000;

/** How long a step tries to write. Then it is begun again, later, with what the database says then. */
const WRITE_DEADLINE_MS = 5_000;

const AFTER_FAILURE: BackOff = {
  delayMs: 1_000,
  backoff: 'exponential',
  maxDelayMs: 60_000,
  jitter: 0.2,
};

export interface RollUpParts {
  readonly store: FlowMetricsStore;
  readonly clock: Clock;
  /**
   * Told when a step failed more than once in a row; it is tried again by itself. Once is no fault: when the answer to
   * a commit is lost, the step that was done already is refused when it is tried again.
   */
  readonly onError: (error: unknown) => void;
}

/**
 * Counts each job that has ended, exactly once, in the metrics of its tenant and flow by minute, hour and day.
 *
 * *Idle*: all is counted. *Due*: a timer runs, since a job ended, or the last step left some over, or failed. *At
 * work*: a step is under way; what ends meanwhile makes the next one due. *Closed*: for good; what is not counted by
 * then is counted at the next start.
 */
export interface RollUp {
  /** A job has ended: it will be counted within about a second. Cheap. */
  noteFinished(): void;
  /** Counts all there is, now. @throws what the database throws */
  flush(): Promise<void>;
  /** Counts no more; is kept when the step under way is done. It waits 5 seconds at most for a database that is gone. */
  close(): Promise<void>;
}

/** It begins by counting what ended before, in another process or in this one. */
export function createRollUp({ store, clock, onError }: RollUpParts): RollUp {
  let cancelTimer: CancelTimer | undefined;
  let working: Promise<unknown> = Promise.resolve(); // the latest step; never rejected
  let isAtWork = false;
  let isWanted = false;
  let failures = 0;
  let isClosed = false;

  const schedule = (delayMs: number) => {
    isWanted = true;
    if (isClosed || isAtWork || cancelTimer !== undefined) return;
    cancelTimer = clock.setTimer(delayMs, () => {
      cancelTimer = undefined;
      work().catch(onError);
    });
  };

  const work = async (): Promise<void> => {
    isWanted = false;
    isAtWork = true;
    let delayMs = GATHER_MS;
    try {
      if ((await enqueue()) === STEP_JOBS) {
        isWanted = true;
        delayMs = 0;
      }
      failures = 0;
    } catch (error) {
      failures++;
      isWanted = true;
      delayMs = backOffDelayMs(AFTER_FAILURE, failures);
      if (failures > 1) onError(error);
    } finally {
      isAtWork = false;
    }
    if (isWanted) schedule(delayMs);
  };

  /** One step at a time: two at once would count the same jobs. */
  const enqueue = (): Promise<number> => {
    const step = working.then(() => (isClosed ? 0 : rollUpOnce(store)));
    working = step.catch(() => undefined);
    return step;
  };

  schedule(0);
  return {
    noteFinished: () => schedule(GATHER_MS),
    async flush() {
      while ((await enqueue()) === STEP_JOBS);
    },
    async close() {
      isClosed = true;
      cancelTimer?.();
      cancelTimer = undefined;
      await working;
    },
  };
}

/**
 * Counts up to `STEP_JOBS` jobs; answers how many.
 * @throws when another has counted one of them meanwhile, or the database can't be used: then nothing was counted, or
 *   all of it. Either way to do it again is right.
 */
async function rollUpOnce(store: FlowMetricsStore): Promise<number> {
  const jobs = await store.listUncounted(STEP_JOBS);
  if (jobs.length === 0) return 0;
  const rows = new Map<string, MetricsRow>();
  for (const job of jobs) {
    const { tenant, flowId } = job;
    for (const resolution of RESOLUTIONS) {
      const key = { tenant, flowId, resolution, startAt: floorTo(resolution, job.finishedAt) };
      const name = nameOf(key);
      const row = rows.get(name) ?? { ...key, tally: new Tally() };
      row.tally.add(job);
      rows.set(name, row);
    }
  }
  const kept = await store.getRows([...rows.values()]);
  for (const row of kept) rows.get(nameOf(row))?.tally.merge(row.tally);
  await store.putRows(
    [...rows.values()],
    jobs.map(({ id }) => id),
    WRITE_DEADLINE_MS,
  );
  return jobs.length;
}

function nameOf({ tenant, flowId, resolution, startAt }: MetricsKey): string {
  return JSON.stringify([tenant, flowId, resolution, startAt]);
}
