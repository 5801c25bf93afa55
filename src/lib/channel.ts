/**
 * A stream that one reader takes from, written by hand rather than as an async generator: leaving it works at
 * once, also while nothing comes, and frees its source then.
 */
export interface Channel<T> extends AsyncIterableIterator<T> {
  /** Leaves the stream: what waits in it is discarded, and reads that wait are answered with its end. */
  return(): Promise<IteratorResult<T>>;
}

/** What feeds a channel. */
export interface ChannelSink<T> {
  /** Hands over a value. After the end it does nothing. */
  push(value: T): void;
  /** Ends the stream, after what is still waiting in it was read. */
  end(): void;
}

interface Buffer<T> {
  readonly length: number;
  push(value: T): void;
  shift(): T | undefined;
}

/**
 * Makes a stream that holds at most one value that was not read yet: a newer one takes its place. A slow reader
 * sees fewer, newer values.
 * @param open is called at once; what it returns frees the source and is called exactly once, when the reader
 *   leaves or the stream ends
 */
export function latestValueChannel<T>(open: (sink: ChannelSink<T>) => () => void): Channel<T> {
  let held: { readonly value: T } | undefined;
  return channel(open, {
    get length() {
      return held === undefined ? 0 : 1;
    },
    push(value) {
      held = { value };
    },
    shift() {
      const value = held?.value;
      held = undefined;
      return value;
    },
  });
}

/** Makes a stream that gives every value, in order. How many may wait is up to who feeds it. */
export function queueChannel<T>(open: (sink: ChannelSink<T>) => () => void): Channel<T> {
  return channel(open, []);
}

function channel<T>(open: (sink: ChannelSink<T>) => () => void, buffer: Buffer<T>): Channel<T> {
  let hasEnded = false;
  let close: (() => void) | undefined;
  const readers: ((result: IteratorResult<T>) => void)[] = [];
  const done: IteratorResult<T> = { value: undefined, done: true };

  const end = () => {
    if (hasEnded) return;
    hasEnded = true;
    close?.();
    for (const read of readers.splice(0)) read(done);
  };
  close = open({
    push(value) {
      if (hasEnded) return;
      const reader = readers.shift();
      if (reader === undefined) buffer.push(value);
      else reader({ value, done: false });
    },
    end,
  });
  if (hasEnded) close(); // the source ended while it was being opened

  return {
    next() {
      // The buffer holds T; `undefined` can only be a value of T while its length is above 0.
      if (buffer.length > 0) return Promise.resolve({ value: buffer.shift() as T, done: false });
      if (hasEnded) return Promise.resolve(done);
      return new Promise((read) => readers.push(read));
    },
    return() {
      while (buffer.length > 0) buffer.shift();
      end();
      return Promise.resolve(done);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/**
 * The same stream with each value changed, or left out where `change` answers `undefined`. Leaves as its source does;
 * when `change` fails, the reader gets the error and the source is left.
 */
export function mapChannel<T, U>(
  source: AsyncIterableIterator<T>,
  change: (value: T) => U | undefined | Promise<U | undefined>,
): AsyncIterableIterator<U> {
  return {
    async next() {
      for (;;) {
        const result = await source.next();
        if (result.done === true) return { value: undefined, done: true };
        try {
          const value = await change(result.value);
          if (value !== undefined) return { value, done: false };
        } catch (error) {
          await source.return?.();
          throw error;
        }
      }
    },
    async return() {
      await source.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
