import { EngineClosedError } from '../engine/index.ts';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { isKeptWithin } from '../lib/within.ts';
import { StorageUnavailableError } from '../storage/database.ts';
import { IdempotencyConflictError, type Job, ShuttingDownError } from './job.ts';
import type { JobEvents } from './job-events.ts';
import type { JobHost } from './job-host.ts';
import type { JobLedger } from './job-ledger.ts';
import { checkRequest, isSameRequest, type StartJobRequest } from './job-request.ts';
import type { JobStore } from './job-store.ts';

export interface JobIntakeDeps {
  readonly flows: FlowRegistry;
  readonly store: JobStore;
  readonly host: JobHost;
  readonly ledger: JobLedger;
  readonly events: JobEvents;
  readonly clock: Clock;
}

/** Takes jobs in: a request is checked, stored as a job, and handed to the host. */
export interface JobIntake {
  /** @throws NotFoundError, ValidationError, IdempotencyConflictError, ShuttingDownError, StorageUnavailableError */
  take(request: StartJobRequest, retryOf?: string): Promise<Job>;
  /** Is kept when a job that is being taken in is with the host. */
  handedOver(id: string): Promise<void>;
  /** Takes no more from now on. */
  close(): void;
}

/** How long a request waits for an earlier one with the same key to be taken back, in milliseconds. */
const TAKE_BACK_LIMIT_MS = 10_000;

export function createJobIntake(deps: JobIntakeDeps): JobIntake {
  const { flows, store, host, ledger, events, clock } = deps;
  /** Jobs on their way: others may find them in the database before the host has them. */
  const handing = new Map<string, Promise<void>>();
  /** Jobs that may have been stored though their requests were refused, by idempotency key, until they are deleted. */
  const takeBacks = new Map<string, Promise<unknown>>();
  let isClosed = false;

  const takeBack = ({ id, idempotencyKey: key }: Job) => {
    // It fails when the database is closed first: then the job, if it is there, runs at the next start.
    const done = store.delete(id).catch(() => undefined);
    if (key === undefined) return;
    takeBacks.set(key, done);
    void done.then(() => {
      if (takeBacks.get(key) === done) takeBacks.delete(key);
    });
  };

  /** Answers another job when the key is taken. */
  const insert = async (job: Job): Promise<Job> => {
    try {
      return await store.insert(job);
    } catch (error) {
      if (error instanceof StorageUnavailableError && error.mayBeStored) takeBack(job);
      throw error;
    }
  };

  const handOver = async (job: Job): Promise<Job> => {
    const { id, flowId, input, priority } = job;
    const flow = flows.require(flowId);
    const stored = await insert(job);
    if (stored.id !== id) return stored;
    ledger.announce(job);
    events.record(id, flowId, job.createdAt, { type: 'JOB_CREATED' });
    try {
      await host.start({ jobId: id, flow, input, priority });
    } catch (error) {
      await store.delete(id); // it was not accepted
      ledger.announce(job, true);
      throw error instanceof EngineClosedError ? new ShuttingDownError() : error;
    }
    return job;
  };

  const create = async (request: StartJobRequest, retryOf?: string): Promise<Job> => {
    if (isClosed) throw new ShuttingDownError();
    const flow = flows.require(request.flowId);
    const job: Job = {
      ...checkRequest(flow, request),
      id: newId(),
      flowId: flow.id,
      state: 'PENDING',
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
    const taken = handOver(job);
    const settled = taken.then(
      () => undefined,
      () => undefined,
    );
    handing.set(job.id, settled);
    try {
      return await taken;
    } finally {
      handing.delete(job.id);
    }
  };

  /** While the database can't be read nobody knows; when the job can be stored after all, the key is looked at again. */
  const findByKey = async (key: string): Promise<Job | undefined> => {
    const takenBack = takeBacks.get(key);
    if (takenBack !== undefined && !(await isKeptWithin(takenBack, TAKE_BACK_LIMIT_MS, clock))) {
      throw new StorageUnavailableError(
        `An earlier request with the key "${key}" could not be stored, nor taken back. Try again later.`,
      );
    }
    try {
      return await store.findByIdempotencyKey(key);
    } catch (error) {
      if (error instanceof StorageUnavailableError) return undefined;
      throw error;
    }
  };

  return {
    async take(request, retryOf) {
      const { idempotencyKey: key } = request;
      if (key === undefined) return create(request, retryOf);
      const job = (await findByKey(key)) ?? (await create(request, retryOf));
      if (job.retryOf === retryOf && isSameRequest(job, request)) return job;
      throw new IdempotencyConflictError(key, job.id);
    },
    handedOver: (id) => handing.get(id) ?? Promise.resolve(),
    close() {
      isClosed = true;
    },
  };
}
