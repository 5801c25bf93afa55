import type { Clock } from '../lib/clock.ts';
import { isKeptWithin } from '../lib/within.ts';
import type { StoredKey } from './key-store.ts';

/** Reads keys by id. What is not there is left out. */
export type ReadKeys = (ids: readonly string[]) => Promise<ReadonlyMap<string, StoredKey>>;

/** What was read of an id, and when the read began. */
interface Found {
  readonly stored: StoredKey | undefined;
  readonly atMs: number;
}

interface Batch {
  readonly ids: Set<string>;
  readonly found: Promise<ReadonlyMap<string, Found>>;
}

/**
 * For how long what was read is taken for true, in milliseconds: so long may a key that was revoked elsewhere be good for.
 * It counts from the beginning of a read.
 */
export const REMEMBER_MS = 3_000;
/** Ids that are remembered, of keys that there are and of those there are not, each. */
export const MOST_REMEMBERED = 10_000;
/** Ids of one read. Those beyond it go with the next. */
const MOST_AT_ONCE = 500;
/** A read that takes longer keeps the next one waiting no more, in milliseconds. */
const SLOW_MS = 2_000;

/**
 * Finds keys by id. What was found is remembered for a moment, ids that nothing has among it, and one read at a time is
 * under way: those who ask meanwhile share the next. So a flood of ids that somebody made up is a few reads, in which
 * good keys have their place, and can't drive those out of memory. What only depends on secrets is not remembered here.
 */
export class KeyLookup {
  readonly #read: ReadKeys;
  readonly #clock: Clock;
  /** Each in the order they were read. */
  readonly #known = new Map<string, Found>();
  readonly #unknown = new Map<string, Found>();
  /** Those that have not begun, in order. */
  readonly #batches: Batch[] = [];
  #last: Promise<unknown> = Promise.resolve();
  /** How often something was forgotten. */
  #forgets = 0;

  constructor(read: ReadKeys, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  /** How many ids are remembered. */
  get remembered(): number {
    return this.#known.size + this.#unknown.size;
  }

  /** @throws whatever the read does */
  async find(id: string): Promise<StoredKey | undefined> {
    const found = this.#known.get(id) ?? this.#unknown.get(id);
    if (found !== undefined && this.#clock.monotonicMs() - found.atMs < REMEMBER_MS) {
      return found.stored;
    }
    const read = await this.#batchFor(id).found;
    return read.get(id)?.stored;
  }

  /** Forgets what was read of an id, and what is being read of it; it may have changed. */
  forget(id: string): void {
    this.#forgets++;
    this.#drop(id);
  }

  #drop(id: string): void {
    this.#known.delete(id);
    this.#unknown.delete(id);
  }

  #batchFor(id: string): Batch {
    const open = this.#batches.find(({ ids }) => ids.has(id) || ids.size < MOST_AT_ONCE);
    if (open !== undefined) {
      open.ids.add(id);
      return open;
    }
    const ids = new Set([id]);
    const found = this.#last.then(() => this.#readBatch(ids));
    this.#last = isKeptWithin(found, SLOW_MS, this.#clock).catch(() => undefined);
    const batch = { ids, found };
    this.#batches.push(batch);
    return batch;
  }

  async #readBatch(ids: ReadonlySet<string>): Promise<ReadonlyMap<string, Found>> {
    // From here on nobody joins it: what is asked for later must not be answered by an earlier read.
    this.#batches.shift();
    const atMs = this.#clock.monotonicMs();
    const forgets = this.#forgets;
    const rows = await this.#read([...ids]);
    const found = new Map([...ids].map((id) => [id, { stored: rows.get(id), atMs }]));
    // What was forgotten meanwhile may be among it as it was before. It is read again when it is asked for.
    if (forgets === this.#forgets) for (const [id, each] of found) this.#remember(id, each);
    return found;
  }

  #remember(id: string, found: Found): void {
    this.#drop(id);
    const place = found.stored === undefined ? this.#unknown : this.#known;
    place.set(id, found);
    if (place.size <= MOST_REMEMBERED) return;
    const [oldest] = place.keys();
    if (oldest !== undefined) place.delete(oldest);
  }
}
