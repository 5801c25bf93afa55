import { type Channel, keyChannel, latestValueChannel, mapChannel } from '../lib/channel.ts';
import type { Clock } from '../lib/clock.ts';
import type { ReadingSink } from '../monitoring/job-sampler.ts';
import type { JobReading } from '../monitoring/readings.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { Topics } from '../pubsub/topics.ts';
import { hasEnded, type Job } from './job.ts';
import type { JobHost } from './job-host.ts';
import type { JobRecords } from './job-records.ts';
import type { JobStore } from './job-store.ts';

export interface LiveJobsDeps {
  readonly store: JobStore;
  readonly host: JobHost;
  readonly records: JobRecords;
  readonly pubsub: PubSub<Topics>;
  readonly clock: Clock;
}

/** Which jobs to watch: one, those of a flow, or all. */
export interface WatchedJobs {
  readonly jobId?: string | undefined;
  readonly flowId?: string | undefined;
}

/** The most unfinished jobs that are told first when all are watched. */
const FIRST_TOLD = 1000;

/** State streams of jobs: what is now, and then the latest, at most at the rate asked for. */
export interface LiveJobs {
  /** Readings of one job; ends with the last one. */
  watchReadings(jobId: string, rateHz: number): Channel<JobReading>;
  /** Jobs as they change. With several, first those that have not ended. With one, ends when that has ended. */
  watchJobs(which: WatchedJobs, rateHz: number): Promise<AsyncIterableIterator<Job>>;
}

export function createLiveJobs({ store, host, records, pubsub, clock }: LiveJobsDeps): LiveJobs {
  return {
    watchReadings: (jobId, rateHz) =>
      latestValueChannel(
        (sink) => host.watch(jobId, rateHz, sink) ?? tellLastReading(records, jobId, sink),
      ),

    async watchJobs({ jobId, flowId }, rateHz) {
      const changes = watchChanges({ jobId, flowId }, rateHz);
      const jobs = mapChannel(changes.ids, async (id) => {
        const job = await store.get(id);
        if (jobId !== undefined && (job === undefined || hasEnded(job))) changes.end();
        return job;
      });
      // It listens already: what happens while the present state is looked up is not lost.
      try {
        changes.note(jobId === undefined ? await listUnfinished(store, flowId) : [jobId]);
      } catch (error) {
        await changes.ids.return();
        throw error;
      }
      return jobs;
    },
  };

  /** A stream of the ids of jobs that changed, and those that are noted by hand. */
  function watchChanges({ jobId, flowId }: WatchedJobs, rateHz: number) {
    const changed = new Set<string>();
    let cancelTimer: (() => void) | undefined;
    let end: () => void = () => undefined;
    let tell: () => void = () => undefined;
    const note = (ids: Iterable<string>) => {
      for (const id of ids) changed.add(id);
      if (cancelTimer === undefined) tell();
    };
    const ids = keyChannel<string>((sink) => {
      end = sink.end;
      tell = () => {
        cancelTimer = undefined;
        if (changed.size === 0) return;
        for (const id of changed) sink.push(id);
        changed.clear();
        cancelTimer = clock.setTimer(1000 / rateHz, tell);
      };
      const stopListening = pubsub.subscribe('jobChanged', (change) => {
        if (jobId !== undefined && change.jobId !== jobId) return;
        if (flowId !== undefined && change.flowId !== flowId) return;
        if (!change.isDeleted) note([change.jobId]);
        else if (jobId !== undefined) sink.end();
      });
      return () => {
        stopListening();
        cancelTimer?.();
      };
    });
    return { ids, note, end };
  }
}

/** Of a job that runs nowhere: how it was at its end. */
function tellLastReading(records: JobRecords, jobId: string, sink: ReadingSink): () => void {
  let isLeft = false;
  records
    .readReadings([jobId])
    .then(([reading]) => {
      if (isLeft) return;
      if (reading !== undefined) sink.push(reading);
      sink.end();
    })
    .catch(() => sink.end());
  return () => {
    isLeft = true;
  };
}

async function listUnfinished(store: JobStore, flowId: string | undefined): Promise<string[]> {
  const jobs = await store.list({
    filter: {
      states: ['PENDING', 'RUNNING', 'PAUSED'],
      ...(flowId === undefined ? {} : { flowIds: [flowId] }),
    },
    order: { field: 'CREATED_AT', isDescending: false },
    limit: FIRST_TOLD,
    fromEnd: false,
  });
  return jobs.map(({ id }) => id);
}
