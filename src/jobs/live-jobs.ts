import type { Clock } from '../lib/clock.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import { createKeyFeeds, type KeyFeeds, type KeySource } from '../lib/key-feed.ts';
import { type LiveStream, mapLiveStream } from '../lib/live-stream.ts';
import { stateStream } from '../lib/state-stream.ts';
import type { Tenanted } from '../lib/tenanted.ts';
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

/** A job that was found for its tenant. */
export type FoundJob = Pick<Job, 'id' | 'tenant'>;

/** Which jobs to watch: one, those of a flow, or all. */
export interface WatchedJobs {
  readonly job?: FoundJob | undefined;
  readonly flowId?: string | undefined;
}

/** The most unfinished jobs that are told first when all are watched. */
const FIRST_TOLD = 1000;

/**
 * State streams of one tenant's jobs: what is now, and then the latest, at most at the rate asked for. For a job of another
 * tenant they throw NotFoundError.
 */
export interface TenantLiveJobs {
  /** Readings of one job; ends with the last one. */
  watchReadings(job: FoundJob, rateHz: number): LiveStream<JobReading>;
  /** One job each time that something of it, or in it, changed; ends when it has ended. */
  watchMonitoring(job: FoundJob, rateHz: number): LiveStream<Job>;
  /** Jobs as they change. With several, first those that have not ended. With one, ends when that has ended. */
  watchJobs(which: WatchedJobs, rateHz: number): Promise<LiveStream<Job>>;
}

export type LiveJobs = Tenanted<TenantLiveJobs>;

export function createLiveJobs(deps: LiveJobsDeps): LiveJobs {
  const feeds = createKeyFeeds(deps.clock);
  return { forTenant: (tenant) => watchJobsOf(tenant, feeds, deps) };
}

function watchJobsOf(
  tenant: string,
  feeds: KeyFeeds,
  { store, host, records, pubsub }: LiveJobsDeps,
): TenantLiveJobs {
  const checkOwn = (job: FoundJob) => {
    if (job.tenant !== tenant) throw new NotFoundError('Job', job.id);
  };

  const look = async (id: string): Promise<Job | undefined> => {
    const job = await store.get(id);
    return job?.tenant === tenant ? job : undefined;
  };

  const changesOf = (jobId: string | undefined, flowId: string | undefined): KeySource => ({
    topic: `jobs ${JSON.stringify([tenant, jobId ?? null, flowId ?? null])}`,
    listen: (note, end) =>
      pubsub.subscribe('jobChanged', (change) => {
        if (change.tenant !== tenant) return;
        if (jobId !== undefined && change.jobId !== jobId) return;
        if (flowId !== undefined && change.flowId !== flowId) return;
        if (!change.isDeleted) note(change.jobId);
        else if (jobId !== undefined) end();
      }),
  });

  const monitoringOf = (jobId: string, rateHz: number): KeySource => ({
    topic: `monitoring ${JSON.stringify([tenant, jobId])}`,
    listen(note, end) {
      const stopListening = changesOf(jobId, undefined).listen(note, end);
      const sink = { push: () => note(jobId), end: () => undefined };
      const stopWatching = host.watch(jobId, rateHz, sink);
      return () => {
        stopListening();
        stopWatching?.();
      };
    },
  });

  return {
    watchReadings(job, rateHz) {
      checkOwn(job);
      const { id } = job;
      return stateStream({
        topic: `readings ${JSON.stringify([tenant, id])}@${rateHz}`,
        keyOf: () => id,
        listen: (sink) => host.watch(id, rateHz, sink) ?? tellLastReading(records, id, sink),
      });
    },

    watchMonitoring(job, rateHz) {
      checkOwn(job);
      const changes = feeds.open(monitoringOf(job.id, rateHz), rateHz);
      changes.begin([job.id]);
      return mapLiveStream(changes, look, isLast);
    },

    async watchJobs({ job, flowId }, rateHz) {
      if (job !== undefined) checkOwn(job);
      const changes = feeds.open(changesOf(job?.id, flowId), rateHz);
      // It listens already: what happens while the present state is looked up is not lost.
      try {
        const unfinished = job === undefined ? await listUnfinished(tenant, store, flowId) : [];
        changes.begin(job === undefined ? unfinished : [job.id]);
      } catch (error) {
        await changes.return();
        throw error;
      }
      return mapLiveStream(changes, look, job === undefined ? undefined : isLast);
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

async function listUnfinished(
  tenant: string,
  store: JobStore,
  flowId: string | undefined,
): Promise<string[]> {
  const jobs = await store.list(tenant, {
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
