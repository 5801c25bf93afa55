import { ValidationError } from '../lib/domain-error.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { JobHappening, Topics } from '../pubsub/topics.ts';
import type { Database } from '../storage/database.ts';
import { Deletions } from './event-deletions.ts';
import { EventListeners } from './event-listeners.ts';
import { EventLog, type EventLogOptions } from './event-log.ts';
import { EVENTS_ON_DEMAND, EventProduction } from './event-production.ts';
import { EventReader, type EventStart } from './event-reader.ts';
import { createEventStore } from './event-store.ts';
import type { HostedLogLine, JobHost } from './job-host.ts';
import type { EventsOf, Gap, JobStreamMessage, WantedEvents } from './job-stream-message.ts';

export interface JobEventsOptions extends Omit<EventLogOptions, 'store'> {
  readonly database: Database;
  readonly pubsub: PubSub<Topics>;
  readonly host: Pick<JobHost, 'watch'>;
}

export interface JobEventFilter extends EventsOf {
  /** Default: all. */
  readonly types?: readonly JobStreamMessage['type'][] | undefined;
  /** Tell first what came after this cursor. */
  readonly after?: string | undefined;
  /** Answer of `mark`, called before the job was looked up: what has happened since is not missed. */
  readonly since: number;
}

/** How many there are now, for tests and those who watch the server. */
export interface JobEventCounts {
  /** Streams that are open. */
  readonly readers: number;
  /** Those of them that are told of events as they happen. */
  readonly listening: number;
  /** Jobs of which events are made on demand. */
  readonly producing: number;
  /** Events in memory. */
  readonly held: number;
}

/** Puts what happens in jobs in one order, keeps it, and tells it to those who subscribe. */
export function createJobEvents(options: JobEventsOptions) {
  const { database, pubsub, host, clock, ...logOptions } = options;
  const log = new EventLog({ store: createEventStore(database), clock, ...logOptions });
  const listeners = new EventListeners();
  const readers = new Set<EventReader>();

  const record = (jobId: string, flowId: string, at: number, happening: JobHappening) => {
    const event = log.append(jobId, flowId, at, happening);
    listeners.tell(event);
    pubsub.publish('jobEvent', event);
    production.happened(jobId, flowId, happening.type);
  };
  const production = new EventProduction({ host, clock, record });
  /** While there are readers of single jobs: the event that would end such a stream may be gone with the job. */
  const deletions = new Deletions(pubsub);

  const read = (wanted: WantedEvents, start: EventStart) => {
    const { which, types } = wanted;
    const onDemand = [...(types ?? EVENTS_ON_DEMAND)].filter((type) => EVENTS_ON_DEMAND.has(type));
    const mayHappen = start.endsAt === undefined;
    return new EventReader(
      {
        ...wanted,
        log,
        now: () => clock.now(),
        begin: (reader) => {
          readers.add(reader);
          const forget = deletions.watch(reader);
          const stop =
            onDemand.length > 0 && mayHappen ? production.want(which, onDemand) : () => undefined;
          return () => {
            readers.delete(reader);
            forget();
            stop();
          };
        },
        listen: (reader) => listeners.add(reader),
      },
      start,
    );
  };

  /** @throws ValidationError for what is no cursor */
  const findStart = (which: EventsOf, after: string): Omit<EventStart, 'endsAt'> => {
    const located = log.locate(after);
    if (located === undefined) {
      const message = `"${after}" is not a cursor of events. Use the cursor of an event you got.`;
      throw new ValidationError([{ path: ['after'], message }]);
    }
    const { place, isCertain } = located;
    if (isCertain) return { place, first: [], cursor: after };
    const gap: Gap = {
      ...which,
      type: 'GAP',
      at: clock.now(),
      from: after,
      to: log.cursorAt(place),
      sequence: place,
      lostCount: undefined,
    };
    return { place, first: [gap], cursor: after };
  };

  return {
    record,

    /** Tells of a line that was written to the log, if somebody wants to know and it is not one too many. */
    recordLog: (line: HostedLogLine) => production.logged(line),

    /** Is called when a job is about to run, once the host knows it: what is made on demand of it begins now. */
    jobStarting: (jobId: string, flowId: string) => production.jobStarting(jobId, flowId),

    /** The place of the newest event. */
    mark: () => log.newest,

    /** Names a place: who gives it as `after` gets what comes behind it. */
    cursorAt: (place: number) => log.cursorAt(place),

    /**
     * A stream of the events of one job, of a flow's jobs, or of all, in order. That of one job ends after the event that
     * ends the job.
     * @param hasEnded whether it is of one job, and that has ended: the stream ends with what there is
     * @throws ValidationError when `after` is no cursor
     */
    subscribe({ jobId, flowId, types, after, since }: JobEventFilter, hasEnded = false) {
      const which = { jobId, flowId };
      const fromNow = { place: since, first: [], cursor: log.cursorAt(since) };
      const start = after === undefined ? fromNow : findStart(which, after);
      const endsAt = hasEnded ? log.newest : undefined;
      return read({ which, types: types && new Set(types) }, { ...start, endsAt });
    },

    /** Goes on where the run before ended. To be called before anything is recorded. */
    open: () => log.open(),
    /** Is kept when all events so far are stored, or given up. */
    flush: () => log.flush(),
    /** Removes at most `limit` of the oldest events, so that only the newest `keep` are left; answers how many. */
    trim: (keep: number, limit: number) => log.trim(keep, limit),

    get counts(): JobEventCounts {
      return {
        readers: readers.size,
        listening: listeners.count,
        producing: production.count,
        held: log.heldCount,
      };
    },

    /** Ends all streams, and stores what waits, within a limit. */
    close(): Promise<void> {
      for (const reader of readers) void reader.return();
      return log.close();
    },
  };
}

export type JobEvents = ReturnType<typeof createJobEvents>;
