import type { DebugHost, Stop } from '../debugger/debug-host.ts';
import { hasEnded, type Job } from '../jobs/job.ts';
import type { Clock } from '../lib/clock.ts';
import { createKeyFeeds, type KeySource } from '../lib/key-feed.ts';
import { type LiveStream, mapLiveStream } from '../lib/live-stream.ts';
import type { Tenanted } from '../lib/tenanted.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { OfJob, Topics } from '../pubsub/topics.ts';
import type { DebugSession } from './debug-session.ts';
import type { OpenJobs } from './open-jobs.ts';
import type { SessionBook } from './session-book.ts';
import { ownerOf } from './session-owners.ts';
import type { StopLimits } from './stop-limits.ts';

export interface SessionReaderDeps {
  readonly jobs: OpenJobs;
  readonly sessions: SessionBook;
  readonly limits: StopLimits;
  readonly host: DebugHost;
  readonly pubsub: PubSub<Topics>;
  readonly clock: Clock;
}

/** Reads sessions of jobs of one tenant: what is kept of them, and what their jobs do. */
export interface SessionReader {
  /** In the order of the ids; `undefined` for a job that does not exist. */
  findMany(jobIds: readonly string[]): Promise<(DebugSession | undefined)[]>;
  /** The session as it is, then after each change, the newest at most at the rate asked for. Ends after `ENDED`. */
  watch(jobId: string, rateHz: number): LiveStream<DebugSession>;
}

export function createSessionReaders(deps: SessionReaderDeps): Tenanted<SessionReader> {
  const { jobs, sessions, limits, host, pubsub, clock } = deps;
  const feeds = createKeyFeeds(clock);

  const read = async (job: Job | undefined): Promise<DebugSession | undefined> => {
    if (job === undefined) return undefined;
    const { id: jobId, flowId } = job;
    const nobodys = { jobId, flowId, frames: [], ...NOBODYS };
    if (hasEnded(job)) return { ...nobodys, status: 'ENDED', stop: undefined };
    const reading = await host.read(jobId);
    const kept = sessions.get(jobId);
    const lease = ownerOf(kept, clock.now());
    const common = {
      ...nobodys,
      owner: lease?.owner,
      leaseUntil: lease?.leaseUntil,
      pauseTtlMs: limits.limitOf(kept),
      watches: kept?.watches ?? [],
    };
    if (reading === undefined) {
      const stop = kept?.debug.stop ?? pauseOf(job); // it runs nowhere
      return { ...common, status: stop === undefined ? 'RUNNING' : 'STOPPED', stop };
    }
    const { status, stop, frames } = reading;
    const resumesAt = stop === undefined ? undefined : kept?.resumeAt;
    return { ...common, status, stop, frames, resumesAt };
  };

  const changesOf = (jobId: string, tenant: string): KeySource => ({
    topic: `session of ${jobId} for ${tenant}`,
    listen(note) {
      const noteOwn = (changed: OfJob) => {
        if (changed.jobId === jobId && changed.tenant === tenant) note(jobId);
      };
      const stopListening = [
        pubsub.subscribe('debugChanged', noteOwn),
        pubsub.subscribe('jobChanged', noteOwn),
      ];
      return () => {
        for (const stop of stopListening) stop();
      };
    },
  });

  return {
    forTenant(tenant) {
      const own = jobs.forTenant(tenant);
      const findMany = async (jobIds: readonly string[]) =>
        Promise.all((await own.findMany(jobIds)).map(read));
      return {
        findMany,
        watch(jobId, rateHz) {
          const changes = feeds.open(changesOf(jobId, tenant), rateHz);
          changes.begin([jobId]);
          return mapLiveStream(
            changes,
            async () => (await findMany([jobId]))[0],
            (session) => session === undefined || session.status === 'ENDED',
          );
        },
      };
    },
  };
}

const NOBODYS = {
  owner: undefined,
  leaseUntil: undefined,
  pauseTtlMs: undefined,
  resumesAt: undefined,
  watches: [],
} as const;

/** The stop of a job that was paused, and was not taken up since. */
function pauseOf(job: Job): Stop | undefined {
  if (job.state !== 'PAUSED') return undefined;
  const at = job.recovery?.at ?? job.startedAt ?? job.createdAt;
  const nothing = { breakpointIds: [], activationIds: [], queue: undefined, isByHand: true };
  return { number: 1, reason: 'PAUSE', at, ...nothing };
}
