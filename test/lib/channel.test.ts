import { describe, expect, test } from 'vitest';
import {
  type ChannelSink,
  latestValueChannel,
  mapChannel,
  queueChannel,
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
  ['queueChannel', queueChannel<string>],
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

test('queueChannel gives every value in order', async () => {
  const { open, push, end } = source<number>();
  const stream = queueChannel(open);
  push(1, 2, 3);
  expect((await stream.next()).value).toBe(1);
  push(4);
  end();
  expect(await read(stream)).toEqual([2, 3, 4]);
});

describe('mapChannel', () => {
  test('changes values, leaves some out, and ends with its source', async () => {
    const { open, push, end } = source<string>();
    const stream = queueChannel(open);
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
