import { createEngine, defineFlow } from 'millrace/engine';
import { expect, test } from 'vitest';
import {
  createItemRecorder,
  type RecordedItem,
  readItems,
  writeItems,
} from '../../src/jobs/recorded-items.ts';
import { JobMonitor } from '../../src/monitoring/job-monitor.ts';
import { emits, keeps, range } from '../engine/parts.ts';

const itemsOf = (...values: unknown[]): RecordedItem[] =>
  values.map((value, at) => ({ slot: `slot ${at}`, value }));

test('items are read as they were written', () => {
  const shared = { text: 'a "quoted" \0 \ud800 text' };
  const items = itemsOf(
    null,
    undefined,
    -0,
    Number.NaN,
    10n,
    shared,
    shared,
    new Date(5),
    new Map([[{ key: 1 }, new Set([1])]]),
    Buffer.from('bytes'),
    [1, [2, { three: 3 }]],
  );
  const written = writeItems(items, 10_000);
  if (written.kind !== 'KEPT') throw new Error(JSON.stringify(written));
  const read = readItems(written.text);
  expect(read).toEqual(items);
  expect(read[5]?.value).toBe(read[6]?.value);
  expect(read[5]?.value).not.toBe(shared);
});

test('text is never longer than it may be, and is as long as it may be', () => {
  const most = 1_000;
  for (const length of range(200, 800)) {
    for (const letter of ['x', '"', '\0']) {
      const written = writeItems(itemsOf(letter.repeat(length)), most);
      if (written.kind === 'KEPT') expect(written.text.length).toBeLessThanOrEqual(most);
    }
  }
  expect(writeItems(itemsOf('x'.repeat(900)), most).kind).toBe('KEPT');
  expect(writeItems(itemsOf('x'.repeat(1_000)), most).kind).toBe('TOO_LARGE');
});

test('what is far too large is not gone through to find that out', () => {
  let looks = 0;
  const counted = (value: object) =>
    new Proxy(value, {
      get(target, key, receiver) {
        looks++;
        return Reflect.get(target, key, receiver);
      },
      getOwnPropertyDescriptor(target, key) {
        looks++;
        return Reflect.getOwnPropertyDescriptor(target, key);
      },
    });
  const list = counted(new Array(1_000_000).fill(1));
  expect(writeItems(itemsOf(list), 16_384).kind).not.toBe('KEPT');
  expect(looks).toBeLessThan(10_000);
  expect(writeItems(itemsOf(Buffer.alloc(100_000_000)), 16_384).kind).toBe('TOO_LARGE');
  expect(writeItems(itemsOf('x'.repeat(100_000_000)), 16_384).kind).toBe('TOO_LARGE');
});

test('what can not be written is told, with its place', () => {
  class Account {
    readonly owner = 'ann';
  }
  expect(writeItems(itemsOf(1, { deep: [() => 1] }), 1_000)).toEqual({
    kind: 'NOT_WRITABLE',
    problem: expect.stringMatching(/^An item in slot "slot 1", at \.deep\[0\], can't be written/),
  });
  expect(writeItems(itemsOf(new Account()), 1_000)).toMatchObject({ kind: 'NOT_WRITABLE' });
  const angry = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('no');
      },
    },
  );
  expect(writeItems(itemsOf(angry), 1_000)).toMatchObject({ kind: 'NOT_WRITABLE' });
});

test('a recorder keeps the newest within its room, and gives up on what is all too large', async () => {
  const kindsOf = async (make: (at: number) => unknown) => {
    const flow = defineFlow({ id: 'many' }, (f) => {
      const source = f.add('source', emits(range(100).map(make)));
      f.connect(source.events.item, f.add('end', keeps<unknown>([])).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    const monitor = new JobMonitor(job);
    await job.settled;
    const { records } = monitor.keepTrace(262_144, createItemRecorder(32_768));
    const ends = records.filter(({ routineId }) => routineId === 'end');
    return ends.map(({ recorded }) => recorded?.kind);
  };
  const fitting = await kindsOf((at) => `${at}${'x'.repeat(1_000)}`);
  expect(fitting.lastIndexOf('NO_ROOM')).toBe(fitting.indexOf('KEPT') - 1);
  expect(fitting.filter((kind) => kind === 'KEPT').length).toBeGreaterThan(25);
  const large = await kindsOf(() => 'x'.repeat(20_000));
  expect(large.slice(-8)).toEqual(Array(8).fill('TOO_LARGE'));
  expect(large.slice(0, -8)).toEqual(Array(92).fill('NO_ROOM'));
});
