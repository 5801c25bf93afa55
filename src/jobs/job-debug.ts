import type { DebugStart } from '../debugger/debug-host.ts';
import type { DebugRequest } from '../debugger/debug-request.ts';
import type { Flow } from '../engine/index.ts';
import type { Issue } from '../lib/domain-error.ts';
import type { Job } from './job.ts';

/** What the jobs need of their debugging. */
export interface JobDebug {
  /** Every fault of what a tenant asks for; paths begin in the request. */
  check(tenant: string, flow: Flow, request: DebugRequest): readonly Issue[];
  /**
   * Stores how a job is to be debugged, before the job itself is stored.
   * @throws StorageUnavailableError
   */
  prepare(job: Job, request: DebugRequest): Promise<void>;
  /**
   * How a job is to be debugged that is given to the host at once; `undefined` when it is not. Reads no database.
   * @param isAnew whether a job that has run before begins again from its start
   */
  startOf(job: Pick<Job, 'id' | 'tenant' | 'flowId'>, isAnew?: boolean): DebugStart | undefined;
  /** The job was not accepted after all: nothing of it stays. */
  discard(jobId: string): void;
  /**
   * Pauses a running job as `pause` does. To give a limit is a command in its session.
   * @throws ValidationError, and SessionOwnedError when a limit is given and somebody else debugs it; what `pause` throws
   */
  pause<Result>(
    jobId: string,
    options: PauseOptions,
    pause: () => Promise<Result>,
  ): Promise<Result>;
  /** Called before a paused job goes on. @throws SessionOwnedError when somebody else debugs it */
  beforeResume(jobId: string, actor: string | undefined): void;
}

/** How a job is paused. */
export interface PauseOptions {
  /** Who asks for it, as far as that is known. */
  readonly actor?: string | undefined;
  /** After how many milliseconds it goes on by itself; 0 for never. Default: never, unless its session has a limit. */
  readonly pauseTtlMs?: number | undefined;
}
