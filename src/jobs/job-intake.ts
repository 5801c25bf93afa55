import { EngineClosedError } from '../engine/index.ts';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { isKeptWithin } from '../lib/within.ts';
import { StorageUnavailableError } from '../storage/database.ts';
import { IdempotencyConflictError, type Job, ShuttingDownError } from './job.ts';
import type { JobDebug } from './job-debug.ts';
import type { JobEvents } from './job-events.ts';
import type { JobHost } from './job-host.ts';
import type { JobLedger } from './job-ledger.ts';
import { checkRequest, isSameRequest, type StartJobRequest } from './job-request.ts';
import type { Beginning, Rerun } from './job-reruns.ts';
import type { JobStore } from './job-store.ts';

export interface JobIntakeDeps {
  readonly flows: FlowRegistry;
  readonly store: JobStore;
  readonly host: JobHost;
  readonly ledger: JobLedger;
  readonly events: JobEvents;
  readonly debug: JobDebug;
  readonly clock: Clock;
}

/** What a job is made from besides a request. */
export interface JobSource {
  /** The job that it tries again. */
  readonly retryOf?: string | undefined;
  /** With it the job begins in the middle of another. */
  readonly rerun?: Rerun | undefined;
}

/** Takes jobs in: a request is checked, stored as a job, and handed to the host. */
export interface JobIntake {
  /**
   * Makes a job of a tenant.
   * @throws NotFoundError, ValidationError, IdempotencyConflictError, ShuttingDownError, StorageUnavailableError, and
   * what `Rerun.readBeginning` throws
   */
  take(tenant: string, request: StartJobRequest, source?: JobSource): Promise<Job>;
  /** Is kept when a job that is being taken in is with the host. */
  handedOver(id: string): Promise<void>;
  /** Takes no more from now on. */
  close(): void;
}

/** How long a request waits for an earlier one with the same key to be taken back, in milliseconds. */
const TAKE_BACK_LIMIT_MS = 10_000;

export function createJobIntake(deps: JobIntakeDeps): JobIntake {
  const { flows, store, host, ledger, events, debug, clock } = deps;
  /** Jobs on their way: others may find them in the database before the host has them. */
  const handing = new Map<string, Promise<void>>();
  /** Jobs that may have been stored though their requests were refused, by `nameOf` their keys, until they are deleted. */
  const takeBacks = new Map<string, Promise<unknown>>();
  let isClosed = false;

  const takeBack = ({ id, tenant, idempotencyKey: key }: Job) => {
    // It fails when the database is closed first: then the job, if it is there, runs at the next start.
    const done = store.delete(id).catch(() => undefined);
    if (key === undefined) return;
    const name = nameOf(tenant, key);
    takeBacks.set(name, done);
    void done.then(() => {
      if (takeBacks.get(name) === done) takeBacks.delete(name);
    });
  };

  /** Answers another job when the key is taken. */
  const insert = async (job: Job, from: Beginning | undefined): Promise<Job> => {
    try {
      return await store.insert(job, from?.items);
    } catch (error) {
      debug.discard(job.id);
      if (error instanceof StorageUnavailableError && error.mayBeStored) takeBack(job);
      throw error;
    }
  };

  const handOver = async (
    job: Job,
    request: StartJobRequest,
    from: Beginning | undefined,
  ): Promise<Job> => {
    const { id, tenant, flowId, input, priority } = job;
    const flow = flows.require(flowId);
    // Before the job: one that is found at the next start is debugged as it was asked for.
    if (request.debug !== undefined) await debug.prepare(job, request.debug);
    const stored = await insert(job, from);
    if (stored.id !== id) {
      debug.discard(id);
      return stored;
    }
    ledger.announce(job);
    events.record({ jobId: id, tenant, flowId }, job.createdAt, { type: 'JOB_CREATED' });
    try {
      await host.start({
        jobId: id,
        tenant,
        flow,
        input,
        priority,
        from,
        debug: debug.startOf(job),
      });
    } catch (error) {
      debug.discard(id);
      await store.delete(id); // it was not accepted
      ledger.announce(job, true);
      throw error instanceof EngineClosedError ? new ShuttingDownError() : error;
    }
    return job;
  };

  const create = async (
    tenant: string,
    request: StartJobRequest,
    { retryOf, rerun }: JobSource,
  ): Promise<Job> => {
    const from = rerun === undefined ? undefined : await rerun.readBeginning();
    if (isClosed) throw new ShuttingDownError();
    const flow = flows.require(request.flowId);
    const job: Job = {
      ...checkRequest(flow, request, (...asked) => debug.check(tenant, ...asked)),
      id: newId(),
      tenant,
      flowId: flow.id,
      state: 'PENDING',
      owner: request.owner,
      priority: request.priority ?? 0,
      idempotencyKey: request.idempotencyKey,
      retryOf,
      rerunOf: rerun && from && { ...rerun.origin, routineId: from.routineId },
      createdAt: clock.now(),
      startedAt: undefined,
      finishedAt: undefined,
      cancelRequestedAt: undefined,
      error: undefined,
      unresponsiveRoutineIds: [],
      recovery: undefined,
    };
    const taken = handOver(job, request, from);
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
  const findByKey = async (tenant: string, key: string): Promise<Job | undefined> => {
    const takenBack = takeBacks.get(nameOf(tenant, key));
    if (takenBack !== undefined && !(await isKeptWithin(takenBack, TAKE_BACK_LIMIT_MS, clock))) {
      throw new StorageUnavailableError(
        `An earlier request with the key "${key}" could not be stored, nor taken back. Try again later.`,
      );
    }
    try {
      return await store.findByIdempotencyKey(tenant, key);
    } catch (error) {
      if (error instanceof StorageUnavailableError) return undefined;
      throw error;
    }
  };

  return {
    async take(tenant, request, source = {}) {
      const { idempotencyKey: key } = request;
      if (key === undefined) return create(tenant, request, source);
      const job = (await findByKey(tenant, key)) ?? (await create(tenant, request, source));
      if (isFromSame(job, source) && isSameRequest(job, request)) return job;
      throw new IdempotencyConflictError(key, job.id);
    },
    handedOver: (id) => handing.get(id) ?? Promise.resolve(),
    close() {
      isClosed = true;
    },
  };
}

/** Names a key among those of all tenants. */
function nameOf(tenant: string, key: string): string {
  return JSON.stringify([tenant, key]);
}

/** Whether a job was made from what another is to be made from. */
function isFromSame({ retryOf, rerunOf }: Job, source: JobSource): boolean {
  const origin = source.rerun?.origin;
  return (
    retryOf === source.retryOf &&
    rerunOf?.jobId === origin?.jobId &&
    rerunOf?.activationId === origin?.activationId &&
    rerunOf?.edits === origin?.edits
  );
}
