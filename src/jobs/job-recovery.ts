import type { Logger } from 'pino';
import { FlowChangedError } from '../engine/index.ts';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError, messageOf } from '../lib/domain-error.ts';
import { StorageUnavailableError } from '../storage/database.ts';
import type { Checkpoint } from './checkpoint.ts';
import { CheckpointError } from './checkpoint.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { Job, JobRecovery } from './job.ts';
import type { JobDebug } from './job-debug.ts';
import type { JobEvents } from './job-events.ts';
import type { JobHistory } from './job-history.ts';
import type { HostedJob, JobHost } from './job-host.ts';
import type { JobLedger } from './job-ledger.ts';
import { readBeginning } from './job-reruns.ts';
import type { JobStore } from './job-store.ts';

export interface RecoveryOptions {
  /** A job that was being run at so many crashes one after another is given up. Default 5. */
  readonly maxCrashes?: number | undefined;
  /** When a server has run so long, no job that it took up causes crashes: counting begins anew. Default 60,000 ms. */
  readonly stableAfterMs?: number | undefined;
}

export interface RecoveryDeps extends RecoveryOptions {
  readonly flows: FlowRegistry;
  readonly store: JobStore;
  readonly checkpoints: CheckpointStore;
  readonly history: JobHistory;
  readonly host: JobHost;
  readonly ledger: JobLedger;
  readonly events: JobEvents;
  readonly debug: JobDebug;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What was done with the jobs that had not ended, in numbers. */
interface RecoveryReport {
  /** Had not run yet, and were put in line again. */
  started: number;
  /** Went on from a checkpoint. */
  resumed: number;
  /** Began again from their start. */
  restarted: number;
  failed: number;
  /** Had been cancelled. */
  cancelled: number;
  /** Are left as they are, since their flows are not on this server. */
  left: number;
}

const AT_A_TIME = 100;

/**
 * Takes up the jobs of all tenants that had not ended when the process they ran in did. To be called once, before new jobs are
 * accepted.
 *
 * - A PENDING job has not run: it is put in line again.
 * - A job that was being run goes on from its newest checkpoint, begins again, or fails, as its flow's `onCrash` says.
 *   After a shut-down that let it be checkpointed it goes on whatever that says: nothing is repeated.
 * - Without a checkpoint that can be used it begins again.
 * - A job that was being run at several crashes in a row fails: it may be what causes them.
 * - A job that was being cancelled is cancelled.
 * - A job that can't be taken up for any other reason fails, and tells why.
 * - A job whose flow is not here is left as it is, until a server has the flow, or somebody cancels it.
 */
export async function recoverJobs(deps: RecoveryDeps): Promise<void> {
  const { store, logger } = deps;
  const report: RecoveryReport = {
    started: 0,
    resumed: 0,
    restarted: 0,
    failed: 0,
    cancelled: 0,
    left: 0,
  };
  let lastId = '';
  for (;;) {
    const jobs = await store.listUnfinished(lastId, AT_A_TIME);
    const outcomes = await Promise.all(jobs.map((job) => recoverOrTell(job, deps)));
    for (const outcome of outcomes) report[outcome]++;
    const last = jobs.at(-1);
    if (last === undefined) break;
    lastId = last.id;
  }
  if (Object.values(report).some((count) => count > 0)) {
    logger.info({ ...report }, 'Took up the jobs that had not ended.');
  }
}

/** One job that can't be taken up keeps no other, and not the server, from it. */
async function recoverOrTell(job: Job, deps: RecoveryDeps): Promise<keyof RecoveryReport> {
  try {
    return await recover(job, deps);
  } catch (error) {
    if (error instanceof StorageUnavailableError) throw error;
    deps.logger.error({ jobId: job.id, err: error }, 'A job could not be taken up.');
    const code = error instanceof DomainError ? error.code : 'RECOVERY_FAILED';
    const message = `It could not be taken up after the server was started: ${messageOf(error)}`;
    await deps.ledger.end(job.id, 'FAILED', { message, code });
    return 'failed';
  }
}

async function recover(job: Job, deps: RecoveryDeps): Promise<keyof RecoveryReport> {
  const { flows, store, host, checkpoints, ledger, debug, logger } = deps;
  const { id: jobId, tenant, flowId, input, priority, rerunOf } = job;
  const flow = flows.get(flowId);
  if (flow === undefined) {
    logger.warn({ jobId, flowId }, 'A job was not taken up: its flow is not on this server.');
    return 'left';
  }
  if (job.cancelRequestedAt !== undefined) {
    await ledger.end(jobId, 'CANCELLED');
    return 'cancelled';
  }
  const from = rerunOf && (await readBeginning({ id: jobId, rerunOf }, store));
  const isPaused = job.state === 'PAUSED';
  const hosted: HostedJob = { jobId, tenant, flow, input, priority, from, isPaused };
  if (job.state === 'PENDING') {
    const hasBegunBefore = job.recovery !== undefined;
    if (hasBegunBefore) await startAnew(job, hosted, deps);
    else await host.start({ ...hosted, debug: debug.startOf(job) });
    return 'started';
  }

  const checkpoint = await checkpoints.find(jobId);
  const recovery = nextRecovery(job, checkpoint, deps);
  const isCrash = !wasShutDown(job, checkpoint);
  if (isCrash && flow.onCrash === 'fail') {
    const message = `The server was killed while the job ran, and its flow says \`onCrash: 'fail'\`.`;
    return fail(job, recovery, { message, code: 'CRASHED' }, deps);
  }
  const { maxCrashes = 5 } = deps;
  if (recovery.crashCount > maxCrashes) {
    const message =
      `The server was killed ${recovery.crashCount} times in a row while the job ran, which may be what the job ` +
      `does. Retry it when the cause is found.`;
    return fail(job, recovery, { message, code: 'CRASH_LOOP' }, deps);
  }
  const mayResume = checkpoint?.data !== undefined && (!isCrash || flow.onCrash === 'resume');
  if (mayResume) {
    try {
      return await resume(job, hosted, checkpoint, recovery, deps);
    } catch (error) {
      if (error instanceof FlowChangedError) {
        return fail(job, recovery, { message: error.message, code: error.code }, deps);
      }
      if (!(error instanceof CheckpointError)) throw error;
      logger.warn({ jobId, err: error }, 'A job begins again: its checkpoint could not be used.');
    }
  }
  await restart(job, hosted, recovery, deps);
  return 'restarted';
}

/**
 * Whether its process was on its way out when the checkpoint was taken. The checkpoint stays until the next is stored:
 * when the job was taken up since, it was running again, and the process was killed.
 */
function wasShutDown({ recovery }: Job, checkpoint: Checkpoint | undefined): boolean {
  return checkpoint?.isFinal === true && checkpoint.takenAt >= (recovery?.at ?? 0);
}

/** The recovery that is about to happen. A paused job runs no code that could end the process. */
function nextRecovery(
  job: Job,
  checkpoint: Checkpoint | undefined,
  { clock }: RecoveryDeps,
): JobRecovery {
  const { count = 0, crashCount = 0 } = job.recovery ?? {};
  const mayHaveCrashed = job.state !== 'PAUSED' && !wasShutDown(job, checkpoint);
  return {
    count: count + 1,
    crashCount: mayHaveCrashed ? crashCount + 1 : 0,
    at: clock.now(),
    from: undefined,
  };
}

async function resume(
  job: Job,
  hosted: HostedJob,
  checkpoint: Checkpoint,
  recovery: JobRecovery,
  { host, store, history, ledger, events, debug, clock }: RecoveryDeps,
): Promise<'resumed'> {
  const { id, tenant, flowId } = job;
  // Counted before its code runs: it may be what ends the process.
  const from = checkpoint.takenAt;
  await store.update(id, { recovery: { ...recovery, from } });
  // Lines were written to its log after the checkpoint was taken: they stay.
  const { trace, log } = await history.readLastPlaces(id);
  const before = { durations: {}, traceTotal: trace, logTotal: log };
  await host.restore({ ...hosted, before, debug: debug.startOf(job) }, checkpoint);
  ledger.announce(job);
  const of = { jobId: id, tenant, flowId };
  events.record(of, clock.now(), { type: 'JOB_RECOVERED', checkpointAt: from });
  return 'resumed';
}

async function restart(
  job: Job,
  hosted: HostedJob,
  recovery: JobRecovery,
  deps: RecoveryDeps,
): Promise<void> {
  const { id, tenant, flowId } = job;
  const { store, ledger, events, clock } = deps;
  // That it is paused must outlast another kill, also one before it has begun.
  const isPaused = hosted.isPaused === true;
  const waiting = isPaused ? {} : ({ state: 'PENDING', startedAt: undefined } as const);
  await store.update(id, { ...waiting, recovery });
  await startAnew(job, hosted, deps);
  ledger.announce(job);
  events.record({ jobId: id, tenant, flowId }, clock.now(), { type: 'JOB_RECOVERED' });
}

/** Starts a job that has begun before: what it did then stays in its trace and its log. */
async function startAnew(
  job: Job,
  hosted: HostedJob,
  { host, history, debug }: RecoveryDeps,
): Promise<void> {
  const { trace, log } = await history.readLastPlaces(job.id);
  const before = { durations: {}, traceTotal: trace, logTotal: log };
  await host.start({ ...hosted, before, debug: debug.startOf(job, true) });
}

async function fail(
  { id }: Job,
  recovery: JobRecovery,
  error: { readonly message: string; readonly code: string },
  { store, ledger }: RecoveryDeps,
): Promise<'failed'> {
  await store.update(id, { recovery });
  await ledger.end(id, 'FAILED', error);
  return 'failed';
}
