import {
  batchSize,
  createEngine,
  defineFlow,
  defineRoutine,
  type JobRun,
  SlotFullError,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { JobItems } from '../../src/debugger/job-items.ts';
import { JobVariables } from '../../src/debugger/job-variables.ts';
import { NotFoundError } from '../../src/lib/domain-error.ts';
import { countsOf, emits, keeps, passes, range, slotOf } from '../engine/parts.ts';
import { settle, until } from '../support/manual-clock.ts';
import { breakpoint, debug } from './debugging.ts';

const ALL = { offset: 0, limit: 100 };

/** Stopped before `middle` runs on 0, with 1 and 2 in its queue. */
async function stopped(at: { readonly kind: 'ROUTINE' | 'EVENT' } = { kind: 'ROUTINE' }) {
  const kept: unknown[] = [];
  const flow = defineFlow({ id: 'edited' }, (f) => {
    const middle = f.add('middle', passes<unknown>(), { slots: { item: { maxLength: 3 } } });
    f.connect(f.add('source', emits<unknown>(range(3))).events.item, middle.slots.item);
    f.connect(middle.events.item, f.add('end', keeps(kept)).slots.item);
  });
  const job = createEngine().start(flow, undefined);
  const event = at.kind === 'EVENT' ? { event: 'item' } : {};
  const debugged = debug(job, [breakpoint({ ...at, ...event, routineId: 'middle', isOnce: true })]);
  await until(() => job.state === 'PAUSED');
  await settle();
  return {
    job,
    debugged,
    items: new JobItems(debugged),
    variables: new JobVariables(debugged),
    kept,
  };
}

const inQueue = { routineId: 'middle', slot: 'item' };

async function finish(job: JobRun, debugged: ReturnType<typeof debug>) {
  debugged.continue();
  expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
}

describe('O2 edits while stopped', () => {
  test('an item that was taken is replaced; its id stays good', async () => {
    const { job, debugged, items, kept } = await stopped();
    const { activationId = 0 } = debugged.held[0] ?? {};
    const { items: taken, totalCount } = items.read({ activationId, of: 'inputs' }, ALL);
    expect(totalCount).toBe(1);
    expect(taken[0]).toMatchObject({
      place: 'TAKEN',
      port: 'item',
      emittedBy: 1,
      value: { text: '0' },
    });
    const { itemId = '' } = taken[0] ?? {};
    expect(items.replace(itemId, { a: 1 })).toMatchObject({
      before: { text: '0' },
      after: { text: '{"a":1}' },
    });
    expect(items.readOne(itemId)).toMatchObject({ value: { text: '{"a":1}' } });
    await finish(job, debugged);
    expect(kept).toEqual([{ a: 1 }, 1, 2]);
    expect(() => items.readOne(itemId)).toThrow(/COMPLETED/);
  });

  test('an item that waits is replaced, dropped, put in first and last; a full queue refuses', async () => {
    const { job, debugged, items, kept } = await stopped();
    const { items: waiting } = items.read(inQueue, ALL);
    expect(waiting.map(({ value }) => value.text)).toEqual(['1', '2']);
    const [one, two] = waiting.map(({ itemId }) => itemId);
    items.replace(one ?? '', 'one');
    items.drop(two ?? '');
    expect(() => items.drop(two ?? '')).toThrow(NotFoundError);
    items.inject(inQueue, 'first', true);
    items.inject(inQueue, 'last', false);
    expect(() => items.inject(inQueue, 'too many', false)).toThrow(SlotFullError);
    expect(() => items.inject({ ...inQueue, slot: 'itme' }, 1, false)).toThrow(
      /Did you mean "item"/,
    );
    expect(() => items.inject({ ...inQueue, routineId: 'midle' }, 1, false)).toThrow(/"middle"/);
    expect(items.read(inQueue, { offset: 1, limit: 1 }).items[0]?.value.text).toBe('"one"');
    await finish(job, debugged);
    expect(kept).toEqual([0, 'first', 'one', 'last']);
    expect(countsOf(slotOf(job, 'middle'))).toEqual({ accepted: 5, consumed: 4, discarded: 1 });
  });

  test('without its only item an activation is skipped; the stop goes on without it', async () => {
    const { job, debugged, items, kept } = await stopped();
    const { activationId = 0 } = debugged.held[0] ?? {};
    const [taken] = items.read({ activationId, of: 'inputs' }, ALL).items;
    items.drop(taken?.itemId ?? '');
    expect(debugged.stop).toMatchObject({ reason: 'BREAKPOINT', activationIds: [] });
    expect(() => items.read({ activationId, of: 'inputs' }, ALL)).toThrow(NotFoundError);
    await finish(job, debugged);
    expect(kept).toEqual([1, 2]);
    expect(job.routine('middle')).toMatchObject({ skipped: 1, completed: 2 });
  });

  test('what was emitted and kept back is replaced and dropped', async () => {
    for (const isDropped of [false, true]) {
      const { job, debugged, items, kept } = await stopped({ kind: 'EVENT' });
      const { activationId = 0 } = debugged.held[0] ?? {};
      const [emitted] = items.read({ activationId, of: 'outputs' }, ALL).items;
      expect(emitted).toMatchObject({ place: 'EMITTED', port: 'item', emittedBy: activationId });
      const { itemId = '' } = emitted ?? {};
      if (isDropped) items.drop(itemId);
      else {
        items.replace(itemId, 'other');
        expect(items.readOne(itemId).value.text).toBe('"other"');
      }
      await finish(job, debugged);
      expect(kept).toEqual(isDropped ? [1, 2] : ['other', 1, 2]);
    }
  });

  test('an id of an earlier stop is refused', async () => {
    const { job, debugged, items } = await stopped();
    const [waiting] = items.read(inQueue, ALL).items;
    debugged.continue('OVER');
    await until(() => job.state === 'PAUSED');
    expect(() => items.replace(waiting?.itemId ?? '', 1)).toThrow(/Read the items anew/);
    job.cancel();
    await job.settled;
  });
});

describe('O2 variables', () => {
  test('scopes of an activation, a routine, the job; secrets are masked', async () => {
    const config = {
      validate: (value: unknown) => ({ value }),
      vendor: 'test',
      version: 1 as const,
    };
    const type = defineRoutine({
      type: 'secretive',
      config: { '~standard': config } as never,
      secrets: ['key'],
      slots: { item: slot<number>() },
      state: () => ({ count: 0, list: [1, 2] }),
      run: ({ item }: { item: number }, ctx: { state: { count: number } }) => {
        ctx.state.count += item;
      },
    } as never);
    const flow = defineFlow({ id: 'scopes' }, (f) => {
      const end = f.add('end', type as never, { config: { key: 'hush', url: 'x' } } as never);
      f.connect(
        f.add('source', emits([5])).events.item,
        (end as never as { slots: { item: never } }).slots.item,
      );
    });
    const job = createEngine().start(flow, { of: 'job' } as never);
    const debugged = debug(job, [breakpoint({ kind: 'ROUTINE', routineId: 'end' })]);
    await until(() => job.state === 'PAUSED');
    const variables = new JobVariables(debugged);
    const { activationId } = debugged.held[0] ?? {};
    const where = { activationId };
    expect(variables.readScopes(where).map(({ name }) => name)).toEqual([
      'inputs',
      'config',
      'state',
      'data',
      'input',
    ]);
    expect(variables.readScopes({ routineId: 'end' })[0]).toMatchObject({ name: 'config' });
    expect(variables.readScopes({}).map(({ name }) => name)).toEqual(['data', 'input']);
    const masked = variables.readChildren({ ...where, scope: 'config', path: [] }, ALL);
    expect(masked).toMatchObject([
      { name: 'key', isSecret: true, canSet: false },
      { name: 'url', value: { text: '"x"' } },
    ]);
    expect(JSON.stringify(masked)).not.toContain('hush');
    expect(debugged.scope.maskedConfig(job.routine('end'))).not.toMatchObject({ key: 'hush' });
    expect(variables.set({ ...where, scope: 'state', path: ['count'] }, 10)).toMatchObject({
      before: { text: '0' },
      after: { text: '10' },
    });
    variables.set({ scope: 'data', path: ['new'] }, { by: 'hand' });
    variables.set({ ...where, scope: 'inputs', path: ['item'] }, 7);
    expect(() => variables.set({ ...where, scope: 'config', path: ['url'] }, 1)).toThrow(
      /only to be looked at/,
    );
    expect(() => variables.read({ ...where, scope: 'state', path: ['cuont'] })).toThrow(
      NotFoundError,
    );
    debugged.continue();
    await job.settled;
    expect(job.routine('end').state).toEqual({ count: 17, list: [1, 2] });
    expect(job.context.data.get('new')).toEqual({ by: 'hand' });
  });

  test('what is set in an input is set in this activation alone, though two slots share the object', async () => {
    const kept: unknown[] = [];
    const shared = { a: { b: 1 } };
    const flow = defineFlow({ id: 'shared' }, (f) => {
      const source = f.add('source', emits([shared, shared]));
      const gathers = defineRoutine({
        type: 'gathers',
        slots: { item: slot<unknown>() },
        policy: batchSize(2),
        run: ({ item }) => void kept.push(...item),
      });
      f.connect(source.events.item, f.add('left', gathers).slots.item);
      f.connect(source.events.item, f.add('right', keeps(kept)).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    const debugged = debug(job, [breakpoint({ kind: 'ROUTINE', routineId: 'left' })]);
    await until(() => job.state === 'PAUSED');
    const variables = new JobVariables(debugged);
    const { activationId } = debugged.held[0] ?? {};
    variables.set({ activationId, scope: 'inputs', path: ['item', 1, 'a', 'b'] }, 2);
    debugged.continue();
    await job.settled;
    expect(shared).toEqual({ a: { b: 1 } });
    expect(kept.map((each) => JSON.stringify(each)).sort()).toEqual([
      ...Array.from({ length: 3 }, () => '{"a":{"b":1}}'),
      '{"a":{"b":2}}',
    ]);
  });
});

test('O2 what is put in when remainders were handed over already is handed over as well', async () => {
  const batches: (readonly number[])[] = [];
  const flow = defineFlow({ id: 'flushed' }, (f) => {
    const gathers = defineRoutine({
      type: 'gathers',
      slots: { item: slot<number>() },
      policy: batchSize(10),
      run: ({ item }) => void batches.push(item),
    });
    const end = f.add('end', gathers);
    f.connect(f.add('source', emits(range(3))).events.item, end.slots.item);
  });
  const job = createEngine().start(flow, undefined);
  const debugged = debug(job, [breakpoint({ kind: 'ROUTINE', routineId: 'end', isOnce: true })]);
  await until(() => job.state === 'PAUSED');
  const items = new JobItems(debugged);
  items.inject({ routineId: 'end', slot: 'item' }, 42, false);
  debugged.continue();
  expect(await job.settled).toMatchObject({ state: 'COMPLETED' });
  expect(batches).toEqual([[0, 1, 2], [42]]);
});
