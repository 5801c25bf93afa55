import { describe, expect, test } from 'vitest';
import { ended, openApp, until } from '../api/api.ts';
import { Gate, range } from '../engine/parts.ts';
import { AT_MIDDLE, inStatus, numbers, outputOf, start } from './debugged.ts';
import { makePlace } from './place.ts';

const of = (jobId: string) => ({ jobId, actor: undefined });

describe('O2 while the server is on its way out', () => {
  /** A stopped job, in an app that is being closed and waits for the code of another. */
  const openLeaving = async () => {
    const { url: database } = await makePlace();
    const gate = new Gate();
    const flows = [{ ...numbers(2), onCrash: 'fail' as const }, numbers(1, 'slow', gate.pass)];
    const first = await openApp({ flows, database, closeGraceMs: 60_000 });
    const slow = await start(first, 'slow');
    await until(() => gate.waiting === 1);
    const id = await start(first, 'numbers', { breakpoints: [AT_MIDDLE] });
    const { frames } = await inStatus(first, id, 'STOPPED');
    const { activationId = 0 } = frames[0] ?? {};
    const page = { offset: 0, limit: 1 };
    const inputs = { activationId, of: 'inputs' } as const;
    const { items } = await first.createContext().debug.readItems(id, inputs, page);
    const { itemId = '' } = items[0] ?? {};
    const closed = first.close();
    const leave = async () => {
      gate.openAll();
      await closed;
      return openApp({ flows, database });
    };
    return { first, id, slow, itemId, leave };
  };

  test('edits are refused, and the job goes on elsewhere as it was', async () => {
    const { first, id, itemId, leave } = await openLeaving();
    const { debug } = first.createContext();
    const refused = { code: 'SHUTTING_DOWN' };
    await expect(debug.replaceItem(of(id), itemId, 70)).rejects.toMatchObject(refused);
    await expect(
      debug.setVariable(of(id), { scope: 'data', path: ['mark'] }, 1),
    ).rejects.toMatchObject(refused);
    await expect(debug.continue(of(id))).rejects.toMatchObject(refused);
    const second = await leave();
    for (const _ of range(2)) {
      await inStatus(second, id, 'STOPPED');
      await second.createContext().debug.continue(of(id));
    }
    await ended(second, id);
    expect(await outputOf(second, id)).toEqual(range(2));
  });

  test('a breakpoint that is added counts after it', async () => {
    const { first, slow, leave } = await openLeaving();
    const { breakpoints } = first.createContext();
    const atOut = { kind: 'EVENT', routineId: 'middle', event: 'item', isOnce: true } as const;
    const { id } = await breakpoints.add({ flowId: 'slow', actor: undefined, ...atOut });
    const second = await leave();
    await ended(second, slow);
    const [kept] = await second.createContext().breakpoints.find([id]);
    expect(kept).toMatchObject({ isEnabled: true, hitCount: 0 });
  });
});

test('O3 an item that was shown before a restart is not taken for another after it', async () => {
  const { url: database } = await makePlace();
  const open = () => openApp({ flows: [numbers(4)], database });
  const first = await open();
  const id = await start(first, 'numbers', { breakpoints: [AT_MIDDLE] });
  await inStatus(first, id, 'STOPPED');
  const queue = { routineId: 'middle', slot: 'item' };
  await first.createContext().debug.injectItem(of(id), queue, 10, {});
  await first.createContext().debug.injectItem(of(id), queue, 11, {});
  const page = { offset: 0, limit: 10 };
  const shown = await first.createContext().debug.readItems(id, queue, page);
  await first.close();
  const { debug } = (await open()).createContext();
  // Others are looked at first: they would have the numbers of the earlier ones.
  const again = await debug.readItems(id, queue, { offset: 1, limit: 10 });
  const ids = new Set(again.items.map(({ itemId }) => itemId));
  for (const { itemId } of shown.items) {
    expect(ids).not.toContain(itemId);
    await expect(debug.dropItem(of(id), itemId)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  }
  const [item] = again.items;
  await debug.dropItem(of(id), item?.itemId ?? '');
  expect((await debug.readItems(id, queue, page)).totalCount).toBe(shown.totalCount - 1);
});
