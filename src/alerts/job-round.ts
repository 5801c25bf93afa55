import { isFinalState } from '../engine/index.ts';
import type { Clock } from '../lib/clock.ts';
import type { JobReading } from '../monitoring/readings.ts';
import type { OfJob } from '../pubsub/topics.ts';
import { Slice } from './slice.ts';
import { isAboutJob, type WatchedJobRule } from './watched-rule.ts';

/** The jobs of this process. */
export interface WatchedHost {
  listRunning(): Promise<readonly OfJob[]>;
  /** In the order of the ids; `undefined` for one that is not there. */
  read(jobIds: readonly string[]): Promise<readonly (JobReading | undefined)[]>;
}

export interface JobRoundParts {
  readonly host: WatchedHost;
  readonly clock: Clock;
  readonly isStopped: () => boolean;
  /** Evaluates something of a rule, and answers whether it went well. */
  readonly guard: (watched: WatchedJobRule, evaluate: () => void) => boolean;
}

/** Jobs that are read at once. */
const JOBS_AT_ONCE = 10;

/**
 * Looks at all running jobs for these rules, in slices, so that others have their turn.
 * @throws what the host throws
 */
export async function lookAtJobs(
  all: readonly WatchedJobRule[],
  { host, clock, isStopped, guard }: JobRoundParts,
): Promise<void> {
  const wanted = (await host.listRunning()).filter((job) =>
    all.some((each) => isAboutJob(each, job)),
  );
  const failed = new Set<WatchedJobRule>();
  const slice = new Slice(clock);
  for (let at = 0; at < wanted.length; at += JOBS_AT_ONCE) {
    const jobs = wanted.slice(at, at + JOBS_AT_ONCE);
    const readings = await host.read(jobs.map(({ jobId }) => jobId));
    for (const [place, job] of jobs.entries()) {
      const reading = readings[place];
      if (reading === undefined || isFinalState(reading.state)) continue;
      for (const watched of all) {
        if (!isAboutJob(watched, job)) continue;
        if (isStopped()) return;
        if (!guard(watched, () => lookAtJob(watched, reading, clock))) failed.add(watched);
        if (slice.isOver) await slice.giveWay();
      }
    }
  }
  if (isStopped()) return;
  for (const watched of all) {
    if (failed.has(watched)) continue; // some of its subjects were not seen
    guard(watched, () => {
      watched.run.endRound('SUBJECT_GONE');
      if (watched.kind === 'ROUTINE_ERROR_RATE') watched.rates.endRound();
    });
  }
}

function lookAtJob(watched: WatchedJobRule, job: JobReading, clock: Clock): void {
  const looks =
    watched.kind === 'QUEUE_PRESSURE'
      ? watched.look(job)
      : watched.rates.look(job, clock.monotonicMs());
  for (const look of looks) watched.run.observe(look);
}
