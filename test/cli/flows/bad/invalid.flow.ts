import { defineFlow, defineRoutine, slot } from 'millrace/engine';

export const invalid = defineFlow({ id: 'invalid' }, (f) => {
  f.add(
    'sink',
    defineRoutine({ type: 'sink', slots: { item: slot<number>() }, run: () => undefined }),
  );
  f.connectByName({ routine: 'nobody', event: 'x' }, { routine: 'sink', slot: 'other' });
});
