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
  readonly onEnded: () => void;
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
  announce(job: Pick<Job, 'id' | 'flowId'>, isDeleted?: boolean): void;
  /**
   * Is kept when all that was told of a job so far is stored.
   * @throws StorageUnavailableError when that takes longer than `limitMs`
   */
  settled(jobId: string, limitMs: number): Promise<void>;
  /** Is kept when all that was told of all jobs so far is stored, or `limitMs` are over. */
  drained(limitMs: number): Promise<void>;
  /** Ends a job that runs nowhere. */
  end(jobId: string, state: 'FAILED' | 'CANCELLED', error?: FailureReading): Promise<void>;
}

export function createJobLedger(deps: JobLedgerDeps): JobLedger {
  const { store, checkpoints, history, events, pubsub, clock, host, onEnded, onFailure } = deps;
  /** Jobs of which it is stored that they start, and not yet told. */
  const starting = new Map<string, Job>();
  /** Jobs that could not be checkpointed the last time. */
  const problematic = new Set<string>();
  /** For each job the storing of its latest change. */
  const changes = new Map<string, Promise<void>>();

  /** Stores a change after those before it. Is kept also when that fails. */
  const next = (jobId: string, storeChange: () => Promise<void>): Promise<void> => {
    const before = changes.get(jobId) ?? Promise.resolve();
    const stored = before.then(storeChange).catch((error: unknown) => onFailure(error, jobId));
    changes.set(jobId, stored);
    void stored.then(() => {
      if (changes.get(jobId) === stored) changes.delete(jobId);
    });
    return stored;
  };

  const announce: JobLedger['announce'] = ({ id, flowId }, isDeleted = false) =>
    pubsub.publish('jobChanged', { jobId: id, flowId, isDeleted });

  const tell = (job: Job, from: Job['state'], at: number) => {
    announce(job);
    events.record(job.id, job.flowId, at, happeningOf(job, from));
  };

  const storeChange = async (change: HostedStateChange): Promise<void> => {
    const { jobId, from, state, at, error, results, unresponsiveRoutineIds } = change;
    if (isFinalState(state)) {
      starting.delete(jobId);
      problematic.delete(jobId);
      const end = { state, error, unresponsiveRoutineIds, finishedAt: at };
      const job = await store.finish(jobId, end, results);
      if (job !== undefined) tell(job, from, at);
      onEnded();
      await history.flush();
      await host.forget(jobId);
      return;
    }
    // That a job starts was stored before it did.
    const job = starting.get(jobId) ?? (await store.update(jobId, { state }));
    starting.delete(jobId);
    if (job !== undefined) tell(job, from, at);
  };

  return {
    announce,
    starting: (jobId, isPaused) =>
      next(jobId, async () => {
        const state = isPaused ? 'PAUSED' : 'RUNNING';
        await store.update(jobId, { state, startedAt: clock.now() });
      }),
    stateChanged(change) {
      void next(change.jobId, () => storeChange(change));
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
      );
    },
    async drained(limitMs) {
      await isKeptWithin(Promise.all(changes.values()), limitMs, clock);
    },
    end: (jobId, state, error) =>
      next(jobId, async () => {
        const at = clock.now();
        const before = await store.get(jobId);
        const end = { state, error, finishedAt: at };
        const job = await store.finish(jobId, end, undefined);
        if (job !== undefined && before !== undefined) tell(job, before.state, at);
        onEnded();
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
