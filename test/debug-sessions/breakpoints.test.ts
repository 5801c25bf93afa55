import { describe, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import type { JobEvent } from '../../src/pubsub/topics.ts';
import { ended, openApp } from '../api/api.ts';
import { Gate, range } from '../engine/parts.ts';
import { until } from '../support/manual-clock.ts';
import { AT_MIDDLE, inStatus, numbers, outputOf, start } from './debugged.ts';

const ME = { actor: 'me' } as const;

/** Everything that happens from now on in jobs, of a type. */
function listen<Type extends JobEvent['type']>(app: App, type: Type) {
  const events: Extract<JobEvent, { type: Type }>[] = [];
  const leave = app.pubsub.subscribe('jobEvent', (event) => {
    if (event.type === type) events.push(event as (typeof events)[number]);
  });
  return { events, leave };
}

describe('O3 breakpoints of a flow', () => {
  test('stop every job that is started, and count in all of them together', async () => {
    const app = await openApp({ flows: [numbers()] });
    const { breakpoints, debug } = app.createContext();
    const added = await breakpoints.add({ flowId: 'numbers', ...ME, ...AT_MIDDLE });
    expect(added).toMatchObject({ flowId: 'numbers', jobId: undefined, isEnabled: true });
    const hits = listen(app, 'BREAKPOINT_HIT');
    const jobIds = [await start(app, 'numbers'), await start(app, 'numbers')];
    for (const jobId of jobIds) {
      for (const item of range(3)) {
        const { stop, frames } = await inStatus(app, jobId, 'STOPPED');
        expect(stop).toMatchObject({ number: item + 1, breakpointIds: [added.id] });
        expect(frames).toMatchObject([{ routineId: 'middle', position: 'BEFORE' }]);
        await debug.continue({ jobId, ...ME });
      }
      await ended(app, jobId);
      expect(await outputOf(app, jobId)).toEqual(range(3));
    }
    expect(await breakpoints.find([added.id])).toMatchObject([
      { hitCount: 6, lastHitJobId: jobIds[1], lastHitActivationId: expect.any(Number) },
    ]);
    expect(hits.events).toHaveLength(6);
    expect(hits.events[0]).toMatchObject({
      jobId: jobIds[0],
      breakpointId: added.id,
      hitCount: 1,
      reason: 'BREAKPOINT',
      routineId: 'middle',
    });
    hits.leave();
  });

  test('count at once in jobs that run already, and go from them at once', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [numbers(3, 'numbers', gate.pass)] });
    const { breakpoints, debug } = app.createContext();
    const jobId = await start(app, 'numbers');
    await until(() => gate.waiting === 1);
    const { id } = await breakpoints.add({ flowId: 'numbers', ...ME, ...AT_MIDDLE });
    gate.open();
    await inStatus(app, jobId, 'STOPPED');
    expect(await breakpoints.ofJob(jobId)).toMatchObject([
      { breakpoint: { id }, progress: { hitCount: 1, problem: undefined } },
    ]);
    await breakpoints.clear({ flowId: 'numbers', ...ME });
    await debug.continue({ jobId, ...ME });
    const opening = setInterval(() => gate.openAll());
    await ended(app, jobId);
    clearInterval(opening);
    expect(await outputOf(app, jobId)).toEqual(range(3));
    expect(await breakpoints.ofJob(jobId)).toEqual([]);
  });

  test('that stop once are disabled then, for other jobs of the flow too', async () => {
    const app = await openApp({ flows: [numbers()] });
    const { breakpoints, debug } = app.createContext();
    const once = { flowId: 'numbers', ...ME, ...AT_MIDDLE, isOnce: true };
    const { id } = await breakpoints.add(once);
    const first = await start(app, 'numbers');
    await inStatus(app, first, 'STOPPED');
    await expect.poll(() => breakpoints.find([id])).toMatchObject([{ isEnabled: false }]);
    await ended(app, await start(app, 'numbers'));
    await debug.continue({ jobId: first, ...ME });
    await ended(app, first);
    expect(await breakpoints.find([id])).toMatchObject([{ hitCount: 1, isEnabled: false }]);
  });
});

describe('O3 breakpoints of a job', () => {
  test('stop that job only, until they are removed', async () => {
    const gate = new Gate();
    const flow = numbers(3, 'numbers', gate.pass);
    const app = await openApp({ flows: [flow] });
    const { breakpoints, debug } = app.createContext();
    const [jobId, other] = [await start(app, 'numbers'), await start(app, 'numbers')];
    await until(() => gate.waiting === 2);
    const { id } = await breakpoints.add({ jobId, ...ME, ...AT_MIDDLE });
    const opening = setInterval(() => gate.openAll());
    await inStatus(app, jobId, 'STOPPED');
    await ended(app, other);
    expect(await breakpoints.update(id, 'me', { condition: 'item > 1' })).toMatchObject({
      condition: 'item > 1',
      kind: 'ROUTINE',
    });
    await debug.continue({ jobId, ...ME });
    const { frames } = await inStatus(app, jobId, 'STOPPED');
    const [frame] = frames;
    const place = { activationId: frame?.activationId ?? 0, of: 'inputs' } as const;
    const { items } = await debug.readItems(jobId, place, { offset: 0, limit: 10 });
    expect(items).toMatchObject([{ value: { text: '2' } }]);
    expect(await breakpoints.remove(id, 'me')).toMatchObject({ id });
    expect(await breakpoints.find([id])).toEqual([undefined]);
    await debug.continue({ jobId, ...ME });
    await ended(app, jobId);
    clearInterval(opening);
  });

  test('are refused once it has ended, and stay to be looked at', async () => {
    const app = await openApp({ flows: [numbers()] });
    const { breakpoints } = app.createContext();
    const jobId = await start(app, 'numbers', {
      breakpoints: [{ ...AT_MIDDLE, logMessage: 'saw {item}' }],
    });
    await ended(app, jobId);
    const refused = { code: 'INVALID_STATE', message: expect.stringContaining('It has ended.') };
    await expect(breakpoints.add({ jobId, ...ME, ...AT_MIDDLE })).rejects.toMatchObject(refused);
    const [kept] = await breakpoints.ofJob(jobId);
    expect(kept).toMatchObject({ breakpoint: { logMessage: 'saw {item}' }, progress: undefined });
    const id = kept?.breakpoint.id ?? '';
    await expect(breakpoints.update(id, 'me', { isOnce: true })).rejects.toMatchObject(refused);
    await expect.poll(() => breakpoints.find([id])).toMatchObject([{ hitCount: 3 }]);
    await breakpoints.remove(id, 'me');
    expect(await breakpoints.ofJob(jobId)).toEqual([]);
  });
});

describe('O3 what is wrong with a breakpoint is said', () => {
  test('every fault with its path, and near names', async () => {
    const app = await openApp({ flows: [numbers()] });
    const { breakpoints } = app.createContext();
    const add = (given: object) =>
      breakpoints.add({ flowId: 'numbers', ...ME, kind: 'ROUTINE', ...given });
    await expect(add({ routineId: 'midle', hitCondition: 'often' })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      issues: [
        { path: ['input', 'routineId'], message: expect.stringContaining('"middle"') },
        { path: ['input', 'hitCondition'] },
      ],
    });
    await expect(add({ routineId: 'middle', condition: 'item >' })).rejects.toMatchObject({
      issues: [{ path: ['input', 'condition'] }],
    });
    expect(await breakpoints.count({})).toBe(0);
  });

  test('unknown jobs, flows and breakpoints', async () => {
    const app = await openApp({ flows: [numbers()] });
    const { breakpoints } = app.createContext();
    const notFound = { code: 'NOT_FOUND' };
    await expect(breakpoints.add({ flowId: 'number', ...ME, ...AT_MIDDLE })).rejects.toMatchObject(
      notFound,
    );
    await expect(breakpoints.add({ jobId: 'x', ...ME, ...AT_MIDDLE })).rejects.toMatchObject(
      notFound,
    );
    await expect(breakpoints.update('x', 'me', {})).rejects.toMatchObject(notFound);
    await expect(breakpoints.remove('x', 'me')).rejects.toMatchObject(notFound);
    await expect(breakpoints.ofJob('x')).rejects.toMatchObject(notFound);
  });

  test('more than 100 of a flow, also when they come at the same time', async () => {
    const app = await openApp({ flows: [numbers()] });
    const { breakpoints } = app.createContext();
    const add = () => breakpoints.add({ flowId: 'numbers', ...ME, ...AT_MIDDLE });
    const added = await Promise.allSettled(Array.from({ length: 103 }, add));
    const refused = added.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(3);
    expect(refused[0]).toMatchObject({ reason: { message: expect.stringContaining('100') } });
    expect(await breakpoints.count({ flowId: 'numbers' })).toBe(100);
    expect(await breakpoints.clear({ flowId: 'numbers', ...ME })).toBe(100);
    await add();
  });

  test('what arms it has to be of the same job or flow, and must not be armed by it', async () => {
    const app = await openApp({ flows: [numbers(), numbers(1, 'other')] });
    const { breakpoints } = app.createContext();
    const add = (flowId: string, after?: string) =>
      breakpoints.add({ flowId, ...ME, ...AT_MIDDLE, after });
    const first = await add('numbers');
    const second = await add('numbers', first.id);
    const issues = [{ path: ['input', 'after'] }];
    await expect(add('other', first.id)).rejects.toMatchObject({ issues });
    await expect(add('numbers', 'x')).rejects.toMatchObject({ issues });
    for (const after of [first.id, second.id]) {
      await expect(breakpoints.update(first.id, 'me', { after })).rejects.toMatchObject({ issues });
    }
    await breakpoints.remove(first.id, 'me');
    expect(await breakpoints.find([second.id])).toMatchObject([{ after: undefined }]);
  });
});

test('M8 log-points are told in the events of the job, and stop nothing', async () => {
  const app = await openApp({ flows: [numbers()] });
  const { debug, jobEvents } = app.createContext();
  const jobId = await start(app, 'numbers', {
    breakpoints: [{ ...AT_MIDDLE, logMessage: 'got {item + 1}', condition: 'item != 1' }],
    stopsAtEntry: true,
  });
  await inStatus(app, jobId, 'STOPPED');
  const filter = {
    job: await app.jobs.require(jobId),
    types: ['LOG_POINT'],
    since: jobEvents.mark(),
  } as const;
  const stream = jobEvents.subscribe(filter, false);
  await debug.continue({ jobId, ...ME });
  const told = [];
  for await (const event of stream) told.push(event);
  const [{ breakpoint } = { breakpoint: undefined }] = await app
    .createContext()
    .breakpoints.ofJob(jobId);
  const common = { type: 'LOG_POINT', breakpointId: breakpoint?.id, routineId: 'middle' };
  expect(told).toMatchObject([
    { ...common, message: 'got 1' },
    { ...common, message: 'got 3' },
  ]);
});
