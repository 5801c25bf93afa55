import type { LiveStream, Placed } from './live-stream.ts';

/** What feeds a state stream. */
export interface StateSink<T> {
  /** Hands over a value. It takes the place of one with the same key that waits. After the end it does nothing. */
  push(value: T, place: number): void;
  /** Ends the stream, after what is still waiting in it was read. */
  end(): void;
}

/** Where the values of a state stream come from. */
export interface StateSource<T> {
  /** Names the source: streams of one topic give the same values. */
  readonly topic: string;
  /** What a value is about. */
  readonly keyOf: (value: T) => unknown;
  /** Hands values to the sink until the answer is called, which is done once. */
  readonly listen: (sink: StateSink<T>) => () => void;
  /**
   * Place of the newest value there was. To be left out where `listen` hands over the present value first: where it is
   * given the stream has to be told what is to be read first, by `begin`.
   */
  readonly placeNow?: () => number;
}

/** A live stream whose feeder decides how it begins. */
export interface StateStream<T> extends LiveStream<T> {
  /** Hands over the present state. What came since the stream was opened stays. */
  begin(values: readonly T[]): void;
}

/**
 * Makes a stream that holds at most one value for each key that was not read yet: a newer one takes its place. Who reads
 * slowly gets fewer, newer values.
 */
export function stateStream<T>(source: StateSource<T>): StateStream<T> {
  return new BufferedStateStream(source);
}

class BufferedStateStream<T> implements StateStream<T> {
  readonly kind = 'state';
  readonly #source: StateSource<T>;
  readonly #held: Map<unknown, Placed<T>>;
  #hasBegun: boolean;
  #hasEnded = false;
  /** Place of the newest value that came here. */
  #newest: number;
  #place: number;
  #stopListening: (() => void) | undefined;
  #reader: ((result: IteratorResult<T>) => void) | undefined;

  constructor(source: StateSource<T>, origin?: BufferedStateStream<T>) {
    this.#source = source;
    this.#held = new Map(origin?.held);
    this.#hasBegun = origin?.hasBegun ?? false;
    this.#newest = origin?.newest ?? source.placeNow?.() ?? 0;
    this.#place = origin?.place ?? this.#newest;
    const stopListening = source.listen({
      push: (value, place) => this.#push(value, place),
      end: () => this.end(),
    });
    if (this.#hasEnded) stopListening();
    else this.#stopListening = stopListening;
  }

  get topic(): string {
    return this.#source.topic;
  }

  get place(): number {
    return this.#place;
  }

  get held(): ReadonlyMap<unknown, Placed<T>> {
    return this.#held;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  get newest(): number {
    return this.#newest;
  }

  begin(values: readonly T[]): void {
    const place = this.#newest;
    for (const value of values) {
      if (!this.#held.has(this.#source.keyOf(value))) this.#push(value, place);
    }
    this.#hasBegun = true;
  }

  caughtUpAt(): number | undefined {
    if (this.#held.size > 0 || !this.#hasBegun) return undefined;
    return this.#source.placeNow?.() ?? this.#newest;
  }

  fork(): LiveStream<T> {
    const fork = new BufferedStateStream(this.#source, this);
    if (this.#hasEnded) fork.end();
    return fork;
  }

  next(): Promise<IteratorResult<T>> {
    for (const [key, { value, place }] of this.#held) {
      this.#held.delete(key);
      this.#place = place;
      return Promise.resolve({ value, done: false });
    }
    if (this.#hasEnded) return Promise.resolve(DONE);
    return new Promise((read) => {
      this.#reader = read;
    });
  }

  return(): Promise<IteratorResult<T>> {
    this.#held.clear();
    this.end();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stopListening?.();
    this.#takeReader()?.(DONE);
  }

  #push(value: T, place: number): void {
    if (this.#hasEnded) return;
    if (this.#source.placeNow === undefined) this.#hasBegun = true;
    this.#newest = place;
    const read = this.#takeReader();
    if (read === undefined) {
      this.#held.set(this.#source.keyOf(value), { value, place });
    } else {
      this.#place = place;
      read({ value, done: false });
    }
  }

  #takeReader(): ((result: IteratorResult<T>) => void) | undefined {
    const reader = this.#reader;
    this.#reader = undefined;
    return reader;
  }
}

const DONE: IteratorReturnResult<undefined> = { value: undefined, done: true };
