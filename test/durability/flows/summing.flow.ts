import { batchSize, defineFlow, defineRoutine, event, type Flow, slot } from 'millrace/engine';
import { leaveTrace, numbers } from './work.ts';

const square = defineRoutine({
  type: 'square',
  slots: { number: slot<number>() },
  events: { squared: event<number>() },
  run: ({ number }, ctx) => {
    leaveTrace(ctx, number);
    return ctx.emit('squared', number * number);
  },
});

const sum = defineRoutine({
  type: 'sum',
  slots: { number: slot<number>() },
  events: { total: event<number>() },
  policy: batchSize(4),
  state: () => ({ total: 0 }),
  run: ({ number }, ctx) => {
    for (const each of number) ctx.state.total += each;
    return ctx.emit('total', ctx.state.total);
  },
});

/** Synchronous routines in a row: each number squared, then sums that go on from batch to batch. */
function summing(id: string, onCrash: Flow['onCrash']) {
  return defineFlow({ id, onCrash }, (f) => {
    const source = f.add('source', numbers);
    const squares = f.add('squares', square);
    const sums = f.add('sums', sum);
    f.connect(source.events.number, squares.slots.number);
    f.connect(squares.events.squared, sums.slots.number);
    return { total: sums.events.total };
  });
}

export const resumes = summing('summing', 'resume');
export const restarts = summing('restarting', 'restart');
export const fails = summing('failing', 'fail');
