import { isFinalState } from '../engine/index.ts';
import type { Clock } from '../lib/clock.ts';
import { isKeptWithin } from '../lib/within.ts';
import type { FailureReading } from '../monitoring/readings.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { JobHappening, Topics } from '../pubsub/topics.ts';
import { StorageUnavailableError } from '../storage/database.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { durationMs, type Job } from './job.ts';
import type { JobEvents } from './job-events.ts';
import type { JobHistory } from './job-history.ts';
import type { HostedStateChange, JobHost, JobHostListener } from './job-host.ts';
import type { JobStore } from './job-store.ts';

export interface JobLedgerDeps {
  readonly store: JobStore;
  readonly checkpoints: CheckpointStore;
  readonly history: JobHistory;
  readonly events: JobEvents;
  readonly pubsub: PubSub<Topics>;
  readonly clock: Clock;
  readonly host: Pick<JobHost, 'forget'>;
  /** Told when a job has ended and that is stored. */
  readonly onEnded: (jobId: string) => void;
  /** Told of what could not be stored. */
  readonly onFailure: (error: unknown, jobId: string) => void;
  /** Told once of each job that can't be checkpointed. */
  readonly onCheckpointProblem: (problem: string, jobId: string) => void;
}

/**
 * Stores what hosts tell of their jobs, then announces it. The changes of one job are stored one after another, in the
 * order they were told.
 */
export interface JobLedger extends Omit<JobHostListener, 'logged'> {
  announce(job: Pick<Job, 'id' | 'tenant' | 'flowId'>, isDeleted?: boolean): void;
  /**
   * Is kept when all that was told of a job so far is stored.
   * @throws StorageUnavailableError when that takes longer than `limitMs`
   */
  settled(jobId: string, limitMs: number): Promise<void>;
  /** Is kept when nothing of a job that has ended waits to be written any more. */
  released(jobId: string): Promise<void>;
  /** Is kept when all that was told of all jobs so far is stored, or `limitMs` are over. */
  drained(limitMs: number): Promise<void>;
  /** Ends a job that runs nowhere. */
  end(jobId: string, state: 'FAILED' | 'CANCELLED', error?: FailureReading): Promise<void>;
}

export function createJobLedger(deps: JobLedgerDeps): JobLedger {
  const { store, checkpoints, history, events, pubsub, clock, host, onEnded, onFailure } = deps;
  /** For each job that has ended, until the host has forgotten it. */
  const releases = new Map<string, Promise<void>>();
  /** Jobs of which it is stored that they start, and not yet told. */
  const starting = new Map<string, Job>();
  /** Jobs that could not be checkpointed the last time. */
  const problematic = new Set<string>();
  /** For each job the storing of its latest change. */
  const changes = new Map<string, Promise<void>>();

  /** Stores a change after those before it, whatever became of them. */
  const next = (jobId: string, storeChange: () => Promise<void>): Promise<void> => {
    const before = changes.get(jobId) ?? Promise.resolve();
    const stored = before.then(storeChange);
    const settled = stored
      .catch((error: unknown) => onFailure(error, jobId))
      .then(() => {
        if (changes.get(jobId) === settled) changes.delete(jobId);
      });
    changes.set(jobId, settled);
    return stored;
  };

  /** The host knows a job until all that it told of it can be read elsewhere. */
  const release = (jobId: string) => {
    const released = history
      .flush()
      .then(() => host.forget(jobId))
      .catch((error: unknown) => onFailure(error, jobId))
      .then(() => {
        releases.delete(jobId);
      });
    releases.set(jobId, released);
  };

  const announce: JobLedger['announce'] = ({ id, tenant, flowId }, isDeleted = false) =>
    pubsub.publish('jobChanged', { jobId: id, tenant, flowId, isDeleted });

  const tell = (job: Job, from: Job['state'], at: number) => {
    announce(job);
    const { id: jobId, tenant, flowId } = job;
    events.record({ jobId, tenant, flowId }, at, happeningOf(job, from));
  };

  /** Stores that a job has ended. That it did is not lost for results that the database will not take. */
  const storeEnd = async ({ jobId, from, at, results, ...change }: HostedStateChange) => {
    const { state, error, unresponsiveRoutineIds } = change;
    const end = { state, error, unresponsiveRoutineIds, finishedAt: at };
    starting.delete(jobId);
    problematic.delete(jobId);
    const job = await store.finish(jobId, end, results).catch((fault: unknown) => {
      if (fault instanceof StorageUnavailableError || results === undefined) throw fault;
      onFailure(fault, jobId);
      return store.finish(jobId, end, undefined);
    });
    if (job !== undefined) tell(job, from, at);
    onEnded(jobId);
    release(jobId);
  };

  const storeChange = async ({ jobId, from, state, at }: HostedStateChange): Promise<void> => {
    const started = starting.get(jobId);
    starting.delete(jobId);
    // That a job starts was stored before it did. One that is to stand still was stored as that.
    if (started?.state === 'PAUSED') return;
    const job = started ?? (await store.update(jobId, { state }));
    if (job !== undefined) tell(job, from, at);
  };

  return {
    announce,
    starting: ({ jobId }, isPaused) =>
      next(jobId, async () => {
        const state = isPaused ? 'PAUSED' : 'RUNNING';
        const job = await store.update(jobId, { state, startedAt: clock.now() });
        if (job !== undefined) starting.set(jobId, job);
      }),
    stateChanged(change) {
      const storeIt = isFinalState(change.state) ? storeEnd : storeChange;
      next(change.jobId, () => storeIt(change)).catch(() => undefined); // told to `onFailure`
    },
    recorded({ jobId, trace, traceGoneTo, logs }) {
      if (trace.length > 0) history.keepTrace(jobId, trace);
      if (traceGoneTo > 0) history.trimTrace(jobId, traceGoneTo);
      if (logs.length > 0) history.keepLogs(jobId, logs);
    },
    async checkpointed(jobId, checkpoint) {
      const { problem } = checkpoint;
      if (problem === undefined) problematic.delete(jobId);
      else if (!problematic.has(jobId)) {
        problematic.add(jobId);
        deps.onCheckpointProblem(problem, jobId);
      }
      await checkpoints.save(jobId, checkpoint).catch((error: unknown) => onFailure(error, jobId));
    },
    async settled(jobId, limitMs) {
      const stored = changes.get(jobId);
      if (stored === undefined || (await isKeptWithin(stored, limitMs, clock))) return;
      throw new StorageUnavailableError(
        `What became of job ${jobId} can't be stored now. It will be as soon as the database can be written again.`,
        { mayBeStored: true },
      );
    },
    async released(jobId) {
      await releases.get(jobId);
    },
    async drained(limitMs) {
      const all = Promise.all(changes.values()).then(() => Promise.all(releases.values()));
      await isKeptWithin(all, limitMs, clock);
    },
    end: (jobId, state, error) =>
      next(jobId, async () => {
        const at = clock.now();
        const before = await store.get(jobId);
        const end = { state, error, finishedAt: at };
        const job = await store.finish(jobId, end, undefined);
        if (job !== undefined && before !== undefined) tell(job, before.state, at);
        onEnded(jobId);
      }),
  };
}

function happeningOf(job: Job, from: Job['state']): JobHappening {
  switch (job.state) {
    case 'PENDING':
      return { type: 'JOB_CREATED' };
    case 'RUNNING':
      return { type: from === 'PAUSED' ? 'JOB_RESUMED' : 'JOB_STARTED' };
    case 'PAUSED':
      return { type: 'JOB_PAUSED' };
    case 'COMPLETED':
      return { type: 'JOB_COMPLETED', durationMs: durationMs(job, 0) ?? 0 };
    case 'CANCELLED': {
      const { unresponsiveRoutineIds } = job;
      return { type: 'JOB_CANCELLED', unresponsiveRoutineIds };
    }
    case 'FAILED': {
      const { message = 'unknown', code } = job.error ?? {};
      const errorCode = code === undefined ? {} : { errorCode: code };
      return { type: 'JOB_FAILED', errorMessage: message, ...errorCode };
    }
  }
}
