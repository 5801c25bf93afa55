import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createEngine, defineFlow, defineRoutine, event, slot } from 'millrace/engine';
import { expect, test } from 'vitest';
import { JobMonitor } from '../../src/monitoring/job-monitor.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void; // exposed by the flag above

const ITEMS = 10_000_000;
const SAMPLES = 10;

/** Bytes of live objects that a bounded job may gain or lose by chance. */
const SLACK_BYTES = 8 * 1024 * 1024;

test('memory stays flat for a long stream with back-pressure, monitored', async () => {
  const liveBytes: number[] = [];
  const source = defineRoutine({
    type: 'source',
    events: { item: event<{ readonly id: number }>() },
    async run(_, ctx) {
      for (let id = 0; id < ITEMS; id++) {
        const waiting = ctx.emit('item', { id });
        if (waiting !== undefined) await waiting;
        if (id % (ITEMS / SAMPLES) !== 0) continue;
        collectGarbage();
        liveBytes.push(process.memoryUsage().heapUsed);
      }
    },
  });
  const pass = defineRoutine({
    type: 'pass',
    slots: { item: slot<{ readonly id: number }>({ maxLength: 100 }) },
    events: { item: event<{ readonly id: number }>() },
    run: ({ item }, ctx) => ctx.emit('item', { id: item.id }),
  });
  const last = defineRoutine({
    type: 'last',
    slots: { item: slot<{ readonly id: number }>({ maxLength: 100 }) },
    run: () => undefined,
  });
  const flow = defineFlow({ id: 'stream' }, (f) => {
    const passed = f.add('pass', pass);
    f.connect(f.add('source', source).events.item, passed.slots.item);
    f.connect(passed.events.item, f.add('last', last).slots.item);
  });

  const job = createEngine().start(flow, undefined);
  const monitor = new JobMonitor(job);
  expect((await job.settled).state).toBe('COMPLETED');

  const [, first = 0, ...later] = liveBytes;
  expect(later).toHaveLength(SAMPLES - 2);
  for (const bytes of later) expect(bytes - first).toBeLessThan(SLACK_BYTES);
  const queues = monitor.read().routines.flatMap((routine) => routine.queues);
  expect(queues.map(({ consumedCount }) => consumedCount)).toEqual([ITEMS, ITEMS]);
  expect(monitor.countTrace({}).dropped).toBeGreaterThan(ITEMS);
});
