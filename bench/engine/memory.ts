import { createEngine, defineFlow, defineRoutine, event, slot } from 'millrace/engine';
import { collectGarbage, median } from '../harness/rounds.ts';
import { type Datum, step } from './work.ts';

/** The process's memory at one time, in MiB. */
export interface MemorySample {
  readonly items: number;
  readonly rssMib: number;
  readonly heapMib: number;
}

/**
 * Runs an endless stream into a consumer that is slower than its source, so that back-pressure holds the source,
 * and samples the memory until `runMs` are over; the job is then cancelled.
 */
export async function sampleMemory(runMs: number, everyMs: number): Promise<MemorySample[]> {
  let consumed = 0;
  const source = defineRoutine({
    type: 'endless-source',
    events: { datum: event<Datum>() },
    run: async (_, ctx) => {
      for (let id = 0; !ctx.signal.aborted; id++) {
        const waiting = ctx.emit('datum', { id, value: 0 });
        if (waiting !== undefined) await waiting;
      }
    },
  });
  const stage = defineRoutine({
    type: 'stage',
    slots: { datum: slot<Datum>() },
    events: { next: event<Datum>() },
    run: ({ datum }, ctx) => ctx.emit('next', step(datum)),
  });
  const consumer = defineRoutine({
    type: 'asynchronous-consumer',
    slots: { datum: slot<Datum>() },
    run: async () => {
      consumed++;
      await undefined;
      await undefined;
    },
  });
  const flow = defineFlow({ id: 'endless' }, (f) => {
    const from = f.add('source', source);
    const first = f.add('first', stage);
    const second = f.add('second', stage);
    f.connect(from.events.datum, first.slots.datum);
    f.connect(first.events.next, second.slots.datum);
    f.connect(second.events.next, f.add('consumer', consumer).slots.datum);
  });

  const job = createEngine().start(flow, undefined);
  const samples: MemorySample[] = [];
  const timer = setInterval(() => {
    // The heap is what is alive, so garbage goes first; the process's size shows what is really held.
    collectGarbage();
    const { rss, heapUsed } = process.memoryUsage();
    samples.push({ items: consumed, rssMib: rss / 2 ** 20, heapMib: heapUsed / 2 ** 20 });
  }, everyMs);
  await new Promise((resolve) => setTimeout(resolve, runMs));
  clearInterval(timer);
  job.cancel();
  await job.settled;
  return samples;
}

/** The median of each quarter of the run: flat memory shows the same four times. */
export function summariseQuarters(samples: readonly MemorySample[]): MemorySample[] {
  const size = Math.floor(samples.length / 4);
  return [0, 1, 2, 3].map((quarter) => {
    const part = samples.slice(quarter * size, (quarter + 1) * size);
    return {
      items: part.at(-1)?.items ?? 0,
      rssMib: median(part.map(({ rssMib }) => rssMib)),
      heapMib: median(part.map(({ heapMib }) => heapMib)),
    };
  });
}
