import { EngineClosedError, InvalidStateError } from '../engine/index.ts';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import type { Clock } from '../lib/clock.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import { newId } from '../lib/ids.ts';
import { StorageUnavailableError } from '../storage/database.ts';
import {
  hasEnded,
  IdempotencyConflictError,
  InvalidJobStateError,
  type Job,
  ShuttingDownError,
} from './job.ts';
import type { JobEvents } from './job-events.ts';
import type { JobHost } from './job-host.ts';
import type { JobLedger } from './job-ledger.ts';
import type { JobFilter, JobQuery } from './job-query.ts';
import { checkRequest, isSameRequest, type StartJobRequest } from './job-request.ts';
import type { JobStore } from './job-store.ts';

export interface JobServiceDeps {
  readonly flows: FlowRegistry;
  readonly store: JobStore;
  readonly host: JobHost;
  readonly ledger: JobLedger;
  readonly events: JobEvents;
  readonly clock: Clock;
  /** Called before a job is deleted: whoever counts jobs that have ended counts it now. */
  readonly beforeDelete: () => Promise<void>;
}

/** How long a command waits for what it did to be stored, in milliseconds. */
const STORE_LIMIT_MS = 10_000;

/**
 * What people do to jobs. Each change is stored before it is answered and announced. While that is not possible
 * commands are refused with a `StorageUnavailableError`.
 */
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
  /** Takes no more jobs from now on. */
  close(): void;
}

export function createJobService(deps: JobServiceDeps): JobService {
  const { flows, store, host, ledger, events, clock } = deps;
  let isClosed = false;

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
      if (error instanceof EngineClosedError) throw new ShuttingDownError();
      if (!(error instanceof InvalidStateError || error instanceof NotFoundError)) throw error;
      await ledger.settled(id, STORE_LIMIT_MS);
      const now = await require(id);
      if (now.state !== state) throw new InvalidJobStateError(now, wanted, advice);
      // In the state it needs to be in, it is on its way to the last one, waits for a place to begin again as PAUSED, or
      // was not taken up after a restart.
      const isHere = error instanceof InvalidStateError;
      const ending =
        state === 'PAUSED'
          ? 'It is being ended, or has not begun again yet.'
          : 'It is being ended.';
      const reason = isHere ? ending : `Flow "${now.flowId}" is not on this server.`;
      throw new InvalidJobStateError(now, wanted, reason);
    }
    await ledger.settled(id, STORE_LIMIT_MS);
    return require(id);
  };

  /** A job that was not taken up after a restart runs nowhere. */
  const cancelWhereverItIs = async (id: string): Promise<void> => {
    try {
      await host.cancel(id);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      await ledger.settled(id, STORE_LIMIT_MS);
      if (hasEnded(await require(id))) throw error;
      await ledger.end(id, 'CANCELLED');
    }
  };

  /** Answers another job when the key is taken. What could not be stored in time is taken back when it can be. */
  const insert = async (job: Job): Promise<Job> => {
    try {
      return await store.insert(job);
    } catch (error) {
      if (error instanceof StorageUnavailableError) {
        store.delete(job.id).catch(() => undefined); // the database was closed first
      }
      throw error;
    }
  };

  const create = async (request: StartJobRequest, retryOf?: string): Promise<Job> => {
    if (isClosed) throw new ShuttingDownError();
    const flow = flows.require(request.flowId);
    const { input, metadata } = checkRequest(flow, request);
    const job: Job = {
      id: newId(),
      flowId: flow.id,
      state: 'PENDING',
      input,
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
      unresponsiveRoutineIds: [],
      recovery: undefined,
    };
    const stored = await insert(job);
    if (stored.id !== job.id) return stored;
    ledger.announce(job);
    events.record(job.id, flow.id, job.createdAt, { type: 'JOB_CREATED' });
    try {
      await host.start({ jobId: job.id, flow, input: job.input, priority: job.priority });
    } catch (error) {
      await store.delete(job.id); // it was not accepted
      ledger.announce(job, true);
      throw error instanceof EngineClosedError ? new ShuttingDownError() : error;
    }
    return job;
  };

  /** While the database can't be read nobody knows; when the job can be stored after all, the key is looked at again. */
  const findSoon = async (key: string): Promise<Job | undefined> => {
    try {
      return await store.findByIdempotencyKey(key);
    } catch (error) {
      if (error instanceof StorageUnavailableError) return undefined;
      throw error;
    }
  };

  const startOnce = async (
    key: string,
    request: StartJobRequest,
    retryOf?: string,
  ): Promise<Job> => {
    const job = (await findSoon(key)) ?? (await create(request, retryOf));
    if (job.retryOf === retryOf && isSameRequest(job, request)) return job;
    throw new IdempotencyConflictError(key, job.id);
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
        const noted = await store.update(id, { cancelRequestedAt: clock.now() }, STORE_LIMIT_MS);
        if (noted !== undefined) ledger.announce(noted);
      }
      return ask(job, refusal, () => cancelWhereverItIs(id));
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
      await ledger.settled(id, STORE_LIMIT_MS); // what belongs to it is all there
      await deps.beforeDelete();
      await store.delete(id, STORE_LIMIT_MS);
      ledger.announce(job, true);
      return job;
    },
    require,
    find: (id) => store.get(id),
    getMany: (ids) => store.getMany(ids),
    list: (query) => store.list(query),
    count: (filter) => store.count(filter),
    close() {
      isClosed = true;
    },
  };
}
