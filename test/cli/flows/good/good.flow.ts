import { defineFlow, defineRoutine, event, slot } from 'millrace/engine';
import { z } from 'zod';

const double = defineRoutine({
  type: 'double',
  slots: { number: slot<number>() },
  events: { doubled: event<number>() },
  run({ number }, ctx) {
    ctx.log.info('doubling', { number });
    ctx.progress(1, 1);
    return ctx.emit('doubled', number * 2);
  },
});

export const doubling = defineFlow(
  { id: 'doubling', version: '2', input: z.object({ numbers: z.array(z.number()).default([1]) }) },
  (f) => {
    const each = f.add(
      'each',
      defineRoutine({
        type: 'each',
        slots: { input: slot<{ numbers: number[] }>() },
        events: { number: event<number>() },
        run({ input }, ctx) {
          for (const number of input.numbers) ctx.emit('number', number);
        },
      }),
    );
    const twice = f.add('twice', double);
    f.connect(f.input, each.slots.input);
    f.connect(each.events.number, twice.slots.number);
    return { doubled: twice.events.doubled };
  },
);

export const failing = defineFlow({ id: 'failing' }, (f) => {
  f.add(
    'fails',
    defineRoutine({
      type: 'fails',
      run() {
        throw new Error('out of paper');
      },
    }),
  );
});

/** Runs until it is cancelled, with a timer that nobody clears. */
export const endless = defineFlow({ id: 'endless' }, (f) => {
  f.add(
    'waits',
    defineRoutine({
      type: 'waits',
      run(_inputs, ctx) {
        setInterval(() => undefined, 1000);
        ctx.log.warning('waiting');
        return new Promise((resolve) => {
          ctx.signal.addEventListener('abort', resolve);
        });
      },
    }),
  );
});

/** Has a routine that nothing leads to. */
export const doubtful = defineFlow({ id: 'doubtful' }, (f) => {
  f.add('source', defineRoutine({ type: 'source', run: () => undefined }));
  f.add(
    'lonely',
    defineRoutine({
      type: 'lonely',
      slots: { item: slot<number>({ required: false }) },
      run: () => undefined,
    }),
  );
});
