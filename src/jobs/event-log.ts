import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { Clock } from '../lib/clock.ts';
import { Deque } from '../lib/deque.ts';
import { DEFAULT_TENANT } from '../lib/identity.ts';
import { isKeptWithin } from '../lib/within.ts';
import type { JobEvent, JobHappening, OfJob } from '../pubsub/topics.ts';
import {
  type CursorNames,
  CursorWriter,
  findPlace,
  newCursorKey,
  readCursor,
} from './event-cursor.ts';
import { EventPlaces, type Hole, type LocatedCursor, nextRun } from './event-places.ts';
import type { EventStore, StoredEvent } from './event-store.ts';
import type { EventsOf, Gap, WantedEvents } from './job-stream-message.ts';

export interface EventLogOptions {
  readonly store: EventStore;
  readonly clock: Clock;
  /** Names this run of the server in cursors. */
  readonly epoch: string;
  /** How many events are held in memory for those who come back. Default 10,000. */
  readonly heldEvents?: number | undefined;
  /**
   * The most events that wait in memory to be stored. When there are more, because the database is slow or away, the
   * oldest are not stored. Default 60,000.
   */
  readonly maxUnstored?: number | undefined;
  /** Told of events that could not be stored. */
  readonly onFailure: (error: unknown) => void;
}

/** Events and gaps, in order. */
export interface EventPage {
  readonly messages: readonly (JobEvent | Gap)[];
  /** All there is up to this place is told by them. */
  readonly upTo: number;
}

/** The most events of a page. */
const PAGE = 500;
/** Of how many events at most those of some types are looked for at once. */
const LONGEST_SEARCH = 10_000;
/** How long events wait to be stored together, in milliseconds, and how many are stored as soon as they are there. */
const STORE_AFTER_MS = 250;
const STORE_AT_ONCE = 500;
/** The most events that one transaction stores. */
const LARGEST_BATCH = 2000;
/** How many runs of the server cursors may come from. */
const KNOWN_RUNS = 1000;
/** How long `close` may take to store what waits, in milliseconds. */
const CLOSE_LIMIT_MS = 3000;

/**
 * All that happened in the jobs of all tenants, in one order. Each event has a place, its *sequence*: whole numbers that go on when the
 * server is started again. The newest are in memory, the rest in the store.
 *
 * Invariant: an event that was told is in memory, on its way to the store (in the one batch that is being written), in
 * the store, removed from it, or in a hole; so a reader gets it or is told that it is gone. Memory ends before the
 * newest that are held only with what has been stored, or given up.
 */
export class EventLog {
  readonly #options: EventLogOptions;
  readonly #names: CursorNames;
  readonly #cursors: CursorWriter;
  readonly #heldEvents: number;
  readonly #maxInMemory: number;
  readonly #memory = new Deque<JobEvent>();
  #places = new EventPlaces([]);
  #runNumber = 0;
  #newest = 0;
  /** Whether there ever was an event of another tenant than those who belong to none. */
  #isShared = false;
  /** Up to this place nothing is left to be removed. */
  #trimmedTo = 0;
  /** The first event that was neither handed to the store nor given up. */
  #nextToStore = 1;
  /** The first event of the batch that is being written. */
  #writingFrom: number | undefined;
  #writing: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #isClosed = false;
  /** Kept when the page that was asked for last may be read from the store. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: EventLogOptions) {
    const { heldEvents = 10_000, maxUnstored = 60_000 } = options;
    this.#options = options;
    this.#names = { epoch: options.epoch, cursorKey: newCursorKey() };
    this.#cursors = new CursorWriter(this.#names);
    this.#heldEvents = heldEvents;
    this.#maxInMemory = Math.max(heldEvents, maxUnstored);
  }

  /**
   * Goes on where the run before ended. To be called once, before all else.
   * @throws StorageUnavailableError when the database can't be used
   */
  async open(): Promise<void> {
    const { store } = this.#options;
    const [runs, newestStored] = await Promise.all([store.readRuns(), store.readNewest()]);
    const run = nextRun(runs, newestStored, this.#names);
    await store.beginRun(run, run.number - KNOWN_RUNS);
    this.#places = new EventPlaces([...runs, run]);
    this.#runNumber = run.number;
    this.#isShared = run.isShared;
    this.#newest = run.firstSequence - 1;
    this.#nextToStore = run.firstSequence;
  }

  /** The place of the newest event. */
  get newest(): number {
    return this.#newest;
  }

  /** How many events are in memory. */
  get heldCount(): number {
    return this.#memory.length;
  }

  /** Adds what happened. It is stored soon. */
  append({ jobId, tenant, flowId }: OfJob, at: number, happening: JobHappening): JobEvent {
    const sequence = this.#newest + 1;
    const event = { jobId, tenant, flowId, at: Math.floor(at), sequence, ...happening };
    this.#newest = sequence;
    if (tenant !== DEFAULT_TENANT) this.#isShared = true;
    this.#memory.push(event);
    this.#makeRoom();
    this.#plan();
    return event;
  }

  /** Names a place for a tenant; each time anew, so that nobody sees whether something happened between two of them. */
  cursorAt(tenant: string, place: number): string {
    return this.#cursors.write(tenant, place, true);
  }

  /** Names the place of an event for its tenant: the same each time. */
  cursorOf({ tenant, sequence }: JobEvent): string {
    return this.#cursors.write(tenant, sequence, false);
  }

  /**
   * What a cursor of a tenant means; of one whose run is not known, the place before all that is left. `undefined` for
   * what is no cursor, or one that another tenant got.
   */
  locate(tenant: string, cursor: string): LocatedCursor | undefined {
    const read = readCursor(cursor);
    if (read === undefined) return undefined;
    const run = this.#places.findRun(read.epoch);
    const beforeAll = Math.min(this.#places.removedTo, this.#memoryFrom - 1);
    if (run === undefined) return { place: beforeAll, isCertain: false };
    const named = findPlace(run.cursorKey, tenant, read.name);
    if (named === undefined) return undefined;
    const located = this.#places.locate(run, named, this.#newest);
    return located.isCertain ? located : { ...located, place: Math.max(located.place, beforeAll) };
  }

  /**
   * Some of what comes after a place, from memory at once, else from the store; events of other jobs, and those that end
   * no job and are of other types, are left out, as far as that saves reading.
   * @throws StorageUnavailableError when the database can't be read now
   */
  read(wanted: WantedEvents, after: number): EventPage | Promise<EventPage> {
    const isInMemory = after >= this.#memoryFrom - 1;
    return isInMemory ? this.#readMemory(after) : this.#readStored(wanted, after);
  }

  /** Removes at most `limit` of the oldest events, so that only the newest `keep` are left; answers how many. */
  async trim(keep: number, limit: number): Promise<number> {
    const upTo = this.#newest - keep;
    if (upTo <= this.#trimmedTo) return 0;
    // Before they go: who reads them meanwhile sees that some may be missing.
    this.#places.noteRemoved(upTo);
    const { removedTo } = this.#places;
    const { number } = this.#run;
    const removed = await this.#options.store.remove(upTo, limit, { number, removedTo });
    if (removed < limit) this.#trimmedTo = upTo;
    return removed;
  }

  /** Is kept when all events so far are stored, or given up. */
  async flush(): Promise<void> {
    const upTo = this.#newest;
    while (this.#settledTo < upTo && !this.#isClosed) await this.#store();
  }

  /** Stores what waits, within a limit. What comes later is not stored. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock, store, onFailure } = this.#options;
    const isAllStored = await isKeptWithin(this.flush(), CLOSE_LIMIT_MS, clock);
    this.#isClosed = true;
    this.#cancelTimer?.();
    // What was told meanwhile may be lost, and the next run has to say so.
    if (!isAllStored || this.#settledTo < this.#newest || this.#runNumber === 0) return;
    const run = { ...this.#run, lastSequence: this.#newest };
    await store.endRun(run, CLOSE_LIMIT_MS).catch(onFailure);
  }

  get #run() {
    const { ownHoles: holes } = this.#places;
    return { number: this.#runNumber, holes, isShared: this.#isShared };
  }

  /** The first event in memory. */
  get #memoryFrom(): number {
    return this.#memory.peek()?.sequence ?? this.#newest + 1;
  }

  /** Events up to this place are stored, or given up. */
  get #settledTo(): number {
    return (this.#writingFrom ?? this.#nextToStore) - 1;
  }

  #readMemory(after: number): EventPage {
    const messages: JobEvent[] = [];
    for (let at = after + 1 - this.#memoryFrom; messages.length < PAGE; at++) {
      const event = this.#memory.at(at);
      if (event === undefined) break;
      messages.push(event);
    }
    return { messages, upTo: after + messages.length };
  }

  async #readStored({ which, types }: WantedEvents, after: number): Promise<EventPage> {
    while (this.#settledTo < this.#memoryFrom - 1) await this.#writing;
    // The end of a job ends a stream of that.
    const wanted = which.jobId === undefined ? types : undefined;
    const longest = wanted === undefined ? Number.POSITIVE_INFINITY : after + LONGEST_SEARCH;
    const before = Math.min(this.#memoryFrom - 1, longest);
    const range = { after, upTo: before, limit: PAGE };
    // Reading may block the event loop: one page a turn, however many wait for theirs.
    this.#turn = this.#turn.then(() => turnOfTheLoop());
    await this.#turn;
    const rows = await this.#options.store.read({ which, types: wanted }, range);
    const last = rows.length < PAGE ? before : (rows.at(-1)?.sequence ?? before);
    const goneTo = Math.min(this.#places.removedTo, before);
    const from = Math.max(after, goneTo);
    const upTo = Math.max(last, goneTo);
    const removed = { from: after, to: from, lostCount: this.#places.countBetween(after, from) };
    const holes = [...(from > after ? [removed] : []), ...this.#places.missingBetween(from, upTo)];
    const gaps = holes.map((hole) => this.#tellHole(which, hole));
    const events = rows.filter(({ sequence }) => sequence > from).map((row) => this.#toEvent(row));
    const messages = [...gaps, ...events].sort((a, b) => a.sequence - b.sequence);
    return { messages, upTo };
  }

  #tellHole(which: EventsOf, { from, to, lostCount }: Hole): Gap {
    return {
      ...which,
      type: 'GAP',
      at: this.#options.clock.now(),
      from,
      sequence: to,
      // They are of all tenants together.
      lostCount: this.#isShared ? undefined : lostCount,
    };
  }

  #toEvent({ details, ...common }: StoredEvent): JobEvent {
    // It was written from one.
    return { ...common, ...details } as JobEvent;
  }

  /** Lets go of what need not be in memory any more; of what can't be stored in time, too. */
  #makeRoom(): void {
    const memory = this.#memory;
    const settledTo = this.#settledTo;
    while (memory.length > this.#heldEvents && this.#memoryFrom <= settledTo) memory.shift();
    while (memory.length > this.#maxInMemory) {
      const { sequence = 0 } = memory.shift() ?? {};
      if (sequence < this.#nextToStore) continue;
      this.#places.noteHole(sequence - 1, sequence);
      this.#nextToStore = sequence + 1;
    }
  }

  /** Sees to it that what waits is stored, now or a little later. */
  #plan(): void {
    const waiting = this.#newest + 1 - this.#nextToStore;
    if (this.#writing !== undefined || this.#isClosed || waiting === 0) return;
    if (waiting >= STORE_AT_ONCE) void this.#store();
    else {
      this.#cancelTimer ??= this.#options.clock.setTimer(STORE_AFTER_MS, () => {
        this.#cancelTimer = undefined;
        void this.#store();
      });
    }
  }

  /** Is kept when the batch that is being written, or else the next one, is stored or given up. Never fails. */
  #store(): Promise<void> {
    this.#writing ??= this.#storeNext().finally(() => {
      this.#writing = undefined;
      this.#writingFrom = undefined;
      this.#makeRoom();
      this.#plan();
    });
    return this.#writing;
  }

  async #storeNext(): Promise<void> {
    const { store, onFailure } = this.#options;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const from = this.#nextToStore;
    const events: StoredEvent[] = [];
    for (let at = from - this.#memoryFrom; events.length < LARGEST_BATCH; at++) {
      const event = this.#memory.at(at);
      if (event === undefined) break;
      const { jobId, tenant, flowId, at: time, sequence, type, ...details } = event;
      events.push({ jobId, tenant, flowId, at: time, sequence, type, details });
    }
    this.#nextToStore = from + events.length;
    this.#writingFrom = from;
    try {
      await store.save(events, this.#run);
    } catch (error) {
      this.#places.noteHole(from - 1, from + events.length - 1);
      onFailure(error);
    }
  }
}
