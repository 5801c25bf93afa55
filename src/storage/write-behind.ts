import type { Insertable } from 'kysely';
import { type CancelTimer, type Clock, systemClock } from '../lib/clock.ts';
import { Deque } from '../lib/deque.ts';
import { isKeptWithin } from '../lib/within.ts';
import { type Database, StorageUnavailableError } from './database.ts';
import type { Tables } from './tables.ts';
import { type TableRow, upsertRows } from './upsert-rows.ts';

/** What became of the rows handed to a write-behind buffer. */
export interface WriteBehindCounters {
  /** Rows that wait to be written. */
  readonly waiting: number;
  /** The most rows that may wait. */
  readonly limit: number;
  readonly written: number;
  /** Rows that were given up because the buffer was full, or the database would not take them. */
  readonly dropped: number;
}

/**
 * Takes rows that may be written a little later: traces, logs. They are written in batches. The buffer is bounded; what
 * does not fit because the database can't keep up, or can't be written, is dropped, oldest first, and counted. What is
 * in it when the process is killed is lost.
 */
export interface WriteBehind {
  /** Takes rows. One that is in the table already, by its key, is replaced. */
  add<Name extends keyof Tables>(table: Name, rows: readonly Insertable<Tables[Name]>[]): void;
  /** Writes what waits now; is kept when it is written or dropped. */
  flush(): Promise<void>;
  readonly counters: WriteBehindCounters;
  /** Flushes, within a limit, and takes no more. */
  close(): Promise<void>;
}

/** What a write-behind buffer holds, and when it writes. */
export interface WriteBehindOptions {
  /** The most rows that wait. Default 20,000. */
  readonly maxRows?: number;
  /** The most characters in the rows that wait, about. Default 16,000,000. */
  readonly maxCharacters?: number;
  /** How long a row waits for others, in milliseconds. Default 250. */
  readonly intervalMs?: number;
  /** How many rows are written as soon as they are there, and at once. Default 500. */
  readonly batchRows?: number;
  /** How long `close` may take to write what waits, in milliseconds. Default 5,000. */
  readonly closeTimeoutMs?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** Batches that are handed to the database side by side, to be committed together. */
const BATCHES_AT_ONCE = 4;
/** What a row takes besides its text, about, counted in characters. */
const ROW_CHARACTERS = 100;

/** Makes a buffer in front of a database. It is to be closed before the database is. */
export function createWriteBehind(database: Database, options?: WriteBehindOptions): WriteBehind {
  return new BufferedWriteBehind(database, options);
}

interface Waiting extends TableRow {
  /** Counts all that were ever added: what is behind in the buffer has the higher one. */
  readonly number: number;
  readonly characters: number;
}

/**
 * Rows wait in `#waiting`, oldest first. One flight at a time takes some from its front and keeps them in `#flight` until
 * each is written or given up. A flight starts when a batch is there, when the oldest row has waited for `intervalMs`, or
 * for a flush. While the database can't be written the flight stays in the air, and rows behind it are dropped for want
 * of room.
 */
class BufferedWriteBehind implements WriteBehind {
  readonly #database: Database;
  readonly #options: Required<WriteBehindOptions>;
  #waiting = new Deque<Waiting>();
  #characters = 0;
  #flight: readonly Waiting[] = [];
  #flying: Promise<void> | undefined;
  #cancelTimer: CancelTimer | undefined;
  #added = 0;
  #written = 0;
  #dropped = 0;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  constructor(database: Database, options: WriteBehindOptions = {}) {
    this.#database = database;
    this.#options = {
      maxRows: 20_000,
      maxCharacters: 16_000_000,
      intervalMs: 250,
      batchRows: 500,
      closeTimeoutMs: 5_000,
      clock: systemClock,
      ...options,
    };
  }

  get counters(): WriteBehindCounters {
    return {
      waiting: this.#waiting.length + this.#flight.length,
      limit: this.#options.maxRows,
      written: this.#written,
      dropped: this.#dropped,
    };
  }

  add<Name extends keyof Tables>(table: Name, rows: readonly Insertable<Tables[Name]>[]): void {
    if (this.#isClosed) {
      this.#dropped += rows.length;
      return;
    }
    for (const row of rows) this.#push({ table, row: row as TableRow['row'] }); // a row is columns by name
    this.#makeRoom();
    this.#plan();
  }

  async flush(): Promise<void> {
    const last = this.#added;
    while (!this.#isClosed && this.#oldestNumber() <= last) await this.#fly();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { clock, closeTimeoutMs } = this.#options;
    await isKeptWithin(this.flush(), closeTimeoutMs, clock);
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#dropped += this.#waiting.drain().length;
    this.#characters = 0;
  }

  #push({ table, row }: TableRow): void {
    let characters = ROW_CHARACTERS;
    for (const column in row) {
      const value = row[column];
      if (typeof value === 'string') characters += value.length;
    }
    this.#added += 1;
    this.#waiting.push({ table, row, number: this.#added, characters });
    this.#characters += characters;
  }

  #takeOldest(): Waiting | undefined {
    const row = this.#waiting.shift();
    if (row !== undefined) this.#characters -= row.characters;
    return row;
  }

  #makeRoom(): void {
    const { maxRows, maxCharacters } = this.#options;
    while (
      this.#waiting.length > 0 &&
      (this.#waiting.length + this.#flight.length > maxRows || this.#characters > maxCharacters)
    ) {
      this.#takeOldest();
      this.#dropped += 1;
    }
  }

  /** Sees to it that what waits is written, soon or a little later. */
  #plan(): void {
    if (this.#flying !== undefined || this.#isClosed || this.#waiting.length === 0) return;
    const { batchRows, intervalMs, clock } = this.#options;
    if (this.#waiting.length >= batchRows) void this.#fly();
    else {
      this.#cancelTimer ??= clock.setTimer(intervalMs, () => {
        this.#cancelTimer = undefined;
        void this.#fly();
      });
    }
  }

  #oldestNumber(): number {
    return this.#flight[0]?.number ?? this.#waiting.peek()?.number ?? Number.POSITIVE_INFINITY;
  }

  /** Is kept when the flight in the air, or else a new one, has ended. Never fails. */
  #fly(): Promise<void> {
    this.#flying ??= this.#writeSome().finally(() => {
      this.#flying = undefined;
      this.#flight = [];
      this.#plan();
    });
    return this.#flying;
  }

  async #writeSome(): Promise<void> {
    const { batchRows } = this.#options;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const flight: Waiting[] = [];
    while (flight.length < batchRows * BATCHES_AT_ONCE) {
      const row = this.#takeOldest();
      if (row === undefined) break;
      flight.push(row);
    }
    this.#flight = flight;
    const batches: Promise<void>[] = [];
    for (let at = 0; at < flight.length; at += batchRows) {
      batches.push(this.#write(flight.slice(at, at + batchRows)));
    }
    await Promise.all(batches);
  }

  async #write(rows: readonly Waiting[]): Promise<void> {
    const { capabilities } = this.#database;
    try {
      await this.#database.write(upsertRows(rows, capabilities));
      this.#written += rows.length;
    } catch (error) {
      if (rows.length === 1 || error instanceof StorageUnavailableError) {
        this.#dropped += rows.length;
        return;
      }
      // One of them is at fault: halves find it, and the others are written.
      const middle = Math.ceil(rows.length / 2);
      await this.#write(rows.slice(0, middle));
      await this.#write(rows.slice(middle));
    }
  }
}
