import { builder } from '../graphql/builder.ts';
import { type QueueOfJob, queuesOf } from './job-parts.ts';

export const PressureLevelType = builder.enumType('PressureLevel', {
  description: 'How full a queue is, for colours: green, yellow, orange, red.',
  values: {
    LOW: { description: 'Usage below 0.6. Green.' },
    MEDIUM: { description: 'Usage from 0.6, below the watermark. Yellow.' },
    HIGH: { description: 'From the watermark. Orange.' },
    CRITICAL: { description: 'Full. Red.' },
  } as const,
});

export const SlotQueueType = builder.objectRef<QueueOfJob>('SlotQueue');
builder.node(SlotQueueType, {
  description:
    'The queue of a slot in a job. Colour it by `pressureLevel`, fill it by `usage`. ' +
    'Every item is counted: accepted = unconsumed + inFlight + consumed + failed + skipped + discarded + dropped, ' +
    'except that with overflow policy `DROP_NEWEST` what was dropped was never accepted.',
  authScopes: { read: true },
  id: { resolve: ({ jobId, reading }) => `${jobId}/${reading.routineId}.${reading.slot}` },
  loadManyWithoutCache: (ids, { jobsById, readings }) =>
    // Awaited here, since Pothos marks what it is given as being of this type.
    Promise.all(
      ids.map(async (id) => {
        const [jobId = '', ...rest] = id.split('/');
        // An id says nothing of whose the job is.
        if ((await jobsById.load(jobId)) === undefined) return undefined;
        const reading = await readings.load(jobId);
        const queues = reading === undefined ? [] : queuesOf(reading);
        return queues.find(
          ({ reading: { routineId, slot } }) => `${routineId}.${slot}` === rest.join('/'),
        );
      }),
    ),
  fields: (t) => ({
    routineId: t.string({
      description: 'Name of the routine it belongs to.',
      resolve: ({ reading }) => reading.routineId,
    }),
    slot: t.string({ description: 'Name of the slot.', resolve: ({ reading }) => reading.slot }),
    unconsumedCount: t.int({
      description: 'Items that wait in it.',
      resolve: ({ reading }) => reading.unconsumedCount,
    }),
    inFlightCount: t.int({
      description: 'Items that were taken from it by activations that have not ended.',
      resolve: ({ reading }) => reading.inFlightCount,
    }),
    totalCount: t.int({
      description: '`unconsumedCount` + `inFlightCount`.',
      resolve: ({ reading }) => reading.unconsumedCount + reading.inFlightCount,
    }),
    waitingOutsideCount: t.int({
      description: 'Items that wait outside because it is full; so do their producers.',
      resolve: ({ reading }) => reading.waitingOutsideCount,
    }),
    maxLength: t.int({
      description: 'The most items that may wait in it.',
      resolve: ({ reading }) => reading.maxLength,
    }),
    watermarkThreshold: t.int({
      description: 'The count of waiting items from which it is nearly full.',
      resolve: ({ reading }) => reading.watermarkThreshold,
    }),
    usage: t.float({
      description: '`unconsumedCount` as a share of `maxLength`, 0.0–1.0.',
      resolve: ({ reading }) => reading.usage,
    }),
    pressureLevel: t.field({
      type: PressureLevelType,
      description: 'How full it is, for colours.',
      resolve: ({ reading }) => reading.pressureLevel,
    }),
    isFull: t.boolean({
      description: 'Whether nothing more fits in.',
      resolve: ({ reading }) => reading.isFull,
    }),
    isNearFull: t.boolean({
      description: 'Whether it holds `watermarkThreshold` items or more.',
      resolve: ({ reading }) => reading.isNearFull,
    }),
    peakCount: t.int({
      description: 'The most items that ever waited in it.',
      resolve: ({ reading }) => reading.peakCount,
    }),
    acceptedCount: t.field({
      type: 'Count',
      description: 'Items that ever entered it.',
      resolve: ({ reading }) => reading.acceptedCount,
    }),
    consumedCount: t.field({
      type: 'Count',
      description: 'Items taken by activations that went well.',
      resolve: ({ reading }) => reading.consumedCount,
    }),
    failedCount: t.field({
      type: 'Count',
      description: 'Items taken by activations that failed in the end.',
      resolve: ({ reading }) => reading.failedCount,
    }),
    skippedCount: t.field({
      type: 'Count',
      description: 'Items taken by activations that were skipped.',
      resolve: ({ reading }) => reading.skippedCount,
    }),
    droppedCount: t.field({
      type: 'Count',
      description: 'Items lost to the overflow policy.',
      resolve: ({ reading }) => reading.droppedCount,
    }),
    discardedCount: t.field({
      type: 'Count',
      description: 'Items left over when the job ended.',
      resolve: ({ reading }) => reading.discardedCount,
    }),
    rateInPerSecond: t.float({
      description: 'Items a second that enter, over the last second or two.',
      resolve: ({ reading }) => reading.rateInPerSecond,
    }),
    rateOutPerSecond: t.float({
      description: 'Items a second that are taken, over the last second or two.',
      resolve: ({ reading }) => reading.rateOutPerSecond,
    }),
    oldestWaitMs: t.float({
      nullable: true,
      description: 'Milliseconds that the oldest item has waited; null when it is empty.',
      resolve: ({ reading }) => reading.oldestWaitMs,
    }),
    timeUntilFullMs: t.float({
      nullable: true,
      description:
        'Milliseconds until it is full at the present rates; null when it is not filling.',
      resolve: ({ reading }) => reading.timeUntilFullMs,
    }),
  }),
});
