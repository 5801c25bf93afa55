import { describe, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import type { BreakpointService } from '../../src/debug-sessions/breakpoint-service.ts';
import type { DebugService } from '../../src/debug-sessions/debug-service.ts';
import { createContext } from '../../src/graphql/context.ts';
import { ANYBODY } from '../../src/lib/identity.ts';
import { newId } from '../../src/lib/ids.ts';
import { openApp } from '../api/api.ts';
import { waiting } from '../api/flows.ts';
import { Gate } from '../engine/parts.ts';
import { forEachDatabase } from '../support/databases.ts';
import { until } from '../support/manual-clock.ts';
import { AT_MIDDLE, numbers } from './debugged.ts';

const as = (app: App, tenant: string) =>
  createContext(app.services, { ...ANYBODY, tenant, subject: `of ${tenant}` });

const startAs = async (app: App, tenant: string, flowId = 'numbers') =>
  (await app.jobs.forTenant(tenant).start({ flowId, input: 1 })).id;

/** The session of a job as soon as it stands still, or has ended. */
async function atRest(app: App, tenant: string, jobId: string) {
  for (;;) {
    const [session] = await as(app, tenant).debug.findMany([jobId]);
    if (session?.status === 'STOPPED' || session?.status === 'ENDED') return session;
    await new Promise((keep) => setImmediate(keep));
  }
}

/** What something is refused with, without the id in it. */
async function refusalOf(id: string, run: () => unknown) {
  try {
    await run();
  } catch (error) {
    const { name, code, message } = error as { name: string; code: string; message: string };
    return { name, code, message: message.replaceAll(id, 'ID') };
  }
  throw new Error('It was not refused.');
}

const REQUEST = { actor: undefined };
const SLOT = { routineId: 'middle', slot: 'item' };
const DATA = { scope: 'data', path: [] } as const;

/** Everything that names a job, but for what is looked at by itself. */
const DEBUG_CALLS: {
  readonly [Name in keyof DebugService]?: (debug: DebugService, jobId: string) => unknown;
} = {
  continue: (debug, jobId) => debug.continue({ ...REQUEST, jobId }),
  setVariable: (debug, jobId) => debug.setVariable({ ...REQUEST, jobId }, DATA, 1),
  replaceItem: (debug, jobId) => debug.replaceItem({ ...REQUEST, jobId }, 'x', 1),
  dropItem: (debug, jobId) => debug.dropItem({ ...REQUEST, jobId }, 'x'),
  injectItem: (debug, jobId) => debug.injectItem({ ...REQUEST, jobId }, SLOT, 1, {}),
  evaluate: (debug, jobId) => debug.evaluate(jobId, '1', {}),
  addWatch: (debug, jobId) => debug.addWatch({ ...REQUEST, jobId }, '1'),
  removeWatch: (debug, jobId) => debug.removeWatch({ ...REQUEST, jobId }, 'x'),
  takeOver: (debug, jobId) => debug.takeOver({ ...REQUEST, jobId }, { pauseTtlMs: 0 }),
  release: (debug, jobId) => debug.release({ ...REQUEST, jobId }),
  readItems: (debug, jobId) => debug.readItems(jobId, SLOT, { offset: 0, limit: 1 }),
  readItem: (debug, jobId) => debug.readItem(jobId, 'x'),
  readScopes: (debug, jobId) => debug.readScopes(jobId, {}),
  readVariable: (debug, jobId) => debug.readVariable(jobId, DATA),
  readChildren: (debug, jobId) => debug.readChildren(jobId, DATA, { offset: 0, limit: 1 }),
  complete: (debug, jobId) => debug.complete(jobId, '', 0, {}),
};
/** Those that do not refuse, and those that know no job. */
const OTHER_DEBUG_CALLS = ['findMany', 'watch', 'readWatches', 'validate', 'isEvaluationOn'];

const JOB_BREAKPOINT_CALLS: {
  readonly [Name in keyof BreakpointService]?: (all: BreakpointService, jobId: string) => unknown;
} = {
  add: (all, jobId) => all.add({ ...REQUEST, jobId, ...AT_MIDDLE }),
  clear: (all, jobId) => all.clear({ ...REQUEST, jobId }),
  ofJob: (all, jobId) => all.ofJob(jobId),
};

const BREAKPOINT_CALLS: typeof JOB_BREAKPOINT_CALLS = {
  update: (all, id) => all.update(id, undefined, { isEnabled: false }),
  remove: (all, id) => all.remove(id, undefined),
};
const OTHER_BREAKPOINT_CALLS = ['find', 'list', 'count'];

const LIST = { filter: {}, limit: 100, fromEnd: false };

describe('O7 breakpoints of a flow', () => {
  forEachDatabase(({ name, makeUrl }) => {
    test('hold in the jobs of the tenant that set them, and in no other', async () => {
      const app = await openApp({ flows: [numbers()], database: await makeUrl() });
      const acme = as(app, 'acme').breakpoints;
      const beta = as(app, 'beta').breakpoints;
      const atFirst = await acme.add({ ...REQUEST, flowId: 'numbers', ...AT_MIDDLE });
      const [ofAcme, ofBeta] = await Promise.all([startAs(app, 'acme'), startAs(app, 'beta')]);
      expect((await atRest(app, 'beta', ofBeta)).status).toBe('ENDED');
      expect((await atRest(app, 'acme', ofAcme)).stop?.breakpointIds).toEqual([atFirst.id]);
      expect(await acme.ofJob(ofAcme)).toMatchObject([{ progress: { hitCount: 1 } }]);
      expect(await beta.ofJob(ofBeta)).toEqual([]);

      // Each has its own at the same place, and what the one does to it is nothing to the other.
      const same = { ...REQUEST, flowId: 'numbers', ...AT_MIDDLE, idempotencyKey: 'same' };
      const other = await beta.add(same);
      const own = await acme.add(same);
      expect(own.id).not.toBe(other.id);
      expect((await beta.add(same)).id).toBe(other.id);
      const next = await startAs(app, 'beta');
      expect((await atRest(app, 'beta', next)).stop?.breakpointIds).toEqual([other.id]);
      expect(await acme.clear({ ...REQUEST, flowId: 'numbers' })).toBe(2);
      expect(await beta.list(LIST)).toMatchObject([{ id: other.id, hitCount: 1 }]);
      expect((await atRest(app, 'beta', await startAs(app, 'beta'))).status).toBe('STOPPED');
      expect(await beta.clear({ ...REQUEST, flowId: 'numbers' })).toBe(1);
    });

    test('reach no job of another tenant that runs already', async () => {
      const gate = new Gate();
      const app = await openApp({ flows: [waiting(gate)], database: await makeUrl() });
      const ids = [await startAs(app, 'acme', 'waiting'), await startAs(app, 'beta', 'waiting')];
      await until(() => gate.waiting === 2);
      const { breakpoints, debug } = as(app, 'beta');
      const after = { kind: 'EXCEPTION', routineId: 'wait' } as const;
      await breakpoints.add({ ...REQUEST, flowId: 'waiting', ...after });
      const progressOf = async (jobId = '') =>
        (await app.services.jobHost.debug.read(jobId))?.progress;
      expect(await progressOf(ids[0])).toEqual({});
      expect(Object.values((await progressOf(ids[1])) ?? {})).toMatchObject([{ hitCount: 0 }]);
      expect(await debug.findMany(ids)).toMatchObject([undefined, { status: 'RUNNING' }]);
      await gate.open();
    });

    test('are found, listed, counted and named by nobody else', async () => {
      const app = await openApp({ flows: [numbers()], database: await makeUrl() });
      const acme = as(app, 'acme').breakpoints;
      const { breakpoints: beta, jobs } = as(app, 'beta');
      const jobId = await startAs(app, 'acme');
      const ofFlow = await acme.add({ ...REQUEST, flowId: 'numbers', ...AT_MIDDLE });
      await atRest(app, 'acme', jobId);
      for (const filter of [{}, { flowId: 'numbers' }, { jobId }, { isOfFlow: true }]) {
        expect(await beta.list({ ...LIST, filter })).toEqual([]);
        expect(await beta.count(filter)).toBe(0);
      }
      expect(await beta.find([ofFlow.id])).toEqual([undefined]);
      expect(await acme.find([ofFlow.id])).toMatchObject([{ id: ofFlow.id }]);

      // What arms another is one of theirs; another's is as one that is not there.
      const unknown = newId();
      const arm = (after: string) => () =>
        beta.add({ ...REQUEST, flowId: 'numbers', ...AT_MIDDLE, after });
      expect(await refusalOf(ofFlow.id, arm(ofFlow.id))).toEqual(
        await refusalOf(unknown, arm(unknown)),
      );
      const startArmed = (after: string) => () =>
        jobs.forTenant('beta').start({
          flowId: 'numbers',
          input: 1,
          debug: { breakpoints: [{ ...AT_MIDDLE, after }] },
        });
      expect(await refusalOf(ofFlow.id, startArmed(ofFlow.id))).toEqual(
        await refusalOf(unknown, startArmed(unknown)),
      );
    });

    if (name === 'SQLite in memory') return;

    test('do so after the server was started again', async () => {
      const database = await makeUrl();
      const first = await openApp({ flows: [numbers()], database });
      const { breakpoints } = as(first, 'acme');
      const { id } = await breakpoints.add({ ...REQUEST, flowId: 'numbers', ...AT_MIDDLE });
      const stopped = await startAs(first, 'acme');
      await atRest(first, 'acme', stopped);
      await first.close();
      const app = await openApp({ flows: [numbers()], database });
      expect(await as(app, 'beta').debug.findMany([stopped])).toEqual([undefined]);
      expect((await atRest(app, 'acme', stopped)).stop?.breakpointIds).toEqual([id]);
      expect((await atRest(app, 'beta', await startAs(app, 'beta'))).status).toBe('ENDED');
      expect((await atRest(app, 'acme', await startAs(app, 'acme'))).status).toBe('STOPPED');
    });
  });
});

describe('O7 the debugger of a job of another tenant', () => {
  test('answers as for a job that there is not, whatever is asked', async () => {
    const app = await openApp({ flows: [numbers()], debugger: { evaluation: true } });
    const jobId = await startAs(app, 'acme');
    const own = as(app, 'acme');
    await own.breakpoints.add({ ...REQUEST, flowId: 'numbers', ...AT_MIDDLE });
    const stopped = await startAs(app, 'acme');
    await atRest(app, 'acme', jobId);
    await atRest(app, 'acme', stopped);
    await own.debug.addWatch({ ...REQUEST, jobId: stopped }, '1 + 1');
    const before = await own.debug.findMany([stopped]);
    const { debug, breakpoints } = as(app, 'beta');

    const names = [...Object.keys(DEBUG_CALLS), ...OTHER_DEBUG_CALLS];
    expect(Object.keys(debug).sort()).toEqual(names.sort()); // one that is new has to be put here
    const calls = [...Object.keys(JOB_BREAKPOINT_CALLS), ...Object.keys(BREAKPOINT_CALLS)];
    expect(Object.keys(breakpoints).sort()).toEqual([...calls, ...OTHER_BREAKPOINT_CALLS].sort());

    const unknown = newId();
    const notFound = { name: 'NotFoundError', code: 'NOT_FOUND', message: 'There is no Job "ID".' };
    for (const id of [stopped, unknown]) {
      for (const [name, call] of Object.entries(DEBUG_CALLS)) {
        expect(await refusalOf(id, () => call(debug, id)), name).toEqual(notFound);
      }
      for (const [name, call] of Object.entries(JOB_BREAKPOINT_CALLS)) {
        expect(await refusalOf(id, () => call(breakpoints, id)), name).toEqual(notFound);
      }
      expect(await debug.findMany([id])).toEqual([undefined]);
      expect(await debug.readWatches(id)).toEqual([]);
      expect(await debug.watch(id, 20).next()).toEqual({ value: undefined, done: true });
    }
    // None of it came to anything.
    expect(await own.debug.findMany([stopped])).toEqual(before);
    expect(await own.debug.readWatches(stopped)).toMatchObject([{ problem: undefined }]);
  });

  test('so do its breakpoints', async () => {
    const app = await openApp({ flows: [numbers()] });
    const own = as(app, 'acme').breakpoints;
    const debug = { breakpoints: [AT_MIDDLE] };
    const { id: jobId } = await app.jobs
      .forTenant('acme')
      .start({ flowId: 'numbers', input: 1, debug });
    await atRest(app, 'acme', jobId);
    const [{ breakpoint } = { breakpoint: undefined }] = await own.ofJob(jobId);
    expect(breakpoint).toMatchObject({ tenant: 'acme', jobId, hitCount: 1 });
    const known = breakpoint?.id ?? '';
    const ofFlow = await own.add({ ...REQUEST, flowId: 'numbers', ...AT_MIDDLE });
    const { breakpoints } = as(app, 'beta');
    const notFound = { code: 'NOT_FOUND', message: 'There is no Breakpoint "ID".' };
    for (const id of [known, ofFlow.id, newId()]) {
      for (const [name, call] of Object.entries(BREAKPOINT_CALLS)) {
        expect(await refusalOf(id, () => call(breakpoints, id)), name).toMatchObject(notFound);
      }
      expect(await breakpoints.find([id])).toEqual([undefined]);
    }
    expect(await own.find([known, ofFlow.id])).toEqual([breakpoint, ofFlow]);
  });
});
