import {
  compareShapes,
  createEngine,
  defineFlow,
  defineRoutine,
  type EventPort,
  event,
  type FlowBuilder,
  FlowChangedError,
  FlowDefinitionError,
  none,
  shapeOf,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { until } from '../support/manual-clock.ts';
import { emitsAtOnce, Gate, passes } from './parts.ts';

const source = emitsAtOnce([1, 2, 3]);
const passing = passes<number>();
const gathering = defineRoutine({
  type: 'gathers',
  slots: { item: slot<number>(), more: slot<number>({ required: false }) },
  events: { all: event<readonly number[]>() },
  policy: none(),
  run: ({ item }, ctx) => ctx.emit('all', item),
});

function shape(build: (f: FlowBuilder<unknown>) => Record<string, EventPort<unknown>>) {
  return shapeOf(defineFlow({ id: 'shaped' }, build));
}

const before = shape((f) => {
  const first = f.add('first', source);
  const middle = f.add('middle', passing);
  const end = f.add('end', gathering);
  f.connect(f.input as never, middle.slots.item);
  f.connect(first.events.item, middle.slots.item);
  f.connect(middle.events.item, end.slots.item);
  return { all: end.events.all };
});

describe('the shape of a flow', () => {
  test('says routines, slots, events, connections and outputs as plain data', () => {
    expect(structuredClone(before)).toEqual({
      routines: [
        { id: 'first', type: 'emits-at-once', slots: [], events: ['item'] },
        { id: 'middle', type: 'passes', slots: ['item'], events: ['item'] },
        { id: 'end', type: 'gathers', slots: ['item', 'more'], events: ['all'] },
      ],
      connections: ['input -> middle.item', 'first.item -> middle.item', 'middle.item -> end.item'],
      outputs: ['all <- end.all'],
    });
  });

  test('is the same whatever the order, the configuration and the code', () => {
    const now = shape((f) => {
      const end = f.add('end', { ...gathering, run: () => undefined }, { concurrency: 3 });
      const middle = f.add('middle', passing, { slots: { item: { maxLength: 7 } } });
      const first = f.add('first', source, { onError: 'skip', timeoutMs: 7 });
      f.connect(middle.events.item, end.slots.item);
      f.connect(first.events.item, middle.slots.item);
      f.connect(f.input as never, middle.slots.item);
      return { all: end.events.all };
    });
    expect(compareShapes(before, now)).toEqual([]);
  });

  test('differs by each routine, type, slot, event, connection and output that is gone or new', () => {
    const now = shape((f) => {
      const first = f.add('first', { ...source, type: 'another' });
      const end = f.add(
        'end',
        defineRoutine({
          type: 'gathers',
          slots: { item: slot<number>(), other: slot<number>({ required: false }) },
          events: { every: event<readonly number[]>() },
          policy: none(),
          run: () => undefined,
        }),
      );
      f.add('fresh', source);
      f.connect(first.events.item, end.slots.item);
      return { every: end.events.every };
    });
    expect(compareShapes(before, now)).toEqual([
      'Routine "middle" is gone.',
      'Routine "first" was of type "emits-at-once" and is of type "another".',
      'Slot "end.more" is gone.',
      'Slot "end.other" is new.',
      'Event "end.all" is gone.',
      'Event "end.every" is new.',
      'Routine "fresh" is new.',
      'Connection first.item -> end.item is new.',
      'Output all <- end.all is gone.',
      'Output every <- end.every is new.',
    ]);
  });

  test('that changed makes restore refuse, with every difference', async () => {
    const gate = new Gate();
    const flow = defineFlow({ id: 'shaped' }, (f) => {
      const middle = f.add('middle', passes<number>(gate.pass));
      f.connect(f.add('first', source).events.item, middle.slots.item);
      return { items: middle.events.item };
    });
    const changed = defineFlow({ id: 'shaped' }, (f) => {
      const middle = f.add('middle', passes<number>(gate.pass));
      f.connect(f.add('first', source).events.item, middle.slots.item);
      f.connect(f.add('second', source).events.item, middle.slots.item);
    });
    const engine = createEngine();
    const job = engine.start(flow, undefined);
    await until(() => gate.waiting === 1);
    const snapshot = structuredClone(job.capture());
    job.cancel();
    gate.openAll();
    let refusal: unknown;
    try {
      engine.restore(changed, snapshot);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(FlowChangedError);
    expect(refusal).toMatchObject({
      code: 'FLOW_CHANGED',
      differences: ['Routine "second" is new.', 'Output items <- middle.item is gone.'],
    });
    await engine.close();
  });
});

describe('onCrash', () => {
  const flowWith = (onCrash?: string) =>
    defineFlow(
      { id: 'crashing', ...(onCrash === undefined ? {} : { onCrash: onCrash as 'fail' }) },
      (f) => void f.add('first', source),
    );

  test('is resume unless the flow says otherwise', () => {
    expect(flowWith().onCrash).toBe('resume');
    expect(flowWith('restart').onCrash).toBe('restart');
    expect(flowWith('fail').onCrash).toBe('fail');
  });

  test('of another kind is a fault of the flow', () => {
    expect(() => flowWith('explode')).toThrow(FlowDefinitionError);
    expect(() => flowWith('explode')).toThrow(
      'INVALID_OPTION: Flow "crashing": onCrash explode must be resume, restart, fail.',
    );
  });
});
