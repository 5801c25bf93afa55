/** What is published: it looks like the event that Millrace tells when a routine writes to the log. */
export interface Message {
  readonly type: 'LOG_WRITTEN';
  readonly cursor: string;
  readonly at: string;
  readonly jobId: string;
  readonly routineId: string;
  readonly level: string;
  readonly message: string;
}

/** Schema of the contenders that serve nothing else. */
export const TYPES = `
  type Event { type: String! cursor: String! at: String! jobId: ID! routineId: String! level: String! message: String! }
  type Query { version: String }
  type Subscription { jobEvents: Event! }
`;

/** Text of the log line; with it a frame has about 360 bytes. */
export const TEXT =
  'Read 128 articles, 3 of them twice, in 21 ms; the next page begins after the last.';

/** The subscription of those contenders. */
export const SUBSCRIPTION =
  'subscription Events { jobEvents { type cursor at jobId routineId level message } }';

/** The message of a number; cursors have the number at their end. */
export function makeMessage(sequence: number): Message {
  return {
    type: 'LOG_WRITTEN',
    cursor: `01a1f9f8-63ff-7237-9cf2-574000000000-${sequence}`,
    at: new Date().toISOString(),
    jobId: 'Job:01a1f9f8-63ff-7237-9cf2-574000000001',
    routineId: 'clean',
    level: 'INFO',
    message: TEXT,
  };
}

/** The frame's text, as every subscriber of the operation "1" gets it. */
export function writeFrameText(message: Message): string {
  return JSON.stringify({ id: '1', type: 'next', payload: { data: { jobEvents: message } } });
}
