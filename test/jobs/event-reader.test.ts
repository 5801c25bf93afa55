import { expect, onTestFinished, test } from 'vitest';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { openDatabase } from '../../src/storage/open-database.ts';
import { range } from '../engine/parts.ts';
import { settle } from '../support/manual-clock.ts';
import { openEvents, placesOf, readAll, readSome } from './told-events.ts';

const upTo = (from: number, to: number) => range(to - from).map((at) => from + 1 + at);

async function open(options: Parameters<typeof openEvents>[1] = {}) {
  const database = await openDatabase('sqlite::memory:');
  onTestFinished(() => database.close());
  return openEvents(database, options);
}

const NOBODY = { readers: 0, listening: 0 };

test('M9 a burst of 50,000 events in one tick: a slow reader gets each once, and little waits for it', async () => {
  const events = await open();
  const slow = events.follow();
  const other = events.follow({ jobId: 'job 1', flowId: 'even' });
  events.tell(50_000);
  expect(slow.waiting).toBeLessThanOrEqual(512);
  const places: number[] = [];
  let most = 0;
  while (places.length < 50_000) {
    places.push(...placesOf(await readSome(slow, 1)));
    most = Math.max(most, slow.waiting);
    if (places.length % 1000 === 0) await settle(1);
  }
  expect(most).toBeLessThanOrEqual(512);
  expect(places).toEqual(upTo(0, 50_000));
  expect(placesOf(await readSome(other, 12_500))).toEqual(range(12_500).map((at) => 1 + 4 * at));
  await events.flush();
  expect(events.counts.held).toBe(10_000);
  expect(events.failures).toEqual([]);
});

test('M9 20,000 events that nobody takes cost a reader nothing, and come from memory and database', async () => {
  const events = await open({ heldEvents: 1000 });
  const readers = range(50).map(() => events.follow({ flowId: 'odd' }));
  for (let at = 0; at < 20; at++) {
    events.tell(1000);
    await events.flush();
    for (const reader of readers) expect(reader.waiting).toBeLessThanOrEqual(512);
  }
  expect(events.counts).toMatchObject({ readers: 50, listening: 0, held: 1000 });
  const odd = upTo(0, 20_000).filter((place) => place % 2 === 0);
  for (const reader of readers.slice(0, 3)) {
    expect(placesOf(await readSome(reader, 10_000))).toEqual(odd);
  }
  events.tell(4);
  for (const reader of readers.slice(0, 3)) {
    expect(placesOf(await readSome(reader, 2))).toEqual([20_002, 20_004]);
  }
});

test('M9 reads that wait are answered as it happens, in order', async () => {
  const events = await open();
  const stream = events.follow();
  const reads = range(3).map(() => stream.next());
  events.tell(5);
  const results = await Promise.all(reads);
  expect(placesOf(results.map(({ value }) => value))).toEqual([1, 2, 3]);
  expect(placesOf(await readSome(stream, 2))).toEqual([4, 5]);
});

test('W4 two streams from one place give the same rest, wherever they part', async () => {
  const events = await open({ heldEvents: 50 });
  const all = events.follow({ types: ['STOP_EXPIRED'] });
  events.tell(3000); // more than waits for it: it reads the log
  await events.flush();
  await readSome(all, 700);
  const wanted = upTo(0, 3600).filter((place) => place % 3 !== 0);
  const forks = [all.fork()];
  for (const count of [200, 500, 600]) {
    await readSome(all, count);
    forks.push(all.fork());
  }
  expect(all.caughtUpAt()).toBe(3000);
  events.tell(600);
  forks.push(all.fork());
  for (const fork of forks) {
    expect(fork.topic).toBe(all.topic);
    const { place } = fork;
    const rest = wanted.filter((each) => each > place);
    expect(placesOf(await readSome(fork, rest.length))).toEqual(rest);
    expect(fork.caughtUpAt()).toBe(3600);
    await fork.return();
  }
  expect(placesOf(await readSome(all, 400))).toEqual(wanted.filter((place) => place > 3000));
});

test('W4 a fork before the first value is told the same gap', async () => {
  const events = await open();
  events.tell(10);
  const stream = events.follow({ after: 'other-3' });
  const fork = stream.fork();
  expect(fork.fallBehind()).toMatchObject({ after: 'other-3' });
  const [told, again] = [await readSome(stream, 11), await readSome(fork, 11)];
  expect(told[0]).toMatchObject({ type: 'GAP' });
  expect(again).toEqual(told);
});

test('W4 says up to where all has been given, and when something is still to be read', async () => {
  const events = await open({ heldEvents: 2 });
  const stream = events.follow({ jobId: 'job 1', flowId: 'even' });
  const after = events.cursorAt(stream.fallBehind().after);
  expect(stream.caughtUpAt()).toBe(0);
  events.tell(4);
  expect(stream.caughtUpAt()).toBeUndefined();
  expect(stream.place).toBe(0);
  await readSome(stream, 1);
  expect(stream.place).toBe(1);
  expect(stream.caughtUpAt()).toBe(4); // the others are not its own
  await events.flush();
  const later = events.follow({ after });
  expect(later.caughtUpAt()).toBeUndefined(); // the database is asked
  await readSome(later, 4);
  expect(later.caughtUpAt()).toBe(4);
});

test('O4 what a reader that is too slow is told last has the cursor to come back with', async () => {
  const events = await open();
  const stream = events.follow();
  events.tell(40);
  await readSome(stream, 30);
  const last = stream.fallBehind();
  expect(last.type).toBe('FELL_BEHIND');
  await stream.return();
  expect(placesOf(await events.after(events.cursorAt(last.after)))).toEqual(upTo(30, 40));
});

test('O4 that cursor is not old because nothing came for the reader for long', async () => {
  const events = await open({ heldEvents: 1 });
  const stream = events.follow({ jobId: 'rare', flowId: 'odd' });
  events.tell(100);
  await events.flush();
  const cursor = events.cursorAt(stream.fallBehind().after);
  while ((await events.trim(5, 1000)) > 0);
  expect(await events.after(cursor)).toEqual([]);
  // Nor is it told of a gap where it lost nothing.
  const rare = { jobId: 'rare', tenant: DEFAULT_TENANT, flowId: 'odd' };
  for (let at = 0; at < 600; at++) events.record(rare, 0, { type: 'JOB_PAUSED' });
  await events.flush();
  expect(placesOf(await readSome(stream, 600))).toEqual(upTo(100, 700));
});

test.each([
  ['idle', 0],
  ['with events that wait for it', 10],
  ['while it reads the log', 2000],
])('M9 leaving works at once and frees the source: %s', async (_, count) => {
  const events = await open({ heldEvents: 1 });
  const stream = events.follow({ types: ['JOB_PAUSED', 'LOG_WRITTEN'] });
  expect(events.counts).toMatchObject({ readers: 1, listening: 1 });
  events.tell(count);
  if (count > 1000) await events.flush();
  const next = count === 10 ? undefined : stream.next();
  expect(await stream.return()).toEqual({ value: undefined, done: true });
  expect(events.counts).toMatchObject(NOBODY);
  if (next !== undefined) expect(await next).toEqual({ value: undefined, done: true });
  events.tell(5);
  await settle();
  expect(await stream.next()).toEqual({ value: undefined, done: true });
  expect(stream.waiting).toBe(0);
});

test('M8 the stream of a job ends with the event that ends it, also when that is not wanted', async () => {
  const events = await open({ heldEvents: 5 });
  const which = { jobId: 'a', flowId: 'f' };
  const live = [events.follow(which), events.follow({ ...which, types: ['JOB_PAUSED'] })];
  const ofFlow = events.follow({ flowId: 'f' });
  const of = { ...which, tenant: DEFAULT_TENANT };
  const happen = (type: 'JOB_PAUSED' | 'JOB_RESUMED') => events.record(of, 0, { type });
  happen('JOB_PAUSED');
  happen('JOB_RESUMED');
  events.record(of, 0, { type: 'JOB_COMPLETED', durationMs: 1 });
  happen('JOB_PAUSED'); // of whatever comes later
  expect(events.counts.readers).toBe(1);
  const [all = [], paused = []] = await Promise.all(live.map(readAll));
  expect(placesOf(all)).toEqual([1, 2, 3]);
  expect(placesOf(paused)).toEqual([1]);
  expect(placesOf(await readSome(ofFlow, 4))).toEqual([1, 2, 3, 4]);
  events.tell(20);
  await events.flush();
  const later = events.follow({ ...which, after: events.cursorAt(1) });
  expect(placesOf(await readAll(later))).toEqual([2, 3]);
});

test('M8 O1 while the database can not be read, a reader that needs it is sent away with its cursor', async () => {
  const database = await openDatabase('sqlite::memory:');
  const events = await openEvents(database, { heldEvents: 1 });
  const stream = events.follow();
  const live = events.follow({ flowId: 'odd' });
  events.tell(2);
  await readSome(stream, 1);
  events.tell(1000);
  await events.flush();
  await readSome(live, 501);
  await database.close();
  const rest = await readAll(stream);
  expect(rest.at(-1)).toMatchObject({
    type: 'FELL_BEHIND',
    after: 1,
  });
  expect(events.counts.readers).toBe(1); // the other needs no database
});
