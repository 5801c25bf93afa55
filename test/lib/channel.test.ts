import { describe, expect, test } from 'vitest';
import {
  type ChannelSink,
  everyValueChannel,
  keyChannel,
  latestValueChannel,
  mapChannel,
} from '../../src/lib/channel.ts';

/** What a test feeds a channel by, and how often its source was freed. */
function source<T>() {
  const state = { closed: 0, sink: undefined as ChannelSink<T> | undefined };
  return {
    state,
    open: (sink: ChannelSink<T>) => {
      state.sink = sink;
      return () => void state.closed++;
    },
    push: (...values: T[]) => {
      for (const value of values) state.sink?.push(value);
    },
    end: () => state.sink?.end(),
  };
}

async function read<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of stream) all.push(value);
  return all;
}

const done = { value: undefined, done: true };

describe.each([
  ['latestValueChannel', latestValueChannel<string>],
  ['keyChannel', keyChannel<string>],
  [
    'everyValueChannel',
    (open: (sink: ChannelSink<string>) => () => void) =>
      everyValueChannel<string>(10, () => 'too much', open),
  ],
] as const)('%s', (_name, make) => {
  test('leaving works at once while nothing comes, and frees the source once', async () => {
    const { open, state } = source<string>();
    const stream = make(open);
    const waiting = [stream.next(), stream.next()];
    expect(await stream.return()).toEqual(done);
    expect(await Promise.all(waiting)).toEqual([done, done]);
    await stream.return();
    expect(state.closed).toBe(1);
    expect(await stream.next()).toEqual(done);
  });

  test('what waits is read before the end; the source is freed once, at the end', async () => {
    const { open, state, push, end } = source<string>();
    const stream = make(open);
    push('a');
    end();
    end();
    push('late');
    expect(state.closed).toBe(1);
    expect(await read(stream)).toEqual(['a']);
    await stream.return();
    expect(state.closed).toBe(1);
  });

  test('who waits gets what comes; what comes after leaving is dropped', async () => {
    const { open, push } = source<string>();
    const stream = make(open);
    const next = stream.next();
    push('a');
    expect(await next).toEqual({ value: 'a', done: false });
    push('b');
    await stream.return();
    expect(await stream.next()).toEqual(done);
  });

  test('a source that ends while it is opened is freed', async () => {
    let closed = 0;
    const stream = make((sink) => {
      sink.push('only');
      sink.end();
      return () => void closed++;
    });
    expect(closed).toBe(1);
    expect(await read(stream)).toEqual(['only']);
  });
});

test('latestValueChannel keeps the newest value alone', async () => {
  const { open, push, end } = source<number | undefined>();
  const stream = latestValueChannel(open);
  push(1, 2, 3);
  expect((await stream.next()).value).toBe(3);
  push(4, undefined);
  end();
  expect(await read(stream)).toEqual([undefined]);
});

test('keyChannel holds each key once, in the order they first came', async () => {
  const { open, push, end } = source<string>();
  const stream = keyChannel(open);
  push('a', 'b', 'a');
  expect((await stream.next()).value).toBe('a');
  push('b', 'a');
  end();
  expect(await read(stream)).toEqual(['b', 'a']);
});

describe('everyValueChannel', () => {
  const make = (first: string[] = []) => {
    const { open, ...rest } = source<string>();
    return { ...rest, stream: everyValueChannel(2, (lost) => `lost ${lost}`, open, first) };
  };

  test('holds up to its limit, then tells what is lost and ends', async () => {
    const { stream, push, state } = make();
    push('a', 'b', 'c', 'd');
    expect(state.closed).toBe(1);
    expect(await read(stream)).toEqual(['a', 'b', 'lost c']);
  });

  test('what is given first comes first, and does not count against the limit', async () => {
    const { stream, push } = make(['1', '2', '3']);
    push('a', 'b', 'c');
    expect(await read(stream)).toEqual(['1', '2', '3', 'a', 'b', 'lost c']);
  });

  test('a reader that keeps up never falls behind', async () => {
    const { stream, push, end } = make();
    const all: string[] = [];
    for (let at = 0; at < 100; at++) {
      push(`${at}`);
      all.push((await stream.next()).value);
    }
    end();
    expect(all).toHaveLength(100);
    expect(await read(stream)).toEqual([]);
  });
});

describe('mapChannel', () => {
  test('changes values, leaves some out, and ends with its source', async () => {
    const { open, push, end } = source<string>();
    const stream = everyValueChannel<string>(10, String, open);
    push('a', 'skip', 'b');
    end();
    const mapped = mapChannel(stream, (value) => (value === 'skip' ? undefined : `${value}!`));
    expect(await read(mapped)).toEqual(['a!', 'b!']);
  });

  test('leaving leaves its source at once', async () => {
    const { open, state } = source<string>();
    const mapped = mapChannel(latestValueChannel(open), (value) => value);
    const next = mapped.next();
    await mapped.return?.();
    expect(await next).toEqual(done);
    expect(state.closed).toBe(1);
  });

  test('when the change fails, the reader gets the error and the source is left', async () => {
    const { open, push, state } = source<string>();
    const mapped = mapChannel(latestValueChannel(open), () => Promise.reject(new Error('no')));
    push('a');
    await expect(mapped.next()).rejects.toThrow('no');
    expect(state.closed).toBe(1);
    expect(await mapped.next()).toEqual(done);
  });
});
