import { onTestFinished } from 'vitest';
import {
  createJobEvents,
  type JobEventFilter,
  type JobEventsOptions,
} from '../../src/jobs/job-events.ts';
import { type JobStreamMessage, placeOf } from '../../src/jobs/job-stream-message.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { newId } from '../../src/lib/ids.ts';
import { createMemoryPubSub } from '../../src/pubsub/memory-pubsub.ts';
import type { JobHappening, Topics } from '../../src/pubsub/topics.ts';
import type { Database } from '../../src/storage/database.ts';
import { ManualClock } from '../support/manual-clock.ts';

const FLOWS = ['odd', 'even'] as const;

/**
 * The events of a database, as one run of the server has them. Nothing is stored but by `flush` and `close`, for time
 * stands still. One that is not closed was killed.
 */
export async function openEvents(database: Database, options: Partial<JobEventsOptions> = {}) {
  const clock = new ManualClock();
  const failures: unknown[] = [];
  const events = createJobEvents({
    database,
    clock,
    pubsub: createMemoryPubSub<Topics>((error) => failures.push(error)),
    host: { watch: () => undefined },
    epoch: newId(),
    onFailure: (error) => failures.push(error),
    ...options,
  });
  await events.open();
  onTestFinished(() => events.close());
  let told = 0;
  const mark = () => events.forTenant(DEFAULT_TENANT).mark();
  const subscribe = (
    { tenant = DEFAULT_TENANT, jobId, flowId, ...rest }: Filter & { readonly since: number },
    hasEnded = false,
  ) => {
    const job = jobId === undefined ? undefined : { id: jobId, tenant, flowId: flowId ?? '' };
    return events.forTenant(tenant).subscribe({ ...rest, flowId, job }, hasEnded);
  };
  return {
    record: events.record,
    forTenant: events.forTenant,
    subscribe,
    mark,
    /** Names a place for a tenant, in the words of this run. */
    cursorAt: (place: number | string, tenant = DEFAULT_TENANT) =>
      events.forTenant(tenant).cursorAt(place),
    flush: events.flush,
    trim: events.trim,
    close: events.close,
    clock,
    failures,
    get counts() {
      return events.counts;
    },
    /** Tells so many events of a tenant's jobs 0 to 3, in turn, which are of two flows; `STOP_EXPIRED` says its number. */
    tell(count: number, tenant = DEFAULT_TENANT) {
      for (let at = 0; at < count; at++) {
        told += 1;
        const job = told % 4;
        const happening: JobHappening =
          told % 3 === 0 ? { type: 'JOB_PAUSED' } : { type: 'STOP_EXPIRED', afterMs: told };
        const of = { jobId: `job ${job}`, tenant, flowId: FLOWS[job % 2] ?? '' };
        events.record(of, told, happening);
      }
    },
    /** All events there are now after a cursor; without one, after those there are. */
    async after(cursor: string | undefined, filter: Filter = {}) {
      return readAll(subscribe({ ...filter, after: cursor, since: mark() }, true));
    },
    /** A stream from now on, or from a cursor. */
    follow(filter: Filter & { readonly after?: string } = {}) {
      const stream = subscribe({ ...filter, since: mark() });
      onTestFinished(async () => void (await stream.return()));
      return stream;
    },
  };
}

/** Whose events of which jobs. */
interface Filter extends Pick<JobEventFilter, 'types' | 'after' | 'flowId'> {
  /** Default: that of those who belong to none. */
  readonly tenant?: string;
  readonly jobId?: string | undefined;
}

export async function readAll(stream: AsyncIterable<JobStreamMessage>) {
  const all: JobStreamMessage[] = [];
  for await (const message of stream) all.push(message);
  return all;
}

/** The next messages of a stream. */
export async function readSome(stream: AsyncIterator<JobStreamMessage>, count: number) {
  const some: JobStreamMessage[] = [];
  for (let at = 0; at < count; at++) {
    const { value, done } = await stream.next();
    if (done === true) break;
    some.push(value);
  }
  return some;
}

/** The numbers of events. */
export function placesOf(messages: readonly JobStreamMessage[]): readonly number[] {
  return messages.map((message) => Number(placeOf(message)));
}
