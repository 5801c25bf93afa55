import { EngineClosedError, InvalidStateError, isFinalState } from '../engine/index.ts';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import type { Clock } from '../lib/clock.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import { newId } from '../lib/ids.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { JobHappening, Topics } from '../pubsub/topics.ts';
import {
  durationMs,
  hasEnded,
  IdempotencyConflictError,
  InvalidJobStateError,
  type Job,
  ShuttingDownError,
} from './job.ts';
import type { JobEvents } from './job-events.ts';
import type { HostedStateChange, JobHost } from './job-host.ts';
import type { JobFilter, JobQuery } from './job-query.ts';
import { checkRequest, isSameRequest, type StartJobRequest } from './job-request.ts';
import type { JobStore } from './job-store.ts';

export interface JobServiceDeps {
  readonly flows: FlowRegistry;
  readonly store: JobStore;
  readonly host: JobHost;
  readonly events: JobEvents;
  readonly pubsub: PubSub<Topics>;
  readonly clock: Clock;
}

/** What people do to jobs. Each change is stored before it is announced. */
export interface JobService {
  /**
   * Starts a job. The same idempotency key with the same flow and input answers the job that was made first.
   * @throws NotFoundError, ValidationError, IdempotencyConflictError
   */
  start(request: StartJobRequest): Promise<Job>;
  /** @throws NotFoundError, InvalidJobStateError; so do the others */
  pause(id: string): Promise<Job>;
  resume(id: string): Promise<Job>;
  /** Is kept when the job has ended. */
  cancel(id: string): Promise<Job>;
  /**
   * Starts a new job with the flow, input, metadata, owner and priority of one that failed or was cancelled. The key
   * is as in `start`.
   */
  retry(id: string, idempotencyKey?: string): Promise<Job>;
  /** Deletes a job that has ended, with all that is known of it. */
  delete(id: string): Promise<Job>;
  /** @throws NotFoundError */
  require(id: string): Promise<Job>;
  find(id: string): Promise<Job | undefined>;
  /** In the order of the ids; `undefined` where there is no such job. */
  getMany(ids: readonly string[]): Promise<(Job | undefined)[]>;
  list(query: JobQuery): Promise<Job[]>;
  /** How many jobs a filter lets through. */
  count(filter: JobFilter): Promise<number>;
  /** Takes note of what a host tells of its jobs. Is kept when it is stored and announced. */
  noteStateChange(change: HostedStateChange): Promise<void>;
}

export function createJobService(deps: JobServiceDeps): JobService {
  const { flows, store, host, events, pubsub, clock } = deps;
  /** Requests under way, by idempotency key, so that two at once don't both make a job. */
  const starting = new Map<string, Promise<Job>>();

  /** For each job the storing of its latest change: changes are stored one after another, in order. */
  const changes = new Map<string, Promise<void>>();

  const announce = ({ id, flowId }: Job, isDeleted = false) =>
    pubsub.publish('jobChanged', { jobId: id, flowId, isDeleted });

  const require = async (id: string): Promise<Job> => {
    const job = await store.get(id);
    if (job === undefined) throw new NotFoundError('Job', id);
    return job;
  };

  /**
   * Asks the host to do something to a job. It may have ended, or begun to, since it was looked up: what the host
   * then refuses in its own terms is told as any other refusal.
   */
  const ask = async (
    { id, state }: Job,
    [wanted, advice]: readonly [string, string],
    command: () => Promise<void>,
  ): Promise<Job> => {
    try {
      await command();
    } catch (error) {
      if (!(error instanceof InvalidStateError || error instanceof NotFoundError)) throw error;
      const now = await require(id);
      // In the state it needs to be in, it can only be refused for being on its way to the last one.
      const reason = now.state === state ? 'It is being ended.' : advice;
      throw new InvalidJobStateError(now, wanted, reason);
    }
    await changes.get(id); // what the command did is answered once it is stored
    return require(id);
  };

  const create = async (request: StartJobRequest, retryOf?: string): Promise<Job> => {
    const flow = flows.require(request.flowId);
    const metadata = checkRequest(flow, request);
    const job: Job = {
      id: newId(),
      flowId: flow.id,
      state: 'PENDING',
      input: request.input,
      metadata,
      owner: request.owner,
      priority: request.priority ?? 0,
      idempotencyKey: request.idempotencyKey,
      retryOf,
      createdAt: clock.now(),
      startedAt: undefined,
      finishedAt: undefined,
      cancelRequestedAt: undefined,
      error: undefined,
      outputs: {},
      unresponsiveRoutineIds: [],
    };
    await store.insert(job);
    announce(job);
    events.record(job.id, flow.id, job.createdAt, { type: 'JOB_CREATED' });
    try {
      await host.start({ jobId: job.id, flow, input: job.input, priority: job.priority });
    } catch (error) {
      await store.delete(job.id); // it was not accepted
      announce(job, true);
      throw error instanceof EngineClosedError ? new ShuttingDownError() : error;
    }
    return job;
  };

  const startOnce = async (
    key: string,
    request: StartJobRequest,
    retryOf?: string,
  ): Promise<Job> => {
    // One that is refused made no job: this one is then the first.
    const underWay = starting.get(key)?.catch(() => undefined);
    const earlier = (await underWay) ?? (await store.findByIdempotencyKey(key));
    if (earlier !== undefined) {
      if (earlier.retryOf !== retryOf || !isSameRequest(earlier, request)) {
        throw new IdempotencyConflictError(key, earlier.id);
      }
      return (await store.get(earlier.id)) ?? earlier;
    }
    // Between the look-up above and this line others may have begun with the same key.
    const other = starting.get(key);
    if (other !== undefined) return startOnce(key, request, retryOf);
    const made = create(request, retryOf);
    starting.set(key, made);
    try {
      return await made;
    } finally {
      starting.delete(key);
    }
  };

  const storeChange = async (change: HostedStateChange): Promise<void> => {
    const { jobId, from, state, at, error, outputs, unresponsiveRoutineIds } = change;
    const job = await store.update(jobId, {
      state,
      ...(from === 'PENDING' && state === 'RUNNING' ? { startedAt: at } : {}),
      ...(isFinalState(state) ? { finishedAt: at, error, outputs, unresponsiveRoutineIds } : {}),
    });
    if (job === undefined) return;
    announce(job);
    events.record(jobId, job.flowId, at, happeningOf(job, from));
  };

  return {
    start(request) {
      const { idempotencyKey: key } = request;
      return key === undefined ? create(request) : startOnce(key, request);
    },
    async pause(id) {
      const refusal = ['paused', 'Only a running job can be paused.'] as const;
      const job = await require(id);
      if (job.state !== 'RUNNING') throw new InvalidJobStateError(job, ...refusal);
      return ask(job, refusal, () => host.pause(id));
    },
    async resume(id) {
      const refusal = ['resumed', 'Only a paused job can be resumed.'] as const;
      const job = await require(id);
      if (job.state !== 'PAUSED') throw new InvalidJobStateError(job, ...refusal);
      return ask(job, refusal, () => host.resume(id));
    },
    async cancel(id) {
      const refusal = ['cancelled', 'It has ended already.'] as const;
      const job = await require(id);
      if (hasEnded(job)) throw new InvalidJobStateError(job, ...refusal);
      if (job.cancelRequestedAt === undefined) {
        const noted = await store.update(id, { cancelRequestedAt: clock.now() });
        if (noted !== undefined) announce(noted);
      }
      return ask(job, refusal, () => host.cancel(id));
    },
    async retry(id, idempotencyKey) {
      const job = await require(id);
      if (job.state !== 'FAILED' && job.state !== 'CANCELLED') {
        const advice = 'Only a job that failed or was cancelled can; start a new one instead.';
        throw new InvalidJobStateError(job, 'retried', advice);
      }
      const { flowId, input, metadata, owner, priority } = job;
      const request = { flowId, input, metadata, owner, priority, idempotencyKey };
      return idempotencyKey === undefined
        ? create(request, id)
        : startOnce(idempotencyKey, request, id);
    },
    async delete(id) {
      const job = await require(id);
      if (!hasEnded(job)) throw new InvalidJobStateError(job, 'deleted', 'Cancel it first.');
      await store.delete(id);
      await host.forget(id);
      announce(job, true);
      return job;
    },
    require,
    find: (id) => store.get(id),
    getMany: (ids) => store.getMany(ids),
    list: (query) => store.list(query),
    count: (filter) => store.count(filter),

    noteStateChange(change) {
      const { jobId } = change;
      const before = changes.get(jobId) ?? Promise.resolve();
      const stored = before.catch(() => undefined).then(() => storeChange(change));
      changes.set(jobId, stored);
      const forget = () => {
        if (changes.get(jobId) === stored) changes.delete(jobId);
      };
      stored.then(forget, forget);
      return stored;
    },
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
