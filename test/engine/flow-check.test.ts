import {
  allSlotsReady,
  batchSize,
  defineFlow,
  defineRoutine,
  event,
  type FlowBuilder,
  FlowDefinitionError,
  type FlowFault,
  immediate,
  isFlow,
  none,
  slot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { emits, keeps, passes } from './parts.ts';

/** The faults of a flow, as `CODE at`. */
function faultsOf(build: (f: FlowBuilder<unknown>) => void, id = 'faulty'): readonly FlowFault[] {
  try {
    defineFlow({ id }, build);
  } catch (error) {
    if (error instanceof FlowDefinitionError) return error.faults;
    throw error;
  }
  return [];
}

const codesOf = (faults: readonly FlowFault[]) => faults.map(({ code, at }) => `${code} ${at}`);

/** Adds a source and a consumer that are connected, with the given placement of the consumer. */
function pair(f: FlowBuilder<unknown>, placement: Parameters<typeof f.add>[2] = {}) {
  const source = f.add('source', emits([1]));
  const end = f.add('end', keeps<number>([]), placement as never); // faults may be of any kind
  f.connect(source.events.item, end.slots.item);
}

describe('a flow that can not run is refused', () => {
  test.each<[string, string, (f: FlowBuilder<unknown>) => void]>([
    ['without a routine', 'EMPTY_FLOW undefined', () => undefined],
    [
      'with an id that is no name',
      'INVALID_ID 1st',
      (f) => {
        f.add('1st', emits([]));
      },
    ],
    [
      'with a slot that has no proper name',
      'INVALID_ID end.my slot',
      (f) => {
        const type = defineRoutine({
          type: 't',
          slots: { 'my slot': slot({ required: false }) },
          run: () => undefined,
        });
        f.add('end', type);
      },
    ],
    [
      'with an event that has no proper name',
      'INVALID_ID end.my.event',
      (f) => {
        const type = defineRoutine({ type: 't', events: { 'my.event': event() }, run: () => 0 });
        f.add('end', type);
      },
    ],
    [
      'with two routines of one id',
      'DUPLICATE_ROUTINE same',
      (f) => {
        f.add('same', emits([]));
        f.add('same', emits([]));
      },
    ],
    [
      'with a connection twice',
      'DUPLICATE_CONNECTION end.item',
      (f) => {
        pair(f);
        f.connectByName({ routine: 'source', event: 'item' }, { routine: 'end', slot: 'item' });
      },
    ],
    [
      'with its input connected twice to a slot',
      'DUPLICATE_CONNECTION end.item',
      (f) => {
        const end = f.add('end', keeps<unknown>([]));
        f.connect(f.input, end.slots.item);
        f.connect(f.input, end.slots.item);
      },
    ],
    [
      'with a connection from nowhere',
      'UNKNOWN_ROUTINE ghost.item',
      (f) => {
        pair(f);
        f.connectByName({ routine: 'ghost', event: 'item' }, { routine: 'end', slot: 'item' });
      },
    ],
    [
      'with a connection to nowhere',
      'UNKNOWN_ROUTINE ghost.item',
      (f) => {
        pair(f);
        f.connectByName({ routine: 'source', event: 'item' }, { routine: 'ghost', slot: 'item' });
      },
    ],
    [
      'with a connection to an unknown slot',
      'UNKNOWN_SLOT end.items',
      (f) => {
        pair(f);
        f.connectByName({ routine: 'source', event: 'item' }, { routine: 'end', slot: 'items' });
      },
    ],
    [
      'with a connection from an unknown event',
      'UNKNOWN_EVENT source.toString',
      (f) => {
        pair(f);
        f.connectByName({ routine: 'source', event: 'toString' }, { routine: 'end', slot: 'item' });
      },
    ],
    [
      'with a required slot that nothing feeds',
      'UNCONNECTED_SLOT end.item',
      (f) => {
        f.add('end', keeps([]));
      },
    ],
    [
      'with a slot too small for its policy',
      'SLOT_TOO_SMALL end.item',
      (f) => {
        const type = defineRoutine({
          type: 't',
          slots: { item: slot<number>({ maxLength: 9 }) },
          policy: batchSize(10),
          run: () => undefined,
        });
        f.connect(f.add('source', emits([1])).events.item, f.add('end', type).slots.item);
      },
    ],
    ['with a concurrency of 0', 'INVALID_OPTION end', (f) => pair(f, { concurrency: 0 })],
    ['with a broken concurrency', 'INVALID_OPTION end', (f) => pair(f, { concurrency: 1.5 })],
    ...[['auth..token'], [''], [1], 'token'].map(
      (secrets): [string, string, (f: FlowBuilder<unknown>) => void] => [
        `with the secrets ${JSON.stringify(secrets)}`,
        'INVALID_OPTION source',
        (f) => {
          const config = z.object({ token: z.string().default('') });
          const type = defineRoutine({
            type: 't',
            config,
            secrets: secrets as never, // as code without types may say it
            run: () => undefined,
          });
          f.add('source', type);
        },
      ],
    ),
    [
      'with secrets of no configuration',
      'INVALID_OPTION source',
      (f) => {
        f.add('source', { ...emits([]), secrets: ['token'] as never });
      },
    ],
    ['with a timeout of 0', 'INVALID_OPTION end', (f) => pair(f, { timeoutMs: 0 })],
    ['with a timeout of NaN', 'INVALID_OPTION end', (f) => pair(f, { timeoutMs: Number.NaN })],
    [
      'with a slot for nothing',
      'INVALID_OPTION end.item',
      (f) => pair(f, { slots: { item: { maxLength: 0 } } } as never),
    ],
    [
      'with a watermark of 0',
      'INVALID_OPTION end.item',
      (f) => pair(f, { slots: { item: { watermark: 0 } } } as never),
    ],
    [
      'with a watermark above 1',
      'INVALID_OPTION end.item',
      (f) => pair(f, { slots: { item: { watermark: 1.1 } } } as never),
    ],
    [
      'with an overflow policy that does not exist',
      'INVALID_OPTION end.item',
      (f) => pair(f, { slots: { item: { overflow: 'drop' } } } as never),
    ],
    [
      'with an error strategy that does not exist',
      'INVALID_OPTION end',
      (f) => pair(f, { onError: 'ignore' as never }),
    ],
    [
      'with a policy that has no slots to take from',
      'INVALID_OPTION source',
      (f) => {
        const type = defineRoutine({ type: 't', policy: immediate(), run: () => undefined });
        f.add('source', type);
      },
    ],
  ])('%s', (_, expected, build) => {
    expect(codesOf(faultsOf(build))).toEqual([expected]);
  });

  test('with an id that is no name', () => {
    expect(codesOf(faultsOf((f) => pair(f), 'no name'))).toEqual(['INVALID_ID undefined']);
  });

  test('with an output that is no routine’s event', () => {
    const define = () =>
      defineFlow({ id: 'echo' }, (f) => {
        pair(f);
        return { out: f.input };
      });
    expect(define).toThrow(/Output "out" is the job's input/);
  });

  test('with a configuration that does not fit, each fault with its path', () => {
    const type = defineRoutine({
      type: 't',
      config: z.object({ size: z.number().min(1), names: z.array(z.string()) }),
      run: () => undefined,
    });
    const faults = faultsOf((f) => {
      f.add('end', type, { config: { size: 0, names: ['a', 2 as never] } });
    });
    expect(codesOf(faults)).toEqual(['INVALID_CONFIG end']);
    expect(faults[0]?.message).toMatch(/^Configuration of "end": size: .*; names\[1\]: /);
  });

  test('every fault is told at once, and each says what to do', () => {
    const build = (f: FlowBuilder<unknown>) => {
      pair(f, { concurrency: 0 });
      f.add('end', keeps([]));
      f.add('2nd', keeps([]));
      f.connectByName({ routine: 'source', event: 'items' }, { routine: 'end', slot: 'things' });
    };
    const faults = faultsOf(build);
    expect(codesOf(faults).sort()).toEqual([
      'DUPLICATE_ROUTINE end',
      'INVALID_ID 2nd',
      'INVALID_OPTION end',
      'UNCONNECTED_SLOT 2nd.item',
      'UNKNOWN_EVENT source.items',
      'UNKNOWN_SLOT end.things',
    ]);
    expect(() => defineFlow({ id: 'many' }, build)).toThrow(/^Flow "many" has 6 faults:/);
    for (const { code, message } of faults) {
      expect(() => defineFlow({ id: 'many' }, build)).toThrow(`${code}: ${message}`);
    }
    expect(faults.find(({ code }) => code === 'UNKNOWN_SLOT')?.message).toContain('known: item');
  });
});

describe('a warning', () => {
  test('names routines that nothing reaches, and all that only they lead to', () => {
    const flow = defineFlow({ id: 'islands' }, (f) => {
      pair(f);
      const lonely = f.add('lonely', passes<number>());
      const after = f.add('after', passes<number>());
      f.connect(lonely.events.item, after.slots.item);
      f.connect(after.events.item, lonely.slots.item);
    });
    expect(flow.warnings.map(({ code, at }) => `${code} ${at}`)).toEqual([
      'UNREACHABLE_ROUTINE lonely',
      'UNREACHABLE_ROUTINE after',
    ]);
  });

  test('is told for a routine that waits for all its slots when one of them has nothing to come', () => {
    const flow = defineFlow({ id: 'half' }, (f) => {
      const type = defineRoutine({
        type: 't',
        slots: { left: slot<number>(), right: slot<number>({ required: false }) },
        policy: allSlotsReady(),
        run: () => undefined,
      });
      f.connect(f.add('source', emits([1])).events.item, f.add('half', type).slots.left);
    });
    expect(codesOf(flow.warnings)).toEqual(['UNREACHABLE_ROUTINE half']);
    expect(flow.warnings[0]?.message).toContain('half.right');
  });

  test('is not told of a flow that is in order', () => {
    const flow = defineFlow({ id: 'fine' }, (f) => pair(f));
    expect(flow.warnings).toEqual([]);
  });
});

describe('a flow', () => {
  test('has every default filled in, which a placement can replace', () => {
    const flow = defineFlow({ id: 'defaults', description: 'd', version: '1' }, (f) => {
      const source = f.add('source', emits([1]));
      const slots = { item: { maxLength: 5, overflow: 'dropOldest' } } as const;
      f.connect(source.events.item, f.add('plain', keeps<number>([])).slots.item);
      f.connect(source.events.item, f.add('own', keeps<number>([]), { slots }).slots.item);
    });
    expect(flow.routines.map(({ id, policy }) => [id, policy.kind])).toEqual([
      ['source', 'NONE'],
      ['plain', 'IMMEDIATE'],
      ['own', 'IMMEDIATE'],
    ]);
    expect(flow.routines[1]).toMatchObject({ concurrency: 1, onError: 'stop' });
    expect(flow.routines[1]?.slots[0]).toEqual({
      name: 'item',
      description: undefined,
      required: true,
      maxLength: 1000,
      watermark: 0.8,
      overflow: 'block',
    });
    expect(flow.routines[2]?.slots[0]).toMatchObject({ maxLength: 5, overflow: 'dropOldest' });
    expect(flow).toMatchObject({ id: 'defaults', description: 'd', version: '1' });
  });

  test('can be told from other values, and not changed', () => {
    const flow = defineFlow({ id: 'fine' }, (f) => pair(f));
    expect(isFlow(flow)).toBe(true);
    expect([isFlow({ id: 'fine' }), isFlow(null), isFlow('fine')]).toEqual([false, false, false]);
    expect(Object.isFrozen(flow)).toBe(true);
  });

  test('takes a policy of its own for a placed routine', () => {
    const type = defineRoutine({
      type: 't',
      slots: { item: slot<number>() },
      policy: none(),
      run: () => undefined,
    });
    const flow = defineFlow({ id: 'own' }, (f) => {
      const end = f.add('end', type, { policy: batchSize(3) });
      f.connect(f.add('source', emits([1])).events.item, end.slots.item);
    });
    expect(flow.routines[0]?.policy.config).toEqual({ size: 3, flush: true });
  });
});
