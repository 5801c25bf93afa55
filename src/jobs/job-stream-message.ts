import type { JobEvent, JobEventType } from '../pubsub/topics.ts';

/** Events of which jobs of a tenant: of one, of those of a flow, or of all. */
export interface EventsOf {
  readonly tenant: string;
  readonly jobId?: string | undefined;
  /** Of one job: its flow. */
  readonly flowId?: string | undefined;
}

/** Which events a reader gets. Gaps it always gets. */
export interface WantedEvents {
  readonly which: EventsOf;
  /** Default: all. */
  readonly types: ReadonlySet<string> | undefined;
}

interface NoticeBase extends EventsOf {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** Events between two cursors can't be told any more. */
export interface Gap extends NoticeBase {
  readonly type: 'GAP';
  /** The cursor of what was told last. */
  readonly from: string;
  /** The first event after this cursor is the next one told. */
  readonly to: string;
  /** The place that `to` names. */
  readonly sequence: number;
  /**
   * How many events are missing, of all jobs; `undefined` when that can't be known, and where it would tell of other
   * tenants.
   */
  readonly lostCount: number | undefined;
}

/** The reader was too slow; its stream ends here. */
export interface FellBehind extends NoticeBase {
  readonly type: 'FELL_BEHIND';
  /** Where to begin again. */
  readonly cursor: string;
}

/** What a stream of events gives. */
export type JobStreamMessage = JobEvent | Gap | FellBehind;

/** Events that end the stream of a job. */
export const LAST_EVENTS: ReadonlySet<JobStreamMessage['type']> = new Set<JobEventType>([
  'JOB_COMPLETED',
  'JOB_FAILED',
  'JOB_CANCELLED',
]);

/** Names a place in the order of events, for clients. */
export function writeCursor(epoch: string, sequence: number): string {
  return `${epoch}-${sequence}`;
}

/** What `writeCursor` was given; `undefined` for what is no cursor. */
export function readCursor(cursor: string): { epoch: string; sequence: number } | undefined {
  const [, epoch, digits] = /^(.+)-(\d{1,15})$/.exec(cursor) ?? [];
  if (epoch === undefined || digits === undefined) return undefined;
  return { epoch, sequence: Number(digits) };
}

/** The place of a message in the stream: `after` it comes the next one. */
export function cursorOf(message: JobStreamMessage): string {
  switch (message.type) {
    case 'GAP':
      return message.to;
    case 'FELL_BEHIND':
      return message.cursor;
    default:
      return writeCursor(message.epoch, message.sequence);
  }
}
