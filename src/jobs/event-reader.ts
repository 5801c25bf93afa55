import type { LiveStream, Placed } from '../lib/live-stream.ts';
import type { JobEvent } from '../pubsub/topics.ts';
import { StorageUnavailableError } from '../storage/database.ts';
import type { EventLog, EventPage } from './event-log.ts';
import {
  type EventsOf,
  type FellBehind,
  type Gap,
  type JobStreamMessage,
  LAST_EVENTS,
  placeOf,
  type StreamPlace,
  type WantedEvents,
} from './job-stream-message.ts';

export interface EventReaderParts extends WantedEvents {
  readonly log: EventLog;
  readonly now: () => number;
  /** Called when a reader begins; what it answers when that has ended, once. */
  readonly begin: (reader: EventReader) => () => void;
  /** Hands a reader's `push` every event of its jobs from now on, until the answer is called. */
  readonly listen: (reader: EventReader) => () => void;
}

/** Where a reader begins. */
export interface EventStart {
  /** It gets what comes after this place. */
  readonly place: number;
  /** What it gets before. */
  readonly first: readonly JobStreamMessage[];
  /** What to come back with as long as it got nothing. */
  readonly after: StreamPlace;
  /** Nothing comes after this place. Default: it ends with its job, or never. */
  readonly endsAt: number | undefined;
}

/** The most events that wait for a reader that is told of each as it happens. */
const MOST_WAITING = 512;

/**
 * - `REPLAYING`: there is something in the log that it has not read. It reads page by page, when it is asked for more.
 * - `LIVE`: it has everything there is; what happens is handed to it and waits until it is asked for. When too much
 *   waits, that is thrown away and the reader is replaying again: it is all in the log.
 * - `ENDING`: nothing comes any more; what waits is given.
 * - `ENDED`.
 */
type State = 'REPLAYING' | 'LIVE' | 'ENDING' | 'ENDED';

interface Waiter {
  readonly resolve: (result: IteratorResult<JobStreamMessage>) => void;
  readonly reject: (error: unknown) => void;
}

const DONE: IteratorResult<JobStreamMessage> = { value: undefined, done: true };

/** Reads events of one job, one flow or all of a tenant for one subscription. What it holds is bounded, however slowly it is read. */
export class EventReader implements LiveStream<JobStreamMessage> {
  readonly kind = 'events';
  readonly topic: string;
  readonly #parts: EventReaderParts;
  #endsAt: number | undefined;
  readonly #release: () => void;
  readonly #start: Pick<EventStart, 'place' | 'after'>;
  readonly #waiters: Waiter[] = [];
  #state: State = 'REPLAYING';
  #pending: JobStreamMessage[];
  /** How far it has read the log. */
  #readTo: number;
  #isReading = false;
  #stopListening: () => void = () => undefined;
  #place: number;
  /** What it was given last. */
  #after: StreamPlace;

  constructor(parts: EventReaderParts, { place, first, after, endsAt }: EventStart) {
    const { tenant, jobId, flowId } = parts.which;
    const types = parts.types && [...parts.types].sort();
    const name = [tenant, jobId ?? null, flowId ?? null, types ?? null];
    this.topic = `jobEvents ${JSON.stringify(name)}`;
    this.#parts = parts;
    this.#start = { place, after };
    this.#endsAt = endsAt;
    this.#pending = [...first];
    this.#readTo = place;
    this.#place = place;
    this.#after = after;
    this.#release = parts.begin(this);
    if (first.length === 0 && place >= parts.log.newest) this.#advance();
  }

  /** Which jobs it reads of. */
  get which(): EventsOf {
    return this.#parts.which;
  }

  get place(): number {
    return this.#place;
  }

  /** How many events wait for it in memory; at most 512 while they are handed to it, at most a page while it reads. */
  get waiting(): number {
    return this.#pending.length;
  }

  caughtUpAt(): number | undefined {
    while (this.#pending.length === 0 && this.#state === 'REPLAYING' && this.#advance());
    const isCaughtUp = this.#pending.length === 0 && this.#state === 'LIVE';
    return isCaughtUp ? this.#parts.log.newest : undefined;
  }

  fork(): EventReader {
    const fork = new EventReader(this.#parts, {
      place: this.#knownTo,
      first: this.#pending,
      after: this.#after,
      endsAt: this.#endsAt,
    });
    fork.#place = this.#place;
    if (this.#state === 'ENDING' || this.#state === 'ENDED') fork.#end();
    return fork;
  }

  fallBehind(): FellBehind {
    const { which, now } = this.#parts;
    // A later place than that of the last value, if nothing came between: it is held for longer.
    const isAllGiven = this.#pending.length === 0 && this.#state !== 'ENDING';
    const after = isAllGiven ? this.#knownTo : this.#after;
    return { ...which, type: 'FELL_BEHIND', at: now(), after };
  }

  takeWaiting(most: number): readonly Placed<JobStreamMessage>[] {
    return this.#pending.splice(0, most).map((value) => {
      this.#gave(value);
      return { value, place: this.#place };
    });
  }

  /** Takes an event of its jobs that has just happened. Only while it is live. */
  push(event: JobEvent): void {
    this.#take(event);
    if (this.#pending.length > MOST_WAITING && this.#state === 'LIVE') this.#replay();
    this.#give();
  }

  /** Its job was deleted: it gives what is left of that, and ends. */
  jobDeleted(): void {
    this.#endsAt ??= this.#parts.log.newest;
    if (this.#state === 'LIVE') this.#end();
    this.#give();
  }

  next(): Promise<IteratorResult<JobStreamMessage>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#give();
    });
  }

  return(): Promise<IteratorResult<JobStreamMessage>> {
    this.#pending = [];
    this.#end();
    this.#state = 'ENDED';
    this.#give();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** What comes up to this place was given, or is pending. */
  get #knownTo(): number {
    return this.#state === 'LIVE' ? this.#parts.log.newest : this.#readTo;
  }

  /** Answers those who wait, as far as that is possible now. */
  #give(): void {
    while (this.#waiters.length > 0) {
      const message = this.#pending.shift();
      if (message !== undefined) {
        this.#gave(message);
        this.#waiters.shift()?.resolve({ value: message, done: false });
      } else if (this.#state === 'ENDING' || this.#state === 'ENDED') {
        this.#state = 'ENDED';
        this.#waiters.shift()?.resolve(DONE);
      } else if (this.#state === 'LIVE' || !this.#advance()) return;
    }
  }

  #gave(message: JobStreamMessage): void {
    if (message.type !== 'FELL_BEHIND') this.#place = message.sequence;
    this.#after = placeOf(message);
  }

  /** Replaying: reads on, or becomes live when there is nothing left to read. False while a page is being read. */
  #advance(): boolean {
    const { log, listen } = this.#parts;
    if (this.#isReading) return false;
    if (this.#readTo >= (this.#endsAt ?? Number.POSITIVE_INFINITY)) {
      this.#end();
      return true;
    }
    if (this.#readTo >= log.newest) {
      this.#state = 'LIVE';
      this.#stopListening = listen(this);
      return true;
    }
    const page = log.read(this.#parts, this.#readTo);
    if (page instanceof Promise) {
      void this.#await(page);
      return false;
    }
    this.#takePage(page);
    return true;
  }

  async #await(reading: Promise<EventPage>): Promise<void> {
    this.#isReading = true;
    try {
      const page = await reading;
      if (this.#state === 'REPLAYING') this.#takePage(page);
    } catch (error) {
      this.#fail(error);
    }
    this.#isReading = false;
    this.#give();
  }

  /** While the database can't be read the reader is sent away with the place to come back to. */
  #fail(error: unknown): void {
    if (this.#state !== 'REPLAYING') return;
    if (error instanceof StorageUnavailableError) this.#pending.push(this.fallBehind());
    else this.#waiters.shift()?.reject(error);
    this.#end();
  }

  #takePage({ messages, upTo }: EventPage): void {
    this.#readTo = upTo;
    for (const message of messages) {
      if (this.#state !== 'REPLAYING') return;
      this.#take(message);
    }
  }

  #take(message: JobEvent | Gap): void {
    const { which, types } = this.#parts;
    if (message.type === 'GAP') {
      const { place, after } = this.#start;
      this.#pending.push(message.from === place ? { ...message, from: after } : message);
      return;
    }
    const isOurs =
      which.tenant === message.tenant &&
      (which.jobId ?? message.jobId) === message.jobId &&
      (which.flowId ?? message.flowId) === message.flowId;
    if (!isOurs) return;
    if (types?.has(message.type) ?? true) this.#pending.push(message);
    if (which.jobId !== undefined && LAST_EVENTS.has(message.type)) this.#end();
  }

  /** Lets go of what waits: it will be read from the log. */
  #replay(): void {
    const [first] = this.#pending;
    if (first === undefined || !('sequence' in first)) return;
    this.#readTo = first.sequence - 1;
    this.#pending = [];
    this.#state = 'REPLAYING';
    this.#stopListening();
  }

  /** Nothing comes any more: its source is freed. */
  #end(): void {
    if (this.#state === 'ENDING' || this.#state === 'ENDED') return;
    this.#state = 'ENDING';
    this.#stopListening();
    this.#release();
  }
}
