import { DomainError } from '../lib/domain-error.ts';

/** Somebody else owns the session of a job. */
export class SessionOwnedError extends DomainError {
  readonly code = 'SESSION_OWNED';
  readonly jobId: string;
  /** Who it is; `somebody` for all who give no name. */
  readonly owner: string;
  /** Until when, if the owner does nothing more; milliseconds since the Unix epoch. */
  readonly leaseUntil: number;

  constructor(jobId: string, owner: string, leaseUntil: number) {
    const until = new Date(leaseUntil).toISOString();
    super(
      `Job ${jobId} is being debugged by "${owner}" until ${until} at least. Wait, or take the session over.`,
    );
    this.jobId = jobId;
    this.owner = owner;
    this.leaseUntil = leaseUntil;
  }
}
