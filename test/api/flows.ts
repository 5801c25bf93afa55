import {
  type ActivationContext,
  batchSize,
  defineFlow,
  defineRoutine,
  event,
  type SlotOptions,
  slot,
} from 'millrace/engine';
import { emits, emitsAtOnce, type Gate, keeps, passes, range } from '../engine/parts.ts';

/** A flow whose one routine waits at the gate: its jobs run until they are let go on or ended. */
export function waiting(gate: Gate, id = 'waiting') {
  return defineFlow({ id }, (f) => {
    f.connect(f.input, f.add('wait', passes<unknown>(gate.pass)).slots.item);
  });
}

/** A flow that ends at once, with its input as its output. */
export function echo(id = 'echo') {
  return defineFlow({ id }, (f) => {
    const pass = f.add('pass', passes<unknown>());
    f.connect(f.input, pass.slots.item);
    return { echoed: pass.events.item };
  });
}

/** A source of `count` items, emitted at once, and a consumer that takes one after the other through the gate. */
export function queueing(gate: Gate, count: number, options: SlotOptions = {}, id = 'queueing') {
  return defineFlow({ id }, (f) => {
    const source = f.add('source', emitsAtOnce(range(count)));
    const consumer = f.add('consumer', passes<number>(gate.pass), { slots: { item: options } });
    f.connect(source.events.item, consumer.slots.item);
  });
}

export class Broken extends Error {
  readonly code = 'BROKEN';
}

/** A flow whose one routine runs the code of the test on the job's input. */
export function running(run: (input: unknown, ctx: ActivationContext) => unknown, id = 'running') {
  const type = defineRoutine({
    type: 'runs',
    slots: { item: slot<unknown>() },
    events: { out: event<unknown>() },
    run: ({ item }, ctx) => run(item, ctx),
  });
  return defineFlow({ id }, (f) => {
    const routine = f.add('run', type);
    f.connect(f.input, routine.slots.item);
    return { out: routine.events.out };
  });
}

/** Source → double → batches of 4 → end: three items in a row of a trace have parents, batches have several. */
export function chain(count: number, id = 'chain') {
  const gather = defineRoutine({
    type: 'gathers',
    slots: { item: slot<number>() },
    events: { sum: event<number>() },
    policy: batchSize(4),
    run: ({ item }, ctx) =>
      ctx.emit(
        'sum',
        item.reduce((sum, each) => sum + each, 0),
      ),
  });
  return defineFlow({ id }, (f) => {
    const source = f.add('source', emits(range(count)));
    const pass = f.add('pass', passes<number>());
    const sums = f.add('sums', gather);
    f.connect(source.events.item, pass.slots.item);
    f.connect(pass.events.item, sums.slots.item);
    f.connect(sums.events.sum, f.add('end', keeps<number>([])).slots.item);
    return { sum: sums.events.sum };
  });
}
