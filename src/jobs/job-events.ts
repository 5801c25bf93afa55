import { NotFoundError, ValidationError } from '../lib/domain-error.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { JobHappening, OfJob, Topics } from '../pubsub/topics.ts';
import type { Database } from '../storage/database.ts';
import { Deletions } from './event-deletions.ts';
import { EventListeners } from './event-listeners.ts';
import { EventLog, type EventLogOptions } from './event-log.ts';
import { EVENTS_ON_DEMAND } from './event-production.ts';
import { EventProductions } from './event-productions.ts';
import { EventReader, type EventStart } from './event-reader.ts';
import { createEventStore } from './event-store.ts';
import type { Job } from './job.ts';
import type { HostedLogLine, JobHost } from './job-host.ts';
import {
  type EventsOf,
  type Gap,
  type JobStreamMessage,
  placeOf,
  type StreamPlace,
  type WantedEvents,
} from './job-stream-message.ts';

export interface JobEventsOptions extends Omit<EventLogOptions, 'store'> {
  readonly database: Database;
  readonly pubsub: PubSub<Topics>;
  readonly host: Pick<JobHost, 'watch'>;
}

/** The job whose events are wanted: one that was found for its tenant. */
export type JobOfEvents = Pick<Job, 'id' | 'tenant' | 'flowId'>;

export interface JobEventFilter {
  /** Only this job. */
  readonly job?: JobOfEvents | undefined;
  /** Only jobs of this flow. */
  readonly flowId?: string | undefined;
  /** Default: all. */
  readonly types?: readonly JobStreamMessage['type'][] | undefined;
  /** Tell first what came after this cursor. */
  readonly after?: string | undefined;
  /** Answer of `mark`, called before the job was looked up: what has happened since is not missed. */
  readonly since: number;
}

/** What one tenant is told of what happens in its jobs. */
export interface TenantJobEvents {
  /** The place of the newest event. */
  mark(): number;
  /**
   * Names a place: who gives it as `after` gets what comes behind it. Another text each time, of which nobody else can
   * make anything.
   */
  cursorAt(place: StreamPlace): string;
  /** Names the place of a message that this tenant is told; of an event, always in the same way. */
  cursorOf(message: JobStreamMessage): string;
  /**
   * A stream of the events of one job, of a flow's jobs, or of all, in order. That of one job ends after the event that
   * ends the job.
   * @param hasEnded whether it is of one job, and that has ended: the stream ends with what there is
   * @throws ValidationError when `after` is no cursor, or one that another tenant was told
   * @throws NotFoundError when the job is of another tenant
   */
  subscribe(filter: JobEventFilter, hasEnded?: boolean): EventReader;
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

/** Puts what happens in the jobs of all tenants in one order, keeps it, and tells each tenant of its own. */
export function createJobEvents(options: JobEventsOptions) {
  const { database, pubsub, host, clock, ...logOptions } = options;
  const log = new EventLog({ store: createEventStore(database), clock, ...logOptions });
  const listeners = new EventListeners();
  const readers = new Set<EventReader>();

  const record = (of: OfJob, at: number, happening: JobHappening) => {
    const event = log.append(of, at, happening);
    listeners.tell(event);
    pubsub.publish('jobEvent', event);
    productions.happened(of, happening.type);
  };
  const productions = new EventProductions({ host, clock, record });
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
            onDemand.length > 0 && mayHappen ? productions.want(which, onDemand) : () => undefined;
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

  const cursorAt = (tenant: string, place: StreamPlace) =>
    typeof place === 'string' ? place : log.cursorAt(tenant, place);

  /** @throws ValidationError for what is no cursor of the tenant */
  const findStart = (which: EventsOf, after: string): Omit<EventStart, 'endsAt'> => {
    const located = log.locate(which.tenant, after);
    if (located === undefined) {
      const message = `"${after}" is not a cursor of events. Use the cursor of an event you got.`;
      throw new ValidationError([{ path: ['after'], message }]);
    }
    const { place, isCertain } = located;
    if (isCertain) return { place, first: [], after };
    const gap: Gap = {
      ...which,
      type: 'GAP',
      at: clock.now(),
      from: after,
      sequence: place,
      lostCount: undefined,
    };
    return { place, first: [gap], after };
  };

  return {
    record,

    /** Tells of a line that was written to the log, if somebody wants to know and it is not one too many. */
    recordLog: (line: HostedLogLine) => productions.logged(line),

    /** Is called when a job is about to run, once the host knows it: what is made on demand of it begins now. */
    jobStarting: (of: OfJob) => productions.jobStarting(of),

    /** What one tenant is told. Cheap. */
    forTenant: (tenant: string): TenantJobEvents => ({
      mark: () => log.newest,
      cursorAt: (place) => cursorAt(tenant, place),
      cursorOf(message) {
        const isEvent = message.type !== 'GAP' && message.type !== 'FELL_BEHIND';
        return isEvent ? log.cursorOf(message) : cursorAt(tenant, placeOf(message));
      },
      subscribe({ job, flowId, types, after, since }, hasEnded = false) {
        if (job !== undefined && job.tenant !== tenant) throw new NotFoundError('Job', job.id);
        const which = { tenant, jobId: job?.id, flowId: job?.flowId ?? flowId };
        const fromNow = { place: since, first: [], after: since };
        const start = after === undefined ? fromNow : findStart(which, after);
        const endsAt = hasEnded ? log.newest : undefined;
        return read({ which, types: types && new Set(types) }, { ...start, endsAt });
      },
    }),

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
        producing: productions.count,
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
