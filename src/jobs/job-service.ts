import { EngineClosedError, InvalidStateError } from '../engine/index.ts';
import type { Clock } from '../lib/clock.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import { DEFAULT_TENANT } from '../lib/identity.ts';
import { isKeptWithin } from '../lib/within.ts';
import { StorageUnavailableError } from '../storage/database.ts';
import type { ItemEdits } from './item-edits.ts';
import { hasEnded, InvalidJobStateError, type Job, ShuttingDownError } from './job.ts';
import type { JobDebug, PauseOptions } from './job-debug.ts';
import type { JobHost } from './job-host.ts';
import type { JobIntake } from './job-intake.ts';
import type { JobLedger } from './job-ledger.ts';
import type { JobFilter, JobQuery } from './job-query.ts';
import type { StartJobRequest } from './job-request.ts';
import type { JobReruns } from './job-reruns.ts';
import type { JobStore } from './job-store.ts';

export interface JobServiceDeps {
  readonly intake: JobIntake;
  readonly store: JobStore;
  readonly host: JobHost;
  readonly ledger: JobLedger;
  readonly reruns: JobReruns;
  readonly debug: Pick<JobDebug, 'pause' | 'beforeResume'>;
  readonly clock: Clock;
  /** Called before a job is deleted: whoever counts jobs that have ended counts it now. */
  readonly beforeDelete: () => Promise<void>;
}

/** How long a command waits for what it did to be stored, in milliseconds. */
const STORE_LIMIT_MS = 10_000;

export interface RerunRequest {
  readonly jobId: string;
  readonly activationId: number;
  readonly edits: ItemEdits;
  /** How the new job is debugged from its first activation on. Default: not at all. */
  readonly debug?: StartJobRequest['debug'];
  readonly idempotencyKey?: string | undefined;
}

/**
 * What people of one tenant do to its jobs; a job of another tenant is as one that is not there. Each change is stored
 * before it is answered and announced. While that is not possible commands are refused with a `StorageUnavailableError`.
 */
export interface JobService {
  /** What people of a tenant do to jobs. Cheap. */
  forTenant(tenant: string): JobService;
  /**
   * Starts a job. The same idempotency key with the same flow and input answers the job that was made first.
   * @throws NotFoundError, ValidationError, IdempotencyConflictError
   */
  start(request: StartJobRequest): Promise<Job>;
  /** @throws NotFoundError, InvalidJobStateError; so do the others */
  pause(id: string, options?: PauseOptions): Promise<Job>;
  /**
   * Also ends a stop of the debugger.
   * @throws SessionOwnedError when somebody else than `actor` debugs the job
   */
  resume(id: string, actor?: string): Promise<Job>;
  /**
   * Is kept when all that was stored of a job so far has been told.
   * @throws StorageUnavailableError when that takes too long
   */
  settled(id: string): Promise<void>;
  /** Is kept when the job has ended. */
  cancel(id: string): Promise<Job>;
  /**
   * Starts a new job with the flow, input, metadata, owner and priority of one that failed or was cancelled. One that
   * began in the middle of another does so again, with the same items. The key is as in `start`.
   */
  retry(id: string, idempotencyKey?: string): Promise<Job>;
  /**
   * Starts a new job of the same flow, input, metadata, owner and priority as another, that begins with one activation of
   * that: on the items it took, edited if wanted. The key is as in `start`.
   * @throws also NotRecordedError, ValidationError
   */
  rerunFrom(request: RerunRequest): Promise<Job>;
  /** Deletes a job that has ended, with all that is known of it. */
  delete(id: string): Promise<Job>;
  /** @throws NotFoundError */
  require(id: string): Promise<Job>;
  find(id: string): Promise<Job | undefined>;
  /** In the order of the ids; `undefined` where there is no such job. */
  getMany(ids: readonly string[]): Promise<(Job | undefined)[]>;
  list(query: JobQuery): Promise<Job[]>;
  /** How many of its jobs a filter lets through. */
  count(filter: JobFilter): Promise<number>;
  /** Takes no more jobs from now on, of no tenant. */
  close(): void;
}

/** Answers that of the tenant of those who belong to none. */
export function createJobService(deps: JobServiceDeps): JobService {
  const life: Life = { isClosed: false };
  return serve(DEFAULT_TENANT, deps, life);
}

/** What the services of all tenants share. */
interface Life {
  isClosed: boolean;
}

function serve(tenant: string, deps: JobServiceDeps, life: Life): JobService {
  const { intake, store, host, ledger, reruns, debug, clock } = deps;

  /** The one door to the jobs of the store by id. */
  const getMany = async (ids: readonly string[]): Promise<(Job | undefined)[]> => {
    const jobs = await store.getMany(ids);
    return jobs.map((job) => (job?.tenant === tenant ? job : undefined));
  };

  const find = async (id: string): Promise<Job | undefined> => (await getMany([id]))[0];

  const require = async (id: string): Promise<Job> => {
    const job = await find(id);
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
    await intake.handedOver(id);
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

  /** So that a crash before its end does not bring it back. Where that can't be noted now it is cancelled all the same. */
  const noteCancel = async (id: string): Promise<void> => {
    try {
      const noted = await store.update(id, { cancelRequestedAt: clock.now() }, STORE_LIMIT_MS);
      if (noted !== undefined) ledger.announce(noted);
    } catch (error) {
      if (!(error instanceof StorageUnavailableError)) throw error;
    }
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

  const service: JobService = {
    forTenant: (other) => (other === tenant ? service : serve(other, deps, life)),
    settled: (id) => ledger.settled(id, STORE_LIMIT_MS),
    start: (request) => intake.take(tenant, request),
    async pause(id, options = {}) {
      const refusal = ['paused', 'Only a running job can be paused.'] as const;
      const job = await require(id);
      if (job.state !== 'RUNNING') throw new InvalidJobStateError(job, ...refusal);
      return debug.pause(id, options, () => ask(job, refusal, () => host.pause(id)));
    },
    async resume(id, actor) {
      const refusal = ['resumed', 'Only a paused job can be resumed.'] as const;
      const job = await require(id);
      if (job.state !== 'PAUSED') throw new InvalidJobStateError(job, ...refusal);
      debug.beforeResume(id, actor);
      return ask(job, refusal, () => host.resume(id));
    },
    async cancel(id) {
      const refusal = ['cancelled', 'It has ended already.'] as const;
      const job = await require(id);
      if (hasEnded(job)) throw new InvalidJobStateError(job, ...refusal);
      // Else it would be cancelled at the next start, though it was refused now.
      if (life.isClosed) throw new ShuttingDownError();
      if (job.cancelRequestedAt === undefined) await noteCancel(id);
      return ask(job, refusal, () => cancelWhereverItIs(id));
    },
    async retry(id, idempotencyKey) {
      const job = await require(id);
      if (job.state !== 'FAILED' && job.state !== 'CANCELLED') {
        const advice = 'Only a job that failed or was cancelled can; start a new one instead.';
        throw new InvalidJobStateError(job, 'retried', advice);
      }
      const source = { retryOf: id, rerun: reruns.again(job) };
      return intake.take(tenant, requestOf(job, idempotencyKey), source);
    },
    async rerunFrom({ jobId, activationId, edits, debug: debugRequest, idempotencyKey }) {
      const job = await require(jobId);
      const rerun = reruns.from(job, activationId, edits);
      const request = { ...requestOf(job, idempotencyKey), debug: debugRequest };
      return intake.take(tenant, request, { rerun });
    },
    async delete(id) {
      const job = await require(id);
      if (!hasEnded(job)) throw new InvalidJobStateError(job, 'deleted', 'Cancel it first.');
      await ledger.settled(id, STORE_LIMIT_MS);
      await isKeptWithin(ledger.released(id), STORE_LIMIT_MS, clock); // what belongs to it is all there
      await deps.beforeDelete();
      await store.delete(id, STORE_LIMIT_MS);
      ledger.announce(job, true);
      return job;
    },
    require,
    find,
    getMany,
    list: (query) => store.list(tenant, query),
    count: (filter) => store.count(tenant, filter),
    close() {
      life.isClosed = true;
      intake.close();
    },
  };
  return service;
}

/** What another job like this one is asked for with. */
function requestOf(job: Job, idempotencyKey: string | undefined): StartJobRequest {
  const { flowId, input, metadata, owner, priority } = job;
  return { flowId, input, metadata, owner, priority, idempotencyKey };
}
