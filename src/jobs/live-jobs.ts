import type { Clock } from '../lib/clock.ts';
import { createKeyFeeds, type KeySource } from '../lib/key-feed.ts';
import { type LiveStream, mapLiveStream } from '../lib/live-stream.ts';
import { stateStream } from '../lib/state-stream.ts';
import { LAST_PLACE, type ReadingSink } from '../monitoring/job-sampler.ts';
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
  watchReadings(jobId: string, rateHz: number): LiveStream<JobReading>;
  /** One job each time that something of it, or in it, changed; ends when it has ended. */
  watchMonitoring(jobId: string, rateHz: number): LiveStream<Job>;
  /** Jobs as they change. With several, first those that have not ended. With one, ends when that has ended. */
  watchJobs(which: WatchedJobs, rateHz: number): Promise<LiveStream<Job>>;
}

export function createLiveJobs({ store, host, records, pubsub, clock }: LiveJobsDeps): LiveJobs {
  const feeds = createKeyFeeds(clock);

  const changesOf = ({ jobId, flowId }: WatchedJobs): KeySource => ({
    topic: `jobs ${jobId ?? '*'} of ${flowId ?? '*'}`,
    listen: (note, end) =>
      pubsub.subscribe('jobChanged', (change) => {
        if (jobId !== undefined && change.jobId !== jobId) return;
        if (flowId !== undefined && change.flowId !== flowId) return;
        if (!change.isDeleted) note(change.jobId);
        else if (jobId !== undefined) end();
      }),
  });

  const monitoringOf = (jobId: string, rateHz: number): KeySource => ({
    topic: `monitoring of ${jobId}`,
    listen(note, end) {
      const stopListening = changesOf({ jobId }).listen(note, end);
      const look = { push: () => note(jobId), end: () => undefined };
      const stopWatching = host.watch(jobId, rateHz, look);
      return () => {
        stopListening();
        stopWatching?.();
      };
    },
  });

  return {
    watchReadings: (jobId, rateHz) =>
      stateStream({
        topic: `readings of ${jobId}@${rateHz}`,
        keyOf: () => jobId,
        listen: (sink) => host.watch(jobId, rateHz, sink) ?? tellLastReading(records, jobId, sink),
      }),

    watchMonitoring(jobId, rateHz) {
      const changes = feeds.open(monitoringOf(jobId, rateHz), rateHz);
      changes.begin([jobId]);
      return mapLiveStream(changes, (id) => store.get(id), isLast);
    },

    async watchJobs({ jobId, flowId }, rateHz) {
      const changes = feeds.open(changesOf({ jobId, flowId }), rateHz);
      // It listens already: what happens while the present state is looked up is not lost.
      try {
        changes.begin(jobId === undefined ? await listUnfinished(store, flowId) : [jobId]);
      } catch (error) {
        await changes.return();
        throw error;
      }
      return mapLiveStream(
        changes,
        (id) => store.get(id),
        jobId === undefined ? undefined : isLast,
      );
    },
  };
}

/** Whether there is no more to come of a job. */
function isLast(job: Job | undefined): boolean {
  return job === undefined || hasEnded(job);
}

/** Of a job that runs nowhere: how it was at its end. */
function tellLastReading(records: JobRecords, jobId: string, sink: ReadingSink): () => void {
  let isLeft = false;
  records
    .readReadings([jobId])
    .then(([reading]) => {
      if (isLeft) return;
      if (reading !== undefined) sink.push(reading, LAST_PLACE);
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
