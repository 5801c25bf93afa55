import type { FlowRegistry } from '../flows/flow-registry.ts';
import { hasEnded, InvalidJobStateError, type Job } from '../jobs/job.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import type { Tenanted } from '../lib/tenanted.ts';

export interface OpenJobsDeps {
  readonly flows: FlowRegistry;
  /** Of whichever tenant, in the order of the ids; `undefined` where there is no such job. */
  readonly findJobs: (ids: readonly string[]) => Promise<(Job | undefined)[]>;
  /** Is kept when a job that is being taken in is with the host. */
  readonly handedOver: (jobId: string) => Promise<void>;
}

/**
 * The jobs that were given to the host and have not ended: those that can be debugged. For `forTenant`, jobs of other
 * tenants are not there.
 */
export interface OpenJobs extends FoundJobs, Tenanted<FoundJobs> {
  has(jobId: string): boolean;
  get(jobId: string): OpenJob | undefined;
  /** A tenant's jobs of a flow. */
  ofFlow(tenant: string, flowId: string): readonly OpenJob[];
  add(job: OpenJob): void;
  remove(jobId: string): void;
}

export type OpenJob = Pick<Job, 'id' | 'tenant' | 'flowId'>;

/** Looks jobs up, also those that have ended. */
export interface FoundJobs {
  /** In the order of the ids; `undefined` where there is no such job. */
  findMany(jobIds: readonly string[]): Promise<(Job | undefined)[]>;
  /** Any job. @throws NotFoundError */
  find(jobId: string): Promise<Job>;
  /** @throws NotFoundError, InvalidJobStateError when it has ended, or was not taken up by this server */
  require(jobId: string, wanted: string): Promise<Job>;
}

export function createOpenJobs({ flows, findJobs, handedOver }: OpenJobsDeps): OpenJobs {
  const open = new Map<string, OpenJob>();

  const search = (findMany: FoundJobs['findMany']): FoundJobs => {
    const find = async (jobId: string): Promise<Job> => {
      const [job] = await findMany([jobId]);
      if (job === undefined) throw new NotFoundError('Job', jobId);
      return job;
    };
    return {
      findMany,
      find,
      async require(jobId, wanted) {
        const job = await find(jobId);
        if (hasEnded(job)) throw new InvalidJobStateError(job, wanted, 'It has ended.');
        await handedOver(jobId);
        if (open.has(jobId)) return job;
        const now = await find(jobId); // it may have ended meanwhile
        const isKnown = flows.get(now.flowId) !== undefined;
        const advice = isKnown ? 'It is ending.' : `Flow "${now.flowId}" is not on this server.`;
        throw new InvalidJobStateError(now, wanted, hasEnded(now) ? 'It has ended.' : advice);
      },
    };
  };

  return {
    has: (jobId) => open.has(jobId),
    get: (jobId) => open.get(jobId),
    ofFlow: (tenant, flowId) =>
      [...open.values()].filter((job) => job.flowId === flowId && job.tenant === tenant),
    add: ({ id, tenant, flowId }) => void open.set(id, { id, tenant, flowId }),
    remove: (jobId) => void open.delete(jobId),
    ...search(findJobs),
    forTenant: (tenant) =>
      search(async (jobIds) =>
        (await findJobs(jobIds)).map((job) => (job?.tenant === tenant ? job : undefined)),
      ),
  };
}
