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

/** A place in the order of events; or, as it was given, a cursor of which that is not known. */
export type StreamPlace = number | string;

/** Events between two cursors can't be told any more. */
export interface Gap extends NoticeBase {
  readonly type: 'GAP';
  /** What was told last; or the cursor that was given, where it can't be said what that was. */
  readonly from: StreamPlace;
  /** The first event after this place is the next one told. */
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
  /** What to begin after again. */
  readonly after: StreamPlace;
}

/** What a stream of events gives. */
export type JobStreamMessage = JobEvent | Gap | FellBehind;

/** Events that end the stream of a job. */
export const LAST_EVENTS: ReadonlySet<JobStreamMessage['type']> = new Set<JobEventType>([
  'JOB_COMPLETED',
  'JOB_FAILED',
  'JOB_CANCELLED',
]);

/** The place of a message in the stream: after it comes the next one. */
export function placeOf(message: JobStreamMessage): StreamPlace {
  return message.type === 'FELL_BEHIND' ? message.after : message.sequence;
}
