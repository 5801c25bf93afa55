import { createEngine, defineFlow, type JobRun } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { JobMonitor } from '../../src/monitoring/job-monitor.ts';
import { indexLinks, walkLineage } from '../../src/monitoring/lineage.ts';
import type { TraceLink } from '../../src/monitoring/readings.ts';
import { emits, inspecting, passes, slotOf } from '../engine/parts.ts';
import { until } from '../support/manual-clock.ts';

function makeLink(activationId: number, more: Partial<TraceLink> = {}): TraceLink {
  return {
    sequence: activationId,
    activationId,
    routineId: 'pass',
    attempt: 1,
    outcome: 'COMPLETED',
    startedAt: 0,
    waitMs: 0,
    runMs: 0,
    blockedMs: 0,
    parentIds: [],
    ...more,
  };
}

const trailOf = (links: readonly TraceLink[], activationCount = links.length) => ({
  byId: indexLinks(links),
  activationCount,
});

describe('an index of activations', () => {
  test('has the last run of each; one that has not ended is the last', () => {
    const byId = indexLinks([
      makeLink(1, { sequence: 3, attempt: 2 }),
      makeLink(1, { sequence: 1, attempt: 1 }),
      makeLink(2, { sequence: undefined, attempt: 2 }),
      makeLink(2, { sequence: 2 }),
    ]);
    expect([...byId.values()].map(({ attempt }) => attempt)).toEqual([2, 2]);
  });

  test('leaves out a past that did not count', () => {
    // Four had ended when the process was killed; the job went on from where two had begun.
    const resumedFrom = { sequence: 4, activationCount: 2 };
    const before = [1, 2, 3, 4].map((id) => makeLink(id, { parentIds: id === 4 ? [3] : [] }));
    const after = makeLink(3, { sequence: 5, routineId: 'other', resumedFrom });
    const byId = indexLinks([...before, after]);
    expect([...byId.keys()].sort()).toEqual([1, 2, 3]);
    expect(byId.get(3)?.routineId).toBe('other');
    const query = { from: [3], direction: 'DESCENDANTS' } as const;
    expect(walkLineage({ byId, activationCount: 3 }, query).steps).toHaveLength(1);
  });
});

describe('a walk along a lineage', () => {
  test('comes to each activation once, on the shortest way, also in a cycle of routines', () => {
    const links = [
      makeLink(1),
      makeLink(2, { parentIds: [1] }),
      makeLink(3, { parentIds: [1, 2] }),
      makeLink(4, { parentIds: [3, 1] }),
    ];
    const walk = walkLineage(trailOf(links), { from: [4], direction: 'ANCESTORS' });
    expect(walk.steps.map(({ depth, link }) => [depth, link.activationId])).toEqual([
      [0, 4],
      [1, 1],
      [1, 3],
      [2, 2],
    ]);
    expect(walk.isComplete).toBe(true);
  });

  test('takes no longer than there are links, however they are woven', () => {
    const links = Array.from({ length: 2_000 }, (_, at) =>
      makeLink(at + 1, { parentIds: Array.from({ length: Math.min(at, 50) }, (__, n) => at - n) }),
    );
    const forth = walkLineage(trailOf(links), { from: [1], direction: 'DESCENDANTS' });
    const back = walkLineage(trailOf(links), { from: [2_000], direction: 'ANCESTORS' });
    expect(forth.steps).toHaveLength(2_000);
    expect(back.steps).toHaveLength(2_000);
  });

  test('tells what is missing', () => {
    const trail = trailOf([makeLink(3, { parentIds: [1, 2] }), makeLink(4, { parentIds: [3] })], 5);
    expect(walkLineage(trail, { from: [4], direction: 'ANCESTORS' })).toMatchObject({
      isComplete: false,
      missingIds: [1, 2],
    });
    expect(walkLineage(trail, { from: [3], direction: 'DESCENDANTS' })).toMatchObject({
      isComplete: false, // the fifth is not known
      missingIds: [],
    });
    expect(walkLineage(trail, { from: [1], direction: 'DESCENDANTS' })).toMatchObject({
      isComplete: false,
      missingIds: [1],
      steps: [{ depth: 1 }, { depth: 2 }],
    });
    expect(walkLineage(trail, { from: [0, -1], direction: 'ANCESTORS' })).toEqual({
      isComplete: true,
      missingIds: [],
      steps: [],
    });
  });
});

describe('a monitor', () => {
  function start() {
    const flow = defineFlow({ id: 'passing' }, (f) => {
      const first = f.add('first', passes<number>());
      const second = f.add('second', passes<number>());
      f.connect(f.add('source', emits([1])).events.item, first.slots.item);
      f.connect(first.events.item, second.slots.item);
    });
    const inspector = inspecting({ holdsBefore: ({ routineId }) => routineId === 'second' });
    const job = createEngine().start(flow, undefined, { inspector });
    return { job, monitor: new JobMonitor(job) };
  }

  const release = (job: JobRun) => {
    for (const activation of job.suspended) job.release(activation);
  };

  test('tells of what is held what led there', async () => {
    const { job, monitor } = start();
    await until(() => job.suspended.size === 1);
    const { links, completeFrom, activationCount } = monitor.readLinks();
    expect(completeFrom).toBe(1);
    expect(activationCount).toBe(3);
    expect(links.at(-1)).toMatchObject({
      activationId: 3,
      routineId: 'second',
      sequence: undefined,
      outcome: undefined,
      runMs: 0,
    });
    const walk = walkLineage(
      { byId: indexLinks(links), activationCount },
      { from: [3], direction: 'ANCESTORS' },
    );
    expect(walk.steps.map(({ link }) => link.routineId)).toEqual(['second', 'first', 'source']);
    expect(monitor.findActivation(3)?.phase).toBe('HELD_BEFORE');
    expect(monitor.readActivations([3, 2])).toMatchObject([undefined, { routineId: 'first' }]);
    release(job);
    await job.settled;
    expect(monitor.readActivations([3])).toMatchObject([{ recorded: { kind: 'IN_MEMORY' } }]);
  });

  test('tells of an item that was put in by hand that no activation emitted it', async () => {
    const { job, monitor } = start();
    await until(() => job.suspended.size === 1);
    job.edits.inject(slotOf(job, 'first'), 7, false);
    release(job);
    await until(() => job.suspended.size === 1);
    release(job);
    await job.settled;
    const trace = monitor.readTrace({ filter: {}, limit: 10, fromEnd: false });
    const byHand = trace.find(({ otherOrigins }) => otherOrigins?.includes('BY_HAND'));
    expect(byHand).toMatchObject({
      routineId: 'first',
      parentIds: [],
      inputs: [{ emittedBy: undefined, origin: 'BY_HAND', item: { text: '7' } }],
    });
  });

  test('of a job that was taken up again tells from where it went on', async () => {
    const { job } = start();
    await until(() => job.suspended.size === 1);
    const snapshot = structuredClone(job.capture());
    job.cancel();
    const restored = createEngine().restore(job.flow, snapshot);
    const counted = { durations: {}, traceTotal: 9, logTotal: 0 };
    const monitor = new JobMonitor(restored, {}, counted);
    await restored.settled;
    expect(monitor.readLinks().links).toMatchObject([
      { activationId: 3, sequence: 10, resumedFrom: { sequence: 9, activationCount: 3 } },
    ]);
  });
});
