import { setTimeout as delay } from 'node:timers/promises';
import { defineFlow, defineRoutine, event, slot } from 'millrace/engine';
import { leaveTrace, numbers, workOf } from './work.ts';

const burst = defineRoutine({
  type: 'burst',
  events: { number: event<number>() },
  state: () => ({ next: 1 }),
  run: (_, ctx) => {
    while (ctx.state.next <= workOf(ctx).count) ctx.emit('number', ctx.state.next++);
  },
});

const slow = defineRoutine({
  type: 'slow',
  slots: { number: slot<number>({ maxLength: 1 }) },
  events: { done: event<number>() },
  run: async ({ number }, ctx) => {
    await delay(workOf(ctx).paceMs, undefined, { signal: ctx.signal });
    leaveTrace(ctx, number);
    return ctx.emit('done', number);
  },
});

/** All items at once for slots with room for one: the others wait outside. */
export const crowded = defineFlow({ id: 'crowded' }, (f) => {
  const source = f.add('source', burst);
  const first = f.add('first', slow);
  const last = f.add(
    'last',
    defineRoutine({
      type: 'last',
      slots: { number: slot<number>({ maxLength: 1 }) },
      events: { out: event<number>() },
      run: ({ number }, ctx) => ctx.emit('out', number),
    }),
  );
  f.connect(source.events.number, first.slots.number);
  f.connect(first.events.done, last.slots.number);
  return { done: last.events.out };
});

/** An item that can't be written down. */
interface Call {
  readonly number: number;
  readonly call: () => number;
}

const wrap = defineRoutine({
  type: 'wrap',
  slots: { number: slot<number>() },
  events: { call: event<Call>() },
  run: ({ number }, ctx) => ctx.emit('call', { number, call: () => number }),
});

const unwrap = defineRoutine({
  type: 'unwrap',
  slots: { call: slot<Call>() },
  events: { done: event<number>() },
  // Something that can't be written down is there from the beginning to the end.
  state: () => ({ last: (): number => 0 }),
  run: ({ call }, ctx) => {
    leaveTrace(ctx, call.number);
    ctx.state.last = call.call;
    return ctx.emit('done', call.call());
  },
});

/** Its jobs can't be checkpointed, so they begin again. */
export const unwritable = defineFlow({ id: 'unwritable' }, (f) => {
  const source = f.add('source', numbers);
  const wraps = f.add('wraps', wrap);
  const unwraps = f.add('unwraps', unwrap);
  f.connect(source.events.number, wraps.slots.number);
  f.connect(wraps.events.call, unwraps.slots.call);
  return { done: unwraps.events.done };
});
