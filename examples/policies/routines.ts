import { setTimeout as wait } from 'node:timers/promises';
import {
  allSlotsReady,
  batchSize,
  custom,
  defineRoutine,
  event,
  immediate,
  none,
  slot,
  timeInterval,
} from 'millrace/engine';
import { inputOf, type Reading } from './sensors.ts';

/** Policy `immediate`: each reading by itself. Placed with the error strategy `continue`. */
export const check = defineRoutine({
  type: 'check',
  description: 'Lets good readings pass and fails on broken ones.',
  slots: { reading: slot<Reading>({ description: 'A temperature.' }) },
  events: { good: event<Reading>({ description: 'A temperature that is a number.' }) },
  policy: immediate(),
  run: ({ reading }, ctx) => {
    if (Number.isNaN(reading.value)) throw new Error(`Reading ${reading.at} is broken.`);
    return ctx.emit('good', reading);
  },
});

/** Policy `batchSize`: ten readings at a time, and what is left over at the end. */
export const average = defineRoutine({
  type: 'average',
  description: 'Averages ten readings at a time.',
  slots: { reading: slot<Reading>({ description: 'A temperature.' }) },
  events: { average: event<number>({ description: 'The mean of a batch.' }) },
  policy: batchSize(10),
  run: ({ reading: readings }, ctx) =>
    ctx.emit('average', readings.reduce((sum, { value }) => sum + value, 0) / readings.length),
});

/** Policy `timeInterval`: all that came within 25 ms of the first. */
export const heartbeat = defineRoutine({
  type: 'heartbeat',
  description: 'Counts the readings of each 25 ms.',
  slots: { reading: slot<Reading>({ description: 'A temperature.' }) },
  events: { beat: event<number>({ description: 'How many readings came.' }) },
  policy: timeInterval(25),
  run: ({ reading: readings }, ctx) => ctx.emit('beat', readings.length),
});

/** Policy `allSlotsReady`: one item of each slot. Two readings come together as they were measured. */
export const pair = defineRoutine({
  type: 'pair',
  description: 'Brings the temperature and the humidity of one measurement together.',
  slots: {
    temperature: slot<Reading>({ description: 'Temperatures in the order they were measured.' }),
    humidity: slot<Reading>({ description: 'Humidities in the same order.' }),
  },
  events: {
    climate: event<{ readonly at: number; readonly isPleasant: boolean }>({
      description: 'Whether it was pleasant at a time.',
    }),
  },
  policy: allSlotsReady(),
  run: ({ temperature, humidity }, ctx) =>
    ctx.emit('climate', {
      at: temperature.at,
      isPleasant: temperature.value >= 18 && humidity.value <= 60,
    }),
});

const ENOUGH = 5;
const AT_MOST_MS = 50;

/** A policy of one's own: enough readings, or some that have waited long enough. */
export const alarm = defineRoutine({
  type: 'alarm',
  description: 'Gathers hot readings and sounds the alarm once for all of them.',
  slots: { hot: slot<Reading>({ description: 'A temperature that is too high.' }) },
  events: { alarm: event<readonly number[]>({ description: 'The numbers of the measurements.' }) },
  policy: custom(
    ({ slots: [hot], nowMs }) => {
      if (hot?.oldestQueuedMs === undefined) return {};
      const dueMs = hot.oldestQueuedMs + AT_MOST_MS;
      return hot.length >= ENOUGH || nowMs >= dueMs
        ? { take: { hot: ENOUGH } }
        : { waitUntilMs: dueMs };
    },
    {
      name: 'enoughOrOld',
      description: `Runs on ${ENOUGH} readings, or on fewer when one has waited ${AT_MOST_MS} ms.`,
      config: { enough: ENOUGH, atMostMs: AT_MOST_MS },
    },
  ),
  run: ({ hot }, ctx) =>
    ctx.emit(
      'alarm',
      hot.map(({ at }) => at),
    ),
});

/** Placed with the error strategy `skip`: what is not hot is none of its business, and no error. */
export const pickHot = defineRoutine({
  type: 'pick-hot',
  description: 'Passes temperatures above 22 degrees on and fails on all others.',
  slots: { reading: slot<Reading>({ description: 'A temperature.' }) },
  events: { hot: event<Reading>({ description: 'A temperature above 22 degrees.' }) },
  run: ({ reading }, ctx) => {
    if (reading.value <= 22) throw new RangeError(`Reading ${reading.at} is not hot.`);
    return ctx.emit('hot', reading);
  },
});

/** Placed with `retry`: every third average arrives at the second attempt, every fifth never. */
export const upload = defineRoutine({
  type: 'upload',
  description: 'Uploads averages over a line that often fails.',
  slots: { average: slot<number>({ description: 'The mean of a batch.' }) },
  events: {
    uploaded: event<{ readonly average: number; readonly attempt: number }>({
      description: 'What arrived, and at which attempt.',
    }),
  },
  state: () => ({ count: 0 }),
  run: ({ average: mean }, ctx) => {
    if (ctx.attempt === 1) ctx.state.count++;
    const { count } = ctx.state;
    if (count % 5 === 0) throw new Error('The line is dead.');
    if (count % 3 === 0 && ctx.attempt === 1) throw new Error('The line is noisy.');
    return ctx.emit('uploaded', { average: mean, attempt: ctx.attempt });
  },
});

/** Placed with `stop`: its failure is the job's. */
export const guard = defineRoutine({
  type: 'guard',
  description: 'Fails at the measurement that the input names, to show how a job is stopped.',
  slots: { reading: slot<Reading>({ description: 'A humidity.' }) },
  run: ({ reading }, ctx) => {
    if (reading.at === inputOf(ctx.job).failAt) {
      throw new Error(`The guard stopped the job at measurement ${reading.at}.`);
    }
  },
});

/** Passes readings on and waits for nobody, so that a slot behind it can overflow. */
export const relay = defineRoutine({
  type: 'relay',
  description: 'Passes readings on.',
  slots: { reading: slot<Reading>({ description: 'A humidity.' }) },
  events: { reading: event<Reading>({ description: 'The same humidity.' }) },
  run: ({ reading }, ctx) => {
    ctx.emit('reading', reading);
  },
});

/** Too slow for what comes in. Placed four times, with the four overflow policies. */
export const display = defineRoutine({
  type: 'display',
  description: 'Shows one reading after another, slowly.',
  slots: { reading: slot<Reading>({ description: 'A humidity.', maxLength: 5 }) },
  events: { shown: event<number>({ description: 'Number of the measurement that was shown.' }) },
  async run({ reading }, ctx) {
    await wait(inputOf(ctx.job).slowMs, undefined, { signal: ctx.signal });
    await ctx.emit('shown', reading.at);
  },
});

/** Policy `none`, with slots: runs once, when everything else is done. */
export const report = defineRoutine({
  type: 'report',
  description: 'Sums the job up. Policy none: runs once, on all that gathered.',
  slots: {
    beat: slot<number>({ description: 'How many readings came in 25 ms.', maxLength: 100_000 }),
    alarm: slot<readonly number[]>({ description: 'One alarm.', maxLength: 100_000 }),
  },
  events: {
    report: event<{ readonly readings: number; readonly alarms: number }>({
      description: 'How many good readings there were, and how many alarms.',
    }),
  },
  policy: none(),
  run: ({ beat, alarm: alarms }, ctx) =>
    ctx.emit('report', {
      readings: beat.reduce((sum, count) => sum + count, 0),
      alarms: alarms.length,
    }),
});
