import type { FlowRegistry } from '../flows/flow-registry.ts';
import { localId } from '../graphql/ids.ts';
import { ValidationError } from '../lib/domain-error.ts';
import type { Job } from './job.ts';
import type { JobService } from './job-service.ts';

/** The arguments of subscriptions to one job, to those of a flow, or to all. */
interface WatchArguments {
  readonly jobId?: string | null | undefined;
  readonly flowId?: string | null | undefined;
}

/**
 * Looks up what a subscription is to: one job, those of a flow, or all.
 * @throws NotFoundError
 * @throws ValidationError when the job is of another flow
 */
export async function findWatchedJobs(
  { jobId, flowId }: WatchArguments,
  { jobs, flows }: { readonly jobs: JobService; readonly flows: FlowRegistry },
): Promise<{ readonly job: Job | undefined; readonly flowId: string | undefined }> {
  const flow =
    typeof flowId === 'string' ? flows.require(localId('Flow', flowId, ['flowId'])) : undefined;
  if (typeof jobId !== 'string') return { job: undefined, flowId: flow?.id };
  const job = await jobs.require(localId('Job', jobId, ['jobId']));
  if (flow !== undefined && job.flowId !== flow.id) {
    const message = `Job ${job.id} is of flow "${job.flowId}". Leave one of the two out.`;
    throw new ValidationError([{ path: ['flowId'], message }]);
  }
  return { job, flowId: job.flowId };
}
