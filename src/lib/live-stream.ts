/**
 * A stream of what changes or happens, of which several may be open at once on the same source, each with a buffer of its
 * own. It is read by one reader, who may leave it for another stream of the same topic, or part it in two, without losing
 * or repeating anything: that is how many who watch the same come to share one stream.
 *
 * Values of a topic have *places*, numbers that grow. Streams of one topic that are open at the same time give the same
 * values after the same place, but for merging.
 */
export interface LiveStream<T> extends AsyncIterableIterator<T> {
  /**
   * What a reader who can't keep up is to get. `state`: fewer, newer values; those that wait are merged. `events`: every
   * value in order, or to be told that it is too slow (`fallBehind`).
   */
  readonly kind: 'state' | 'events';
  /** Names the source, with all that decides which of its values are given. */
  readonly topic: string;
  /**
   * Whether its values tell what changed since the value before. Two such streams give the same after a place only when
   * both have given a value of that place.
   */
  readonly tellsChanges?: boolean;
  /** Place of the value that `next` gave last; before the first, where the stream began. */
  readonly place: number;
  /**
   * The place up to which all there is has been given; `undefined` while something is still to be read, such as the present
   * state. Not to be asked while a `next` is pending.
   */
  caughtUpAt(): number | undefined;
  /**
   * Another stream that gives what this one would give after `place`. Not to be called while a `next` is pending. This
   * stream goes on as it would have.
   */
  fork(): LiveStream<T>;
  /** Events only: the last value for a reader that was given everything up to `place`, and is too slow for more. */
  fallBehind?(): T;
  /**
   * Reads at most `most` of the values that wait in memory, in order, and waits for none. Not to be called while a `next` is
   * pending.
   */
  takeWaiting?(most: number): readonly Placed<T>[];
  /** Leaves the stream at once, also while a `next` is pending, and frees its source. */
  return(): Promise<IteratorResult<T>>;
}

/** A value with its place. */
export interface Placed<T> {
  readonly value: T;
  readonly place: number;
}

/** Whether a stream is one that readers may share. */
export function isLiveStream<T>(stream: AsyncIterable<T>): stream is LiveStream<T> {
  return 'caughtUpAt' in stream;
}

/** Makes of a value what readers get; `undefined` leaves it out. */
export interface Change<T, U> {
  (value: T): U | undefined | Promise<U | undefined>;
  /** For one that remembers values: another that remembers the same. */
  readonly fork?: () => Change<T, U>;
}

/**
 * The same stream with each value changed, or left out. Leaves as its source does; when `change` fails, the reader gets
 * the error and the source is left. One of the events kind loses `fallBehind`.
 * @param isLast whether the stream ends with what `change` made; default: it ends as its source does
 */
export function mapLiveStream<T, U>(
  source: LiveStream<T>,
  change: Change<T, U>,
  isLast: (value: U | undefined) => boolean = () => false,
): LiveStream<U> {
  return {
    kind: source.kind,
    topic: source.topic,
    tellsChanges: change.fork !== undefined || source.tellsChanges === true,
    get place() {
      return source.place;
    },
    caughtUpAt: () => source.caughtUpAt(),
    fork: () => mapLiveStream(source.fork(), change.fork?.() ?? change, isLast),
    async next() {
      for (;;) {
        const result = await source.next();
        if (result.done === true) return { value: undefined, done: true };
        try {
          const value = await change(result.value);
          if (isLast(value)) await source.return();
          if (value !== undefined) return { value, done: false };
        } catch (error) {
          await source.return();
          throw error;
        }
      }
    },
    async return() {
      await source.return();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
