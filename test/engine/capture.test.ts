import {
  createEngine,
  defineFlow,
  defineRoutine,
  event,
  InvalidStateError,
  JobBusyError,
  type JobSnapshot,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { settle, until } from '../support/manual-clock.ts';
import { emitsAtOnce, Gate, inspecting, passes, range } from './parts.ts';
import { gatedFlow } from './snapshots.ts';

describe('capture', () => {
  test('is refused to synchronous code of the job, its observers and its inspector', async () => {
    const refusals = new Map<string, unknown>();
    const tryCapture = (from: string, job: { capture(): unknown }) => {
      try {
        job.capture();
        refusals.set(from, undefined);
      } catch (error) {
        refusals.set(from, error);
      }
    };
    const flow = defineFlow({ id: 'inside' }, (f) => {
      const source = f.add('source', {
        ...emitsAtOnce([1]),
        run: async (_: unknown, ctx: { log: { info(message: string): void } }) => {
          await settle(1);
          ctx.log.info('something');
        },
      });
      const end = f.add(
        'end',
        passes<number>(() => tryCapture('routine', job)),
      );
      f.connect(f.add('other', emitsAtOnce([1])).events.item, end.slots.item);
      return { items: source.events.item };
    });
    const job = createEngine().start(flow, undefined, {
      observers: [
        {
          stateChanged: (each) => each.state === 'RUNNING' && tryCapture('state', each),
          activationEnded: (each, { routineId }) => tryCapture(`end of ${routineId}`, each),
          logged: (each) => tryCapture('log', each),
        },
      ],
      inspector: inspecting({
        holdsBefore: () => {
          tryCapture('inspector', job);
          return false;
        },
      }),
    });
    await job.settled;
    expect([...refusals.keys()].sort()).toEqual([
      'end of end',
      'end of other',
      'end of source',
      'inspector',
      'log',
      'routine',
      'state',
    ]);
    for (const error of refusals.values()) expect(error).toBeInstanceOf(JobBusyError);
  });

  test('is allowed to asynchronous code, timers and microtasks between', async () => {
    const taken: JobSnapshot[] = [];
    const flow = defineFlow({ id: 'between' }, (f) => {
      const source = defineRoutine({
        type: 'source',
        events: { item: event<number>() },
        run: async (_, ctx) => {
          await settle(1);
          ctx.emit('item', 1);
          taken.push(job.capture());
          queueMicrotask(() => taken.push(job.capture()));
          setTimeout(() => taken.push(job.capture()), 0);
          await new Promise((keep) => setTimeout(keep, 5));
        },
      });
      f.connect(f.add('source', source).events.item, f.add('end', passes<number>()).slots.item);
    });
    const job = createEngine().start(flow, undefined);
    await job.settled;
    expect(taken).toHaveLength(3);
    expect(taken[0]).toMatchObject({ activations: [{ routineId: 'source', next: 'RUN' }] });
  });

  test('is refused before a job has started and after it has ended', async () => {
    const job = createEngine().start(gatedFlow(new Gate()), undefined);
    expect(() => job.capture()).toThrow(InvalidStateError);
    job.cancel();
    expect(() => job.capture()).toThrow(InvalidStateError);
    await job.settled;
  });

  test('changes nothing in the job, and a snapshot does not change with it', async () => {
    const gate = new Gate();
    const job = createEngine().start(gatedFlow(gate), undefined);
    await until(() => gate.waiting === 1);
    const snapshot = job.capture();
    const text = JSON.stringify(snapshot);
    while (job.state === 'RUNNING') {
      gate.openAll();
      await settle(1);
    }
    expect(JSON.stringify(snapshot)).toBe(text);
    expect(await job.settled).toMatchObject({ outputs: { items: range(5) } });
  });
});
