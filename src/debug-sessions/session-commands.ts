import { EngineClosedError, InvalidStateError } from '../engine/index.ts';
import { hasEnded, InvalidJobStateError, ShuttingDownError } from '../jobs/job.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import type { FoundJobs } from './open-jobs.ts';
import type { SessionOwners } from './session-owners.ts';

/** Who asks to change something in a session. */
export interface SessionRequest {
  readonly jobId: string;
  /** Who it is; `undefined` for everybody without a name, who count as one. */
  readonly actor: string | undefined;
}

export interface SessionCommandsDeps {
  /** Those of who asks. */
  readonly jobs: FoundJobs;
  readonly owners: SessionOwners;
  /** Is kept when all that became of a job so far is stored. */
  readonly settled: (jobId: string) => Promise<void>;
  /** Told that a session is another now. */
  readonly onChanged: (jobId: string) => void;
}

/** Runs what is asked of a job that is debugged. `wanted` goes into refusals: what it can't be. */
export interface SessionCommands {
  /**
   * Does what only the owner may do. Who asks is the owner then, where nobody was.
   * @throws NotFoundError, InvalidJobStateError, SessionOwnedError, and what `run` throws
   */
  command<Result>(
    request: SessionRequest,
    wanted: string,
    run: (jobId: string) => Promise<Result>,
  ): Promise<Result>;
  /** Does what everybody may. @throws the same, without SessionOwnedError */
  look<Result>(jobId: string, run: () => Promise<Result>): Promise<Result>;
}

export function createSessionCommands(deps: SessionCommandsDeps): SessionCommands {
  const { jobs, owners, settled, onChanged } = deps;

  /** What the host refuses in its own terms is told in those of the job. */
  const ask = async <Result>(jobId: string, wanted: string, run: () => Promise<Result>) => {
    try {
      return await run();
    } catch (error) {
      if (error instanceof EngineClosedError) throw new ShuttingDownError();
      const isGone = error instanceof NotFoundError && error.id === jobId;
      if (!isGone && !(error instanceof InvalidStateError)) throw error;
      await settled(jobId);
      const job = await jobs.find(jobId);
      if (hasEnded(job)) throw new InvalidJobStateError(job, wanted, 'It has ended.');
      if (isGone) throw new InvalidJobStateError(job, wanted, 'It does not run on this server.');
      if (error instanceof InvalidStateError && job.state === 'PAUSED') {
        throw new InvalidJobStateError(job, error.wanted);
      }
      const advice = 'It has to stand still: pause it, or let a breakpoint stop it.';
      throw new InvalidJobStateError(job, wanted, advice);
    }
  };

  return {
    async command({ jobId, actor }, wanted, run) {
      await jobs.require(jobId, wanted);
      const result = await owners.run(jobId, actor, () => ask(jobId, wanted, () => run(jobId)));
      onChanged(jobId);
      return result;
    },
    async look(jobId, run) {
      await jobs.require(jobId, 'looked into');
      return ask(jobId, 'looked into', run);
    },
  };
}
