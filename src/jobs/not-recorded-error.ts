import { DomainError } from '../lib/domain-error.ts';
import type { RecordedItems } from '../monitoring/readings.ts';

/**
 * Why the items of an activation are not there any more; see `RecordedItems`. `LEFT_TRACE`: nothing is known of it.
 * `OLD_RECORD`: it ended when items were not written down yet.
 */
export type NotRecorded =
  | Exclude<RecordedItems, { readonly kind: 'IN_MEMORY' | 'KEPT' }>
  | { readonly kind: 'LEFT_TRACE' | 'OLD_RECORD' };

const INSTEAD = 'Take another activation, or run the whole job again.';

const REASONS: Readonly<Record<NotRecorded['kind'], string>> = {
  LEFT_TRACE: `it is not in the job's trace any more. ${INSTEAD}`,
  TOO_LARGE:
    'it is too large: of a job that has ended up to 16,384 characters of one activation are kept, of one that runs ' +
    '1,048,576 can be. Run it again while the job runs, or take another activation.',
  NO_ROOM: `what is kept of a job's trace was full of newer items. ${INSTEAD}`,
  NOT_WRITABLE: `it is not plain data. ${INSTEAD}`,
  OLD_RECORD: `the server did not record items yet when it ended. ${INSTEAD}`,
};

/** An activation can't be run again: what it took was not recorded, or is not any more. */
export class NotRecordedError extends DomainError {
  readonly code = 'NOT_RECORDED';
  readonly reason: NotRecorded['kind'];

  constructor(jobId: string, activationId: number, why: NotRecorded) {
    const problem = why.kind === 'NOT_WRITABLE' ? ` ${why.problem}` : '';
    super(
      `What activation ${activationId} of job ${jobId} took is not recorded: ${REASONS[why.kind]}${problem}`,
    );
    this.reason = why.kind;
  }
}
