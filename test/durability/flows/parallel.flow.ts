import { setTimeout as delay } from 'node:timers/promises';
import { defineFlow, defineRoutine, event, retry, slot } from 'millrace/engine';
import { leaveTrace, numbers } from './work.ts';

const fetch = defineRoutine({
  type: 'fetch',
  slots: { number: slot<number>() },
  events: { fetched: event<number>() },
  run: async ({ number }, ctx) => {
    await delay(Math.random() * 60, undefined, { signal: ctx.signal });
    leaveTrace(ctx, number);
    return ctx.emit('fetched', number);
  },
});

/** Four requests at a time, which take more or less long. */
export const parallel = defineFlow({ id: 'parallel' }, (f) => {
  const source = f.add('source', numbers);
  const fetches = f.add('fetches', fetch, { concurrency: 4 });
  f.connect(source.events.number, fetches.slots.number);
  return { fetched: fetches.events.fetched };
});

const attempt = defineRoutine({
  type: 'attempt',
  slots: { number: slot<number>() },
  events: { done: event<number>() },
  run: async ({ number }, ctx) => {
    await delay(5, undefined, { signal: ctx.signal });
    if (number % 7 === 0) throw new Error(`${number} never works`);
    if (number % 3 === 0 && ctx.attempt === 1) throw new Error(`${number} works the second time`);
    leaveTrace(ctx, number);
    return ctx.emit('done', number);
  },
});

/** Every third item fails once and is tried again later, every seventh fails for good. */
export const retrying = defineFlow({ id: 'retrying' }, (f) => {
  const source = f.add('source', numbers);
  const attempts = f.add('attempts', attempt, {
    concurrency: 2,
    onError: retry({ maxAttempts: 2, delayMs: 150, then: 'continue' }),
  });
  f.connect(source.events.number, attempts.slots.number);
  return { done: attempts.events.done };
});
