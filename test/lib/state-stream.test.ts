import { describe, expect, test } from 'vitest';
import { mapLiveStream } from '../../src/lib/live-stream.ts';
import { type StateSink, stateStream } from '../../src/lib/state-stream.ts';

type Level = readonly [name: string, level: number];

/** A source whose values a test pushes, and how many listen to it. */
function makeSource() {
  const sinks = new Set<StateSink<Level>>();
  let place = 0;
  const source = {
    topic: 'levels',
    keyOf: ([name]: Level) => name,
    listen: (sink: StateSink<Level>) => {
      sinks.add(sink);
      return () => void sinks.delete(sink);
    },
    placeNow: () => place,
  };
  return {
    source,
    get listening() {
      return sinks.size;
    },
    push(...level: Level) {
      place++;
      for (const sink of [...sinks]) sink.push(level, place);
    },
    end: () => {
      for (const sink of [...sinks]) sink.end();
    },
  };
}

const done = { value: undefined, done: true };
const value = (level: Level) => ({ value: level, done: false });

describe('a state stream', () => {
  test('holds the newest value of each key, with its place', async () => {
    const { source, push } = makeSource();
    const stream = stateStream(source);
    stream.begin([['a', 0]]);
    push('b', 1);
    push('a', 2);
    push('b', 3);
    expect(await stream.next()).toEqual(value(['a', 2]));
    expect(stream.place).toBe(2);
    expect(stream.caughtUpAt()).toBeUndefined();
    expect(await stream.next()).toEqual(value(['b', 3]));
    expect(stream.place).toBe(3);
    expect(stream.caughtUpAt()).toBe(3);
  });

  test('what came before the present state is not undone by it', async () => {
    const { source, push } = makeSource();
    const stream = stateStream(source);
    push('a', 2);
    stream.begin([
      ['a', 1],
      ['b', 1],
    ]);
    expect(await stream.next()).toEqual(value(['a', 2]));
    expect(await stream.next()).toEqual(value(['b', 1]));
  });

  test('has caught up only after the present state was read, if only with nothing', () => {
    const { source } = makeSource();
    const stream = stateStream(source);
    expect(stream.caughtUpAt()).toBeUndefined();
    stream.begin([]);
    expect(stream.caughtUpAt()).toBe(0);
    const { placeNow: _, ...own } = source;
    expect(stateStream(own).caughtUpAt()).toBeUndefined();
  });

  test('is at the place of its source, though what came there was not for it', async () => {
    const { source, push } = makeSource();
    push('a', 1);
    const stream = stateStream(source);
    stream.begin([]);
    expect(stream.caughtUpAt()).toBe(1);
  });

  test('a reader that waits gets what comes; leaving answers it and frees the source', async () => {
    const { source, push, ...made } = makeSource();
    const stream = stateStream(source);
    stream.begin([]);
    const first = stream.next();
    push('a', 1);
    expect(await first).toEqual(value(['a', 1]));
    expect(stream.place).toBe(1);
    const second = stream.next();
    expect(await stream.return()).toEqual(done);
    expect(await second).toEqual(done);
    expect(made).toMatchObject({ listening: 0 });
    expect(await stream.next()).toEqual(done);
  });

  test('its end comes after what waits', async () => {
    const feed = makeSource();
    const stream = stateStream(feed.source);
    stream.begin([['a', 1]]);
    feed.end();
    feed.push('a', 2);
    expect(await stream.next()).toEqual(value(['a', 1]));
    expect(await stream.next()).toEqual(done);
    expect(feed.listening).toBe(0);
  });
});

describe('a fork', () => {
  test('gives what the stream would give, and merges on its own', async () => {
    const feed = makeSource();
    const stream = stateStream(feed.source);
    stream.begin([
      ['a', 0],
      ['b', 0],
    ]);
    await stream.next();
    const fork = stream.fork();
    feed.push('a', 1);
    feed.push('a', 2);
    for (const each of [stream, fork]) {
      expect(await each.next()).toEqual(value(['b', 0]));
      expect(await each.next()).toEqual(value(['a', 2]));
      expect(each.caughtUpAt()).toBe(2);
    }
    await stream.return();
    expect(feed.listening).toBe(1);
    feed.push('b', 3);
    expect(await fork.next()).toEqual(value(['b', 3]));
    await fork.return();
    expect(feed.listening).toBe(0);
  });

  test('of one that has ended gives what waits, then ends', async () => {
    const feed = makeSource();
    const stream = stateStream(feed.source);
    stream.begin([['a', 0]]);
    feed.end();
    const fork = stream.fork();
    expect(await fork.next()).toEqual(value(['a', 0]));
    expect(await fork.next()).toEqual(done);
    expect(feed.listening).toBe(0);
  });
});

describe('a mapped stream', () => {
  test('leaves values out, ends with the last, and forks what it remembers', async () => {
    const feed = makeSource();
    const sum = (before: number) => {
      let total = before;
      const add = ([name, level]: Level) => {
        total += level;
        return name === 'silent' ? undefined : total;
      };
      return Object.assign(add, { fork: () => sum(total) });
    };
    const source = stateStream(feed.source);
    source.begin([['a', 1]]);
    const totals = mapLiveStream(source, sum(0), (total) => (total ?? 0) >= 100);
    expect(await totals.next()).toEqual({ value: 1, done: false });
    const fork = totals.fork();
    feed.push('silent', 10);
    feed.push('b', 5);
    for (const each of [totals, fork]) {
      expect(await each.next()).toEqual({ value: 16, done: false });
      expect([each.place, each.caughtUpAt()]).toEqual([2, 2]);
    }
    feed.push('a', 200);
    for (const each of [totals, fork]) {
      expect(await each.next()).toEqual({ value: 216, done: false });
      expect(await each.next()).toEqual(done);
    }
    expect(feed.listening).toBe(0);
  });

  test('is left when the change fails', async () => {
    const feed = makeSource();
    const source = stateStream(feed.source);
    source.begin([['a', 1]]);
    const broken = mapLiveStream(source, () => {
      throw new Error('no');
    });
    await expect(broken.next()).rejects.toThrow('no');
    expect(feed.listening).toBe(0);
  });
});
