import {
  type ActivationContext,
  allSlotsReady,
  batchSize,
  createEngine,
  custom,
  defineFlow,
  defineRoutine,
  type EventPort,
  event,
  type Flow,
  immediate,
  type RoutineType,
  type SlotPort,
  slot,
} from 'millrace/engine';
import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';

interface Animal {
  readonly name: string;
}
interface Dog extends Animal {
  readonly barks: true;
}

const double = defineRoutine({
  type: 'double',
  slots: { number: slot<number>() },
  events: { doubled: event<number>() },
  run: ({ number }, ctx) => ctx.emit('doubled', number * 2),
});
const shout = defineRoutine({
  type: 'shout',
  slots: { text: slot<string>() },
  events: { shouted: event<string>() },
  run: ({ text }, ctx) => ctx.emit('shouted', text.toUpperCase()),
});
const animals = defineRoutine({
  type: 'animals',
  slots: { animal: slot<Animal>() },
  events: { dog: event<Dog>() },
  run: () => undefined,
});
const dogs = defineRoutine({
  type: 'dogs',
  slots: { dog: slot<Dog>() },
  events: { animal: event<Animal>() },
  run: () => undefined,
});

describe('connections', () => {
  test('an event fits only a slot of its type', () => {
    defineFlow({ id: 'flow', input: z.number() }, (f) => {
      const twice = f.add('twice', double);
      const loud = f.add('loud', shout);
      f.connect(f.input, twice.slots.number);
      f.connect(twice.events.doubled, twice.slots.number);
      // @ts-expect-error a number is no text
      f.connect(twice.events.doubled, loud.slots.text);
      // @ts-expect-error the input is a number
      f.connect(f.input, loud.slots.text);
      // @ts-expect-error there is no such slot
      f.connect(f.input, twice.slots.numbers);
      // @ts-expect-error there is no such event
      f.connect(twice.events.halved, twice.slots.number);
      // @ts-expect-error from a slot nothing comes
      f.connect(twice.slots.number, twice.slots.number);
    });
  });

  test('an event of a narrower type fits a wider slot, never the reverse', () => {
    defineFlow({ id: 'flow' }, (f) => {
      const wide = f.add('wide', animals);
      const narrow = f.add('narrow', dogs);
      f.connect(wide.events.dog, wide.slots.animal);
      f.connect(wide.events.dog, narrow.slots.dog);
      // @ts-expect-error an animal need not be a dog
      f.connect(narrow.events.animal, narrow.slots.dog);
    });
  });

  test('ports carry the types of their items', () => {
    defineFlow({ id: 'flow' }, (f) => {
      const placed = f.add('twice', double);
      expectTypeOf(placed.slots.number).toEqualTypeOf<SlotPort<number>>();
      expectTypeOf(placed.events.doubled).toEqualTypeOf<EventPort<number>>();
      expectTypeOf(f.input).toEqualTypeOf<EventPort<unknown>>();
    });
  });
});

describe('configuration', () => {
  const strict = defineRoutine({
    type: 'strict',
    config: z.object({ size: z.number() }),
    run: (_, ctx) => {
      expectTypeOf(ctx.config).toEqualTypeOf<{ size: number }>();
    },
  });
  const lenient = defineRoutine({
    type: 'lenient',
    config: z.object({ size: z.number().default(3) }),
    run: (_, ctx) => {
      expectTypeOf(ctx.config).toEqualTypeOf<{ size: number }>();
    },
  });

  test('is required when its schema wants something, else optional, else not allowed', () => {
    defineFlow({ id: 'flow' }, (f) => {
      f.add('one', strict, { config: { size: 1 } });
      // @ts-expect-error the configuration is missing
      f.add('two', strict);
      // @ts-expect-error it is missing among the options
      f.add('three', strict, { concurrency: 2 });
      // @ts-expect-error it has another type
      f.add('four', strict, { config: { size: '1' } });
      f.add('five', lenient);
      f.add('six', lenient, { config: {} });
      f.add('seven', lenient, { config: { size: 4 } });
      f.add('eight', double);
      // @ts-expect-error this type has no configuration
      f.add('nine', double, { config: { size: 1 } });
    });
  });
});

describe('the code', () => {
  test('gets its inputs in the shape of its policy', () => {
    const slots = { left: slot<number>(), right: slot<string>() };
    defineRoutine({
      type: 'one',
      slots,
      policy: immediate(),
      run: (inputs) => {
        expectTypeOf(inputs.left).toEqualTypeOf<number | undefined>();
        if (inputs.left === undefined) expectTypeOf(inputs.right).toEqualTypeOf<string>();
      },
    });
    defineRoutine({
      type: 'one-slot',
      slots: { left: slot<number>() },
      run: ({ left }) => {
        expectTypeOf(left).toEqualTypeOf<number>();
      },
    });
    defineRoutine({
      type: 'each',
      slots,
      policy: allSlotsReady(),
      run: (inputs) => {
        expectTypeOf(inputs).toEqualTypeOf<{ readonly left: number; readonly right: string }>();
      },
    });
    defineRoutine({
      type: 'many',
      slots,
      policy: batchSize(5),
      run: (inputs) => {
        expectTypeOf(inputs.left).toEqualTypeOf<readonly number[]>();
        expectTypeOf(inputs.right).toEqualTypeOf<readonly string[]>();
      },
    });
    defineRoutine({
      type: 'custom',
      slots,
      policy: custom(() => ({}), { name: 'n', description: 'd' }),
      run: (inputs) => {
        expectTypeOf(inputs.left).toEqualTypeOf<readonly number[]>();
      },
    });
    defineRoutine({
      type: 'source',
      run: (inputs) => {
        expectTypeOf<keyof typeof inputs>().toEqualTypeOf<never>();
      },
    });
  });

  test('emits only events it has, with items of their type', () => {
    defineRoutine({
      type: 'emits',
      events: { done: event<number>() },
      run: (_, ctx) => {
        expectTypeOf(ctx.emit('done', 1)).toEqualTypeOf<Promise<void> | undefined>();
        // @ts-expect-error there is no such event
        ctx.emit('finished', 1);
        // @ts-expect-error the item has another type
        ctx.emit('done', '1');
      },
    });
  });

  test('knows the type of its state', () => {
    defineRoutine({
      type: 'state',
      state: () => ({ seen: new Set<string>() }),
      run: (_, ctx) => {
        expectTypeOf(ctx.state).toEqualTypeOf<{ seen: Set<string> }>();
      },
    });
    defineRoutine({
      type: 'stateless',
      run: (_, ctx) => {
        expectTypeOf(ctx.state).toEqualTypeOf<undefined>();
      },
    });
  });

  test('a policy of another shape can’t be placed on it', () => {
    const gathers = defineRoutine({
      type: 'gathers',
      slots: { item: slot<number>() },
      policy: batchSize(2),
      run: () => undefined,
    });
    defineFlow({ id: 'flow' }, (f) => {
      f.add('one', gathers, { policy: batchSize(10) });
      // @ts-expect-error the code expects lists
      f.add('two', gathers, { policy: immediate() });
      // @ts-expect-error there is no such slot
      f.add('three', gathers, { slots: { items: { maxLength: 1 } } });
    });
  });
});

describe("a context's methods", () => {
  test('are called on their context only', () => {
    defineRoutine({
      type: 'loose',
      events: { out: event<number>() },
      run: (_, ctx) => {
        const { emit, progress, log } = ctx;
        ctx.emit('out', 1);
        ctx.progress(1, 2);
        log.info('writes without its context');
        // @ts-expect-error it would lose its context
        emit('out', 1);
        // @ts-expect-error as above
        progress(1, 2);
        // @ts-expect-error the item has another type
        ctx.emit('out', '1');
      },
    });
  });
});

describe('a routine type', () => {
  test('keeps what it was made of', () => {
    expectTypeOf(double).toExtend<RoutineType>();
    expectTypeOf<Parameters<typeof double.run>[0]>().toExtend<{ readonly number: number }>();
    expectTypeOf<Parameters<typeof double.run>[1]>().toExtend<ActivationContext>();
  });

  test('names secrets that its configuration may have', () => {
    const config = z.object({ token: z.string(), auth: z.object({ key: z.string() }).optional() });
    const type = defineRoutine({
      type: 'asking',
      config,
      secrets: ['token', 'auth.key'],
      run: (_, ctx) => ctx.config.token,
    });
    expectTypeOf(type).toExtend<RoutineType>();
    expectTypeOf(defineRoutine({ ...type })).toExtend<RoutineType>();
    // @ts-expect-error there is no such key
    defineRoutine({ type: 'asking', config, secrets: ['tokn'], run: () => undefined });
    // @ts-expect-error as above
    defineRoutine({ type: 'asking', config, secrets: ['tokn.key'], run: () => undefined });
    const any: z.ZodType<unknown> = z.unknown();
    defineRoutine({ type: 'asking', config: any, secrets: ['who.knows'], run: () => undefined });
  });

  test('can be made by generic functions', () => {
    const identity = <T>() =>
      defineRoutine({
        type: 'identity',
        slots: { in: slot<T>() },
        events: { out: event<T>() },
        run: (inputs, ctx) => {
          ctx.emit('out', inputs.in);
        },
      });
    defineFlow({ id: 'flow', input: z.date() }, (f) => {
      const same = f.add('same', identity<Date>());
      f.connect(f.input, same.slots.in);
      expectTypeOf(same.events.out).toEqualTypeOf<EventPort<Date>>();
      // @ts-expect-error a date is no number
      f.connect(same.events.out, f.add('twice', double).slots.number);
    });
  });
});

describe('a flow', () => {
  const flow = defineFlow({ id: 'flow', input: z.object({ n: z.number().default(1) }) }, (f) => {
    const twice = f.add('twice', double);
    const loud = f.add('loud', shout);
    expectTypeOf(f.input).toEqualTypeOf<EventPort<{ n: number }>>();
    return { sum: twice.events.doubled, text: loud.events.shouted };
  });

  test('is typed by its input before the check and by its outputs', async () => {
    expectTypeOf(flow).toEqualTypeOf<
      Flow<{ n?: number | undefined }, { readonly sum: number; readonly text: string }>
    >();
    const result = await createEngine().run(flow, {});
    expectTypeOf(result.outputs.sum).toEqualTypeOf<readonly number[]>();
    expectTypeOf(result.outputs.text).toEqualTypeOf<readonly string[]>();
    // @ts-expect-error there is no such output
    void result.outputs.other;
  });

  test('takes no other input', () => {
    const engine = createEngine();
    // @ts-expect-error the input has another type
    engine.start(flow, { n: 'one' });
    // @ts-expect-error the input is missing
    engine.start(flow);
  });

  test('of any kind fits where flows are listed', () => {
    expectTypeOf(flow).toExtend<Flow>();
  });
});
