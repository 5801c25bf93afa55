import { defineFlow, defineRoutine, event, slot } from 'millrace/engine';

/** Code that starts things and does not wait for them. */
const stray = defineRoutine({
  type: 'stray',
  slots: { input: slot<unknown>() },
  events: { late: event<number>() },
  run: (_, ctx) => {
    void Promise.reject(new Error('a stray rejection'));
    setTimeout(() => {
      throw new Error('a stray timer');
    });
    setTimeout(() => {
      throw Object.defineProperty(new Error('a hostile error'), 'trap', {
        enumerable: true,
        get: () => {
          throw new Error('The getter was run.');
        },
      });
    });
    setTimeout(() => ctx.emit('late', 1));
  },
});

export const strayFlow = defineFlow({ id: 'stray' }, (f) => {
  f.connect(f.input, f.add('stray', stray).slots.input);
});
