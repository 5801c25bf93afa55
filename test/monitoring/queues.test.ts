import { defineFlow, defineRoutine, event } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { ask, openApp, refusal, startJob, until } from '../api/api.ts';
import { queueing } from '../api/flows.ts';
import { Gate, passes, range } from '../engine/parts.ts';
import { GetQueuesDocument, GetRoutineQueuesDocument } from '../generated/operations.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

/** The queue of a consumer that took one item, and in which `waiting` others wait. */
async function queueWith(waiting: number, options: { maxLength: number; watermark?: number }) {
  const gate = new Gate();
  const app = await openApp({ flows: [queueing(gate, waiting + 1, options)] });
  const id = await startJob(app, { flowId: 'queueing' });
  await until(() => gate.waiting === 1);
  const { job } = await ask(app, GetQueuesDocument, { id });
  return job?.queues[0];
}

describe('M2 slot queue status', () => {
  test('M2 tells every count of a queue', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const flow = queueing(gate, 8, { maxLength: 10, watermark: 0.75, overflow: 'dropOldest' });
    const app = await openApp({ flows: [flow], clock });
    const id = await startJob(app, { flowId: 'queueing' });
    await until(() => gate.waiting === 1);
    for (let taken = 0; taken < 2; taken++) {
      gate.open();
      await settle();
    }
    const { job } = await ask(app, GetQueuesDocument, { id });
    expect(job?.queues).toEqual([
      {
        id: `SlotQueue:${id.slice(4)}/consumer.item`,
        routineId: 'consumer',
        slot: 'item',
        unconsumedCount: 5,
        inFlightCount: 1,
        totalCount: 6,
        waitingOutsideCount: 0,
        maxLength: 10,
        watermarkThreshold: 8,
        usage: 0.5,
        pressureLevel: 'LOW',
        isFull: false,
        isNearFull: false,
        peakCount: 8,
        acceptedCount: 8,
        consumedCount: 2,
        failedCount: 0,
        skippedCount: 0,
        droppedCount: 0,
        discardedCount: 0,
        rateInPerSecond: 0,
        rateOutPerSecond: 0,
        oldestWaitMs: 0,
        timeUntilFullMs: null,
      },
    ]);
  });

  test('M2 counts what is dropped, and what waits outside', async () => {
    const full = { maxLength: 3 };
    const dropping = new Gate();
    const blocking = new Gate();
    const app = await openApp({
      flows: [
        queueing(dropping, 6, { ...full, overflow: 'dropNewest' }, 'dropping'),
        queueing(blocking, 6, full, 'blocking'),
      ],
    });
    const dropped = await startJob(app, { flowId: 'dropping' });
    const blocked = await startJob(app, { flowId: 'blocking' });
    await until(() => dropping.waiting === 1 && blocking.waiting === 1);
    expect((await ask(app, GetQueuesDocument, { id: dropped })).job?.queues).toMatchObject([
      { droppedCount: 3, acceptedCount: 3, waitingOutsideCount: 0 },
    ]);
    expect((await ask(app, GetQueuesDocument, { id: blocked })).job?.queues).toMatchObject([
      { isFull: true, waitingOutsideCount: 2, unconsumedCount: 3, inFlightCount: 1 },
    ]);
  });

  test.each([
    { waiting: 0, level: 'LOW' },
    { waiting: 59, level: 'LOW' },
    { waiting: 60, level: 'MEDIUM' },
    { waiting: 79, level: 'MEDIUM' },
    { waiting: 80, level: 'HIGH' },
    { waiting: 99, level: 'HIGH' },
    { waiting: 100, level: 'CRITICAL' },
  ])('M2 M12 $waiting of 100 waiting is pressure $level', async ({ waiting, level }) => {
    expect(await queueWith(waiting, { maxLength: 100 })).toMatchObject({
      unconsumedCount: waiting,
      usage: waiting / 100,
      pressureLevel: level,
      watermarkThreshold: 80,
      isNearFull: waiting >= 80,
      isFull: waiting === 100,
    });
  });

  test.each([
    { waiting: 3, watermark: 0.4, level: 'LOW' },
    { waiting: 4, watermark: 0.4, level: 'HIGH' },
    { waiting: 7, watermark: 0.4, level: 'HIGH' },
    { waiting: 10, watermark: 0.4, level: 'CRITICAL' },
    { waiting: 9, watermark: 1, level: 'MEDIUM' },
    { waiting: 10, watermark: 1, level: 'CRITICAL' },
  ])('M2 watermark $watermark: $waiting of 10 is $level', async ({ waiting, watermark, level }) => {
    const queue = await queueWith(waiting, { maxLength: 10, watermark });
    expect(queue).toMatchObject({ pressureLevel: level, watermarkThreshold: watermark * 10 });
  });

  test('M2 a slot for one item is empty or full', async () => {
    expect(await queueWith(0, { maxLength: 1 })).toMatchObject({
      pressureLevel: 'LOW',
      watermarkThreshold: 1,
    });
    expect(await queueWith(1, { maxLength: 1 })).toMatchObject({
      pressureLevel: 'CRITICAL',
      isFull: true,
      isNearFull: true,
      timeUntilFullMs: 0,
    });
  });

  test('M2 tells rates, time until full and the oldest wait', async () => {
    const gate = new Gate();
    const items = new Gate();
    const clock = new ManualClock();
    const source = defineRoutine({
      type: 'emits-by-hand',
      events: { item: event<number>() },
      run: async (_, ctx) => {
        for (const item of range(30)) {
          await items.pass();
          await ctx.emit('item', item);
        }
      },
    });
    const flow = defineFlow({ id: 'rates' }, (f) => {
      const consumer = f.add('consumer', passes<number>(gate.pass), {
        slots: { item: { maxLength: 20 } },
      });
      f.connect(f.add('source', source).events.item, consumer.slots.item);
    });
    const app = await openApp({ flows: [flow], clock });
    const id = await startJob(app, { flowId: 'rates' });
    const queue = async () => (await ask(app, GetQueuesDocument, { id })).job?.queues[0];
    const emit = async (count: number) => {
      for (let at = 0; at < count; at++) {
        await until(() => items.waiting === 1);
        items.open();
        await settle();
      }
    };
    await clock.advance(500);
    await emit(5); // one is taken, four wait
    await clock.advance(500);
    expect(await queue()).toMatchObject({
      unconsumedCount: 4,
      rateInPerSecond: 5,
      rateOutPerSecond: 1,
      oldestWaitMs: 500,
      timeUntilFullMs: 4000, // 16 places at 4 more a second
    });
    gate.open();
    await clock.advance(1000);
    expect(await queue()).toMatchObject({
      unconsumedCount: 3,
      rateInPerSecond: 0,
      rateOutPerSecond: 1,
      oldestWaitMs: 1500,
      timeUntilFullMs: null,
    });
    await clock.advance(1000);
    expect(await queue()).toMatchObject({ rateInPerSecond: 0, rateOutPerSecond: 0 });
  });

  test('M2 measures the rates of a job that runs after all others have ended', async () => {
    const gate = new Gate();
    const clock = new ManualClock();
    const app = await openApp({ flows: [queueing(gate, 5)], clock });
    const idle = clock.timers;
    for (let turn = 0; turn < 2; turn++) {
      const id = await startJob(app, { flowId: 'queueing' });
      await until(() => gate.waiting === 1);
      await clock.advance(1000);
      const { job } = await ask(app, GetQueuesDocument, { id });
      expect(job?.queues[0]).toMatchObject({ rateInPerSecond: 5, rateOutPerSecond: 1 });
      for (let item = 0; item < 5; item++) {
        gate.open();
        await settle();
      }
      await clock.advance(5_000); // its figures are rolled up
      expect(clock.timers).toBeLessThanOrEqual(idle);
    }
  });

  test('M2 tells the queues of one routine, or of all', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'many' }, (f) => {
      const first = f.add('first', passes<unknown>(gate.pass));
      const second = f.add('second', passes<unknown>());
      f.connect(f.input, first.slots.item);
      f.connect(first.events.item, second.slots.item);
    });
    const app = await openApp({ flows: [flow] });
    const id = await startJob(app, { flowId: 'many' });
    const { job: all } = await ask(app, GetQueuesDocument, { id });
    expect(all?.queues.map(({ routineId }) => routineId)).toEqual(['first', 'second']);
    const one = await ask(app, GetRoutineQueuesDocument, { id, routineId: 'second' });
    expect(one.job?.routine?.queues).toMatchObject([{ routineId: 'second', slot: 'item' }]);
  });

  test('M11 names the routine that a job does not have', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [queueing(gate, 1)] });
    const id = await startJob(app, { flowId: 'queueing' });
    expect(await refusal(app, GetRoutineQueuesDocument, { id, routineId: 'nobody' })).toEqual({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/"nobody".*source, consumer/),
      issues: undefined,
    });
  });
});
