import { defineFlow, defineRoutine, event, slot } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { ask, ended, jobOf, openApp, startJob } from '../api/api.ts';
import { passes, range } from '../engine/parts.ts';
import {
  CancelJobDocument,
  ContinueJobDocument,
  DropItemDocument,
  GetQueuedItemsDocument,
  ReplaceItemDocument,
} from '../generated/operations.ts';
import { frameOf, sessionOf, stopOf } from './stopped-job.ts';

/** stream → end: of each job's input come the numbers from 0 to 4; the stream waits until the first four are taken. */
function streaming() {
  const told: string[] = [];
  const stream = defineRoutine({
    type: 'streams',
    slots: { item: slot<unknown>() },
    events: { item: event<number>() },
    run: async (_, ctx) => {
      told.push('begins');
      for (const item of range(3)) void ctx.emit('item', item);
      await ctx.emit('item', 3);
      told.push(ctx.signal.aborted ? 'is aborted' : 'goes on');
      if (!ctx.signal.aborted) await ctx.emit('item', 4);
    },
  });
  const flow = defineFlow({ id: 'streaming' }, (f) => {
    const placed = f.add('stream', stream);
    f.connect(f.input, placed.slots.item);
    const end = f.add('end', passes<number>());
    f.connect(placed.events.item, end.slots.item);
    return { out: end.events.item };
  });
  return { flow, told };
}

/** A job that stands still as its stream has emitted 1: 0 is on its way. */
async function openEmitting() {
  const { flow, told } = streaming();
  const app = await openApp({ flows: [flow] });
  const at = { kind: 'EVENT', routineId: 'stream', event: 'item' } as const;
  const breakpoints = [{ ...at, condition: 'output == 1' }];
  const jobId = await startJob(app, { flowId: 'streaming', input: 1, debug: { breakpoints } });
  await stopOf(app, jobId, 1);
  return { app, jobId, told, input: { jobId } };
}

async function valuesOf(app: App, jobId: string) {
  await ended(app, jobId);
  const { status, outputs } = await jobOf(app, jobId);
  return [status, outputs.map(({ values }) => values)];
}

describe('O3 an EVENT breakpoint on code that goes on after it emitted', () => {
  test('holds it while it waits: what it emits is kept back and listed, what it emitted before is delivered', async () => {
    const { app, jobId, told, input } = await openEmitting();
    const { frame } = await frameOf(app, jobId);
    expect(frame).toMatchObject({ routineId: 'stream', position: 'EMITTING', error: null });
    expect(frame.outputs).toMatchObject({
      nodes: [1, 2, 3].map((item) => ({
        place: 'EMITTED',
        port: 'item',
        preview: { text: String(item) },
        emittedBy: frame.activationId,
      })),
      totalCount: 3,
    });
    expect(frame.scopes?.map(({ scope }) => scope)).toContain('OUTPUTS');
    const place = { jobId, routineId: 'end', slot: 'item', first: 10, after: null };
    const { debugSession } = await ask(app, GetQueuedItemsDocument, place);
    expect(debugSession?.queuedItems).toMatchObject({
      nodes: [{ preview: { text: '0' } }],
      totalCount: 1,
    });
    expect(told).toEqual(['begins']);
    await ask(app, ContinueJobDocument, { input });
    expect(await valuesOf(app, jobId)).toEqual(['COMPLETED', [range(5)]]);
    expect(told).toEqual(['begins', 'goes on']);
  });

  test.each([
    ['one is replaced, one dropped', [1], [0, 100, 3, 4]],
    ['all are dropped', [0, 1, 2], [0, 4]],
  ] as const)('what it emitted is edited: %s', async (_, dropped, out) => {
    const { app, jobId, told, input } = await openEmitting();
    const { frame } = await frameOf(app, jobId);
    const ids = frame.outputs?.nodes.map(({ itemId }) => itemId) ?? [];
    const replacing = { jobId, itemId: ids[0] ?? '', value: 100 };
    expect((await ask(app, ReplaceItemDocument, { input: replacing })).replaceItem).toMatchObject({
      change: { before: { text: '1' }, after: { text: '100' } },
    });
    for (const at of dropped) {
      const dropping = { jobId, itemId: ids[at] ?? '' };
      expect((await ask(app, DropItemDocument, { input: dropping })).dropItem).toMatchObject({
        change: { after: null },
      });
    }
    expect((await frameOf(app, jobId)).frame).toMatchObject({
      position: 'EMITTING',
      outputs: { totalCount: 3 - dropped.length },
    });
    await ask(app, ContinueJobDocument, { input });
    expect(await valuesOf(app, jobId)).toEqual(['COMPLETED', [out]]);
    expect(told).toEqual(['begins', 'goes on']);
  });

  test('the job is cancelled: the code is let go and told, and nothing more is delivered', async () => {
    const { app, jobId, told } = await openEmitting();
    const { cancelJob } = await ask(app, CancelJobDocument, { id: jobId });
    expect(cancelJob.__typename).toBe('CancelJobPayload');
    expect(await valuesOf(app, jobId)).toEqual(['CANCELLED', [[]]]);
    expect(told).toEqual(['begins', 'is aborted']);
    expect(await sessionOf(app, jobId)).toMatchObject({ status: 'ENDED', stop: null });
  });
});
