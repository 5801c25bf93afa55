import { everyValueChannel } from '../lib/channel.ts';
import type { Clock } from '../lib/clock.ts';
import { ValidationError } from '../lib/domain-error.ts';
import { cutText } from '../lib/preview.ts';
import { RingBuffer } from '../lib/ring-buffer.ts';
import type { JobReading } from '../monitoring/readings.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { JobEvent, JobHappening, Topics } from '../pubsub/topics.ts';
import { diffReadings } from './diff-readings.ts';
import type { HostedLogLine, JobHost } from './job-host.ts';

interface StreamMessageBase {
  readonly jobId: string;
  readonly flowId: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** Events between two cursors can't be told any more. */
export interface Gap extends StreamMessageBase {
  readonly type: 'GAP';
  /** The cursor that was given. */
  readonly from: string;
  /** The first event after this cursor is the next one told. */
  readonly to: string;
  /** How many events of all jobs are missing; `undefined` when that can't be known. */
  readonly lostCount: number | undefined;
}

/** The reader was too slow; its stream ends here. */
export interface FellBehind extends StreamMessageBase {
  readonly type: 'FELL_BEHIND';
  /** Where to begin again. */
  readonly cursor: string;
}

export type JobStreamMessage = JobEvent | Gap | FellBehind;

export interface JobEventsOptions {
  readonly pubsub: PubSub<Topics>;
  readonly host: JobHost;
  readonly clock: Clock;
  /** Names this run of the server in cursors. */
  readonly epoch: string;
  /** How many events are held for those who come back. Default 10,000. */
  readonly heldEvents?: number | undefined;
  /** How many events one reader may be behind. Default 512. */
  readonly maxBehind?: number | undefined;
}

export interface JobEventFilter {
  readonly jobId: string;
  readonly flowId: string;
  /** Default: all. */
  readonly types?: readonly JobStreamMessage['type'][] | undefined;
  /** Tell first what came after this cursor. */
  readonly after?: string | undefined;
  /** Answer of `mark`, called before the job was looked up: what has happened since is not missed. */
  readonly since: number;
}

/** Events that end the stream of a job. */
const LAST_EVENTS: ReadonlySet<JobStreamMessage['type']> = new Set([
  'JOB_COMPLETED',
  'JOB_FAILED',
  'JOB_CANCELLED',
]);

/** Events that are made only while somebody wants them: those merged from readings, and log lines. */
const EVENTS_ON_DEMAND: ReadonlySet<JobStreamMessage['type']> = new Set([
  'ROUTINE_STARTED',
  'ROUTINE_COMPLETED',
  'ROUTINE_FAILED',
  'ROUTINE_STATUS_CHANGED',
  'QUEUE_CHANGED',
  'PROGRESS_REPORTED',
  'LOG_WRITTEN',
  'LOG_POINT',
  'LOGS_SKIPPED',
]);

/** How often merged events are worked out, per second. */
const MERGE_RATE_HZ = 10;

/** The most log lines of a job that are told between two looks at it; the others are counted. */
const LOG_LINES_A_LOOK = 50;

/** Longer messages are cut, in characters. The log itself has them whole. */
const LONGEST_LOG_MESSAGE = 1000;

/** What is told of one job only while somebody wants it. */
interface Producer {
  readers: number;
  /** Log lines told, and not told, since the last look. */
  toldLines: number;
  skippedLines: number;
  readonly stop: () => void;
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

function writeCursor(epoch: string, sequence: number): string {
  return `${epoch}-${sequence}`;
}

function invalidCursor(cursor: string): ValidationError {
  const message = `"${cursor}" is not a cursor of these events. Use the cursor of an event you got.`;
  return new ValidationError([{ path: ['after'], message }]);
}

/** Puts what happens in jobs in one order, holds the newest of it, and tells it to those who subscribe. */
export function createJobEvents(options: JobEventsOptions) {
  const { pubsub, host, clock, epoch, heldEvents = 10_000, maxBehind = 512 } = options;
  const held = new RingBuffer<JobEvent>(heldEvents);
  /** Jobs of which somebody wants events that are made on demand. */
  const producers = new Map<string, Producer>();

  const record = (jobId: string, flowId: string, at: number, happening: JobHappening) => {
    const event = { jobId, flowId, at, epoch, sequence: held.pushed + 1, ...happening };
    held.push(event);
    pubsub.publish('jobEvent', event);
  };

  const produceMore = (jobId: string, flowId: string): (() => void) => {
    let producer = producers.get(jobId);
    if (producer === undefined) {
      const made: Producer = { readers: 0, toldLines: 0, skippedLines: 0, stop: () => stop() };
      let previous: JobReading | undefined;
      const look = (reading: JobReading) => {
        const happenings = previous === undefined ? [] : diffReadings(previous, reading);
        previous = reading;
        for (const happening of happenings) record(jobId, flowId, reading.at, happening);
        if (made.skippedLines > 0) {
          record(jobId, flowId, reading.at, { type: 'LOGS_SKIPPED', count: made.skippedLines });
        }
        made.toldLines = 0;
        made.skippedLines = 0;
      };
      const stop =
        host.watch(jobId, MERGE_RATE_HZ, { push: look, end: () => undefined }) ?? (() => undefined);
      producer = made;
      producers.set(jobId, made);
    }
    const own = producer;
    own.readers++;
    return () => {
      own.readers--;
      if (own.readers > 0) return;
      own.stop();
      producers.delete(jobId);
    };
  };

  const heldAfter = (sequence: number) => [...held].filter((event) => event.sequence > sequence);

  /** What is held after a cursor, with the gap before it, if there is one. */
  const replay = (after: string, base: StreamMessageBase) => {
    const [, cursorEpoch, digits] = /^(.+)-(\d{1,15})$/.exec(after) ?? [];
    if (cursorEpoch === undefined || digits === undefined) throw invalidCursor(after);
    const oldest = held.pushed - held.length; // sequence of the newest event that is gone
    const isOfThisEpoch = cursorEpoch === epoch;
    const sequence = isOfThisEpoch ? Number(digits) : 0;
    if (sequence > held.pushed) throw invalidCursor(after);
    const lostCount = isOfThisEpoch ? oldest - sequence : undefined;
    const gap: Gap | undefined =
      lostCount !== undefined && lostCount <= 0
        ? undefined
        : { ...base, type: 'GAP', from: after, to: writeCursor(epoch, oldest), lostCount };
    return { gap, events: heldAfter(sequence) };
  };

  return {
    record,

    /** Tells of a line that was written to the log, if somebody wants to know and it is not one too many. */
    recordLog({ jobId, flowId, at, routineId, level, message, breakpointId }: HostedLogLine) {
      const producer = producers.get(jobId);
      if (producer === undefined) return;
      if (producer.toldLines >= LOG_LINES_A_LOOK) {
        producer.skippedLines++;
        return;
      }
      producer.toldLines++;
      const text = cutText(message, LONGEST_LOG_MESSAGE);
      const line = { routineId, message: text };
      record(
        jobId,
        flowId,
        at,
        breakpointId === undefined
          ? { type: 'LOG_WRITTEN', level, ...line }
          : { type: 'LOG_POINT', breakpointId, ...line },
      );
    },

    /** The place of the newest event. */
    mark: () => held.pushed,

    /**
     * A stream of one job's events, in order. It ends after the event that ends the job.
     * @throws ValidationError when `after` is no cursor of these events
     */
    subscribe({ jobId, flowId, types, after, since }: JobEventFilter, hasEnded: boolean) {
      const base = { jobId, flowId, at: clock.now() };
      const isWanted = ({ type }: JobEvent) => types?.includes(type) ?? true;
      const { gap, events } =
        after === undefined ? { gap: undefined, events: heldAfter(since) } : replay(after, base);
      const past = events.filter((event) => event.jobId === jobId);
      const isOver = hasEnded || past.some(({ type }) => LAST_EVENTS.has(type));
      const first = [...(gap === undefined ? [] : [gap]), ...past.filter(isWanted)];
      const wantsMore = types?.some((type) => EVENTS_ON_DEMAND.has(type)) ?? true;
      const newest = first.at(-1);
      let lastCursor =
        newest === undefined ? (after ?? writeCursor(epoch, held.pushed)) : cursorOf(newest);

      return everyValueChannel<JobStreamMessage>(
        maxBehind,
        () => ({ ...base, at: clock.now(), type: 'FELL_BEHIND', cursor: lastCursor }),
        (sink) => {
          if (isOver) {
            sink.end();
            return () => undefined;
          }
          const stopListening = pubsub.subscribe('jobEvent', (event) => {
            if (event.jobId !== jobId) return;
            if (isWanted(event)) {
              sink.push(event);
              lastCursor = cursorOf(event);
            }
            if (LAST_EVENTS.has(event.type)) sink.end();
          });
          const stopProducing = wantsMore ? produceMore(jobId, flowId) : () => undefined;
          return () => {
            stopListening();
            stopProducing();
          };
        },
        first,
      );
    },
  };
}

export type JobEvents = ReturnType<typeof createJobEvents>;
