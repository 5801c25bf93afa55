import type { FlowRegistry } from '../flows/flow-registry.ts';
import { hasEnded, InvalidJobStateError, type Job } from '../jobs/job.ts';
import { NotFoundError } from '../lib/domain-error.ts';

export interface OpenJobsDeps {
  readonly flows: FlowRegistry;
  /** In the order of the ids; `undefined` where there is no such job. */
  readonly findJobs: (ids: readonly string[]) => Promise<(Job | undefined)[]>;
  /** Is kept when a job that is being taken in is with the host. */
  readonly handedOver: (jobId: string) => Promise<void>;
}

/** The jobs that were given to the host and have not ended: those that can be debugged. */
export interface OpenJobs {
  /** Name of the flow of a job; `undefined` when it is not one of them. */
  flowIdOf(jobId: string): string | undefined;
  /** The jobs of a flow. */
  ofFlow(flowId: string): readonly string[];
  add(job: Pick<Job, 'id' | 'flowId'>): void;
  remove(jobId: string): void;
  findMany(jobIds: readonly string[]): Promise<(Job | undefined)[]>;
  /** Any job. @throws NotFoundError */
  find(jobId: string): Promise<Job>;
  /** @throws NotFoundError, InvalidJobStateError when it has ended, or was not taken up by this server */
  require(jobId: string, wanted: string): Promise<Job>;
}

export function createOpenJobs({ flows, findJobs, handedOver }: OpenJobsDeps): OpenJobs {
  const flowIds = new Map<string, string>();

  const find = async (jobId: string): Promise<Job> => {
    const [job] = await findJobs([jobId]);
    if (job === undefined) throw new NotFoundError('Job', jobId);
    return job;
  };

  return {
    flowIdOf: (jobId) => flowIds.get(jobId),
    ofFlow: (wanted) => [...flowIds].flatMap(([id, flowId]) => (flowId === wanted ? id : [])),
    add: ({ id, flowId }) => void flowIds.set(id, flowId),
    remove: (jobId) => void flowIds.delete(jobId),
    findMany: findJobs,
    find,
    async require(jobId, wanted) {
      const job = await find(jobId);
      if (hasEnded(job)) throw new InvalidJobStateError(job, wanted, 'It has ended.');
      await handedOver(jobId);
      if (flowIds.has(jobId)) return job;
      const now = await find(jobId); // it may have ended meanwhile
      const isKnown = flows.get(now.flowId) !== undefined;
      const advice = isKnown ? 'It is ending.' : `Flow "${now.flowId}" is not on this server.`;
      throw new InvalidJobStateError(now, wanted, hasEnded(now) ? 'It has ended.' : advice);
    },
  };
}
