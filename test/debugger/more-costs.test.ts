import { createEngine, type Engine, type JobRun } from 'millrace/engine';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Breakpoint } from '../../src/debugger/breakpoint.ts';
import { createLocalJobHost } from '../../src/jobs/local-job-host.ts';
import { numbers } from '../debug-sessions/debugged.ts';
import { Gate } from '../engine/parts.ts';
import { ManualClock, settle, until } from '../support/manual-clock.ts';
import { breakpoint } from './debugging.ts';

/** A host with jobs of one flow, all of which wait at the gate in `middle`, and the runs inside. */
async function hosting(...all: readonly (readonly Breakpoint[] | undefined)[]) {
  const clock = new ManualClock();
  const gate = new Gate();
  const inner = createEngine({ clock, endGraceMs: 1 });
  const runs: JobRun[] = [];
  const engine: Engine = {
    ...inner,
    start(flow, input, options) {
      const job = inner.start(flow, input, options);
      runs.push(job);
      return job;
    },
  };
  const nothing = () => undefined;
  const host = createLocalJobHost({
    engine,
    clock,
    onFailure: nothing,
    listener: {
      starting: async () => undefined,
      checkpointed: async () => undefined,
      stateChanged: nothing,
      logged: nothing,
      recorded: nothing,
      debugChanged: nothing,
      breakpointHit: nothing,
    },
  });
  onTestFinished(async () => {
    const closed = host.close();
    gate.openAll();
    await clock.advance(1_000);
    await closed;
    expect(clock.timers).toBe(0);
  });
  const flow = numbers(3, 'numbers', gate.pass);
  for (const [at, breakpoints] of all.entries()) {
    const debug = breakpoints && { breakpoints, stopsAtEntry: false, before: undefined };
    const job = { jobId: `job-${at}`, tenant: 'default', flow, input: undefined, priority: 0 };
    await host.start({ ...job, debug });
  }
  return { host, runs, gate };
}

/** What a job asks its debugger about: of each routine whether about its starts, and about its outputs. */
function askedOf({ inspector, routines }: JobRun) {
  return {
    isAsked: inspector !== undefined,
    starts: routines.filter(({ asksStarts }) => asksStarts).map(({ id }) => id),
    outputs: routines.filter(({ asksOutputs }) => asksOutputs).map(({ id }) => id),
    queues: routines.flatMap(({ slots }) =>
      slots.filter(({ onAccepted }) => onAccepted !== undefined).map(({ owner }) => owner.id),
    ),
  };
}

const NOTHING = { isAsked: false, starts: [], outputs: [], queues: [] };

const AT_ALL: readonly Breakpoint[] = [
  breakpoint({ kind: 'ROUTINE', routineId: 'middle', condition: 'item > 100' }),
  breakpoint({ kind: 'EVENT', routineId: 'middle', event: 'item', condition: 'output > 100' }),
  breakpoint({ kind: 'PRESSURE', pressureLevel: 'CRITICAL' }),
];

describe('O3 what is asked of a job', () => {
  test('breakpoints of one job are no matter of the others, whenever they are set', async () => {
    const { host, runs, gate } = await hosting(AT_ALL, undefined, undefined);
    await until(() => gate.waiting === 3);
    const [first, second, third] = runs.map(askedOf);
    expect(first).toEqual({
      isAsked: true,
      starts: ['middle'],
      outputs: ['middle'],
      queues: ['middle'],
    });
    expect([second, third]).toEqual([NOTHING, NOTHING]);
    await host.debug.setBreakpoints('job-1', AT_ALL.slice(1, 2));
    expect(runs.map(askedOf)).toEqual([
      first,
      { isAsked: true, starts: [], outputs: ['middle'], queues: [] },
      NOTHING,
    ]);
    await host.debug.setBreakpoints('job-0', []);
    await host.debug.setBreakpoints('job-1', []);
    expect(runs.map(askedOf)).toEqual([NOTHING, NOTHING, NOTHING]);
  });

  test('nothing when all breakpoints are disabled, wait to be armed, or say nothing of the flow', async () => {
    const disabled = AT_ALL.map((each) => ({ ...each, isEnabled: false }));
    const armed = breakpoint({ kind: 'ROUTINE', routineId: 'middle', after: disabled[0]?.id });
    const wrong = breakpoint({ kind: 'ROUTINE', routineId: 'midle' });
    const { host, runs, gate } = await hosting([...disabled, armed, wrong], []);
    await until(() => gate.waiting === 2);
    expect(runs.map(askedOf)).toEqual([NOTHING, NOTHING]);
    await host.debug.setBreakpoints('job-0', AT_ALL);
    expect(runs[0]?.inspector).toBeDefined();
    await host.debug.setBreakpoints('job-0', disabled);
    expect(runs.map(askedOf)).toEqual([NOTHING, NOTHING]);
    for (const { settled } of runs) {
      const isOver = settled.then(() => true);
      while (!(await Promise.race([isOver, settle(1)]))) gate.openAll();
    }
    expect(runs.map(({ state }) => state)).toEqual(['COMPLETED', 'COMPLETED']);
  });

  test('a job that was looked at is left alone again: after a pause, a step, a stop', async () => {
    const { host, runs, gate } = await hosting(undefined);
    const [job] = runs;
    await until(() => gate.waiting === 1);
    if (job === undefined) throw new Error('There is no job.');
    await host.pause('job-0');
    await host.debug.continue('job-0', 'OVER');
    expect(askedOf(job)).toMatchObject({ isAsked: true, starts: ['source', 'middle'] });
    gate.open();
    await until(() => job.state === 'PAUSED');
    await host.debug.continue('job-0');
    expect(askedOf(job)).toEqual(NOTHING);
  });
});
