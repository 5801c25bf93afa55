import { checkBreakpoint } from '../debugger/check-breakpoint.ts';
import type { DebugSnapshot } from '../debugger/debug-host.ts';
import type { StartBreakpoint } from '../debugger/debug-request.ts';
import type { JobDebug } from '../jobs/job-debug.ts';
import { type Issue, ValidationError } from '../lib/domain-error.ts';
import { newId } from '../lib/ids.ts';
import type { BreakpointBook } from './breakpoint-book.ts';
import type { BreakpointStore } from './breakpoint-store.ts';
import { checkStartAfter } from './check-arming.ts';
import type { KeptBreakpoint } from './kept-breakpoint.ts';
import { checkPauseTtl, MOST_BREAKPOINTS, TOO_MANY } from './limits.ts';
import { NEVER_HIT, toBreakpoint } from './new-breakpoint.ts';
import type { OpenJobs } from './open-jobs.ts';
import { NEW_SESSION, type SessionBook } from './session-book.ts';
import type { SessionOwners } from './session-owners.ts';
import type { SessionStore } from './session-store.ts';
import type { StopLimits } from './stop-limits.ts';

export interface StartDebugDeps {
  readonly book: BreakpointBook;
  readonly breakpoints: BreakpointStore;
  readonly sessions: SessionBook;
  readonly sessionStore: SessionStore;
  readonly owners: SessionOwners;
  readonly limits: StopLimits;
  readonly jobs: OpenJobs;
  /** Told of what could not be removed. */
  readonly onFailure: (error: unknown, jobId: string) => void;
}

/** How long the session of a new job may take to be stored, in milliseconds. */
const STORE_LIMIT_MS = 10_000;

/** What jobs need of the debugger when they are started, taken up, paused and resumed. */
export function createStartDebug(deps: StartDebugDeps): JobDebug {
  const { book, breakpoints, sessions, sessionStore, owners, limits, jobs } = deps;

  const discard = (jobId: string) => {
    const hasSession = sessions.get(jobId) !== undefined;
    const hasBreakpoints = book.ofJob(jobId).length > 0;
    jobs.remove(jobId);
    limits.forget(jobId);
    sessions.forget(jobId);
    book.forgetJob(jobId);
    const removing = [
      ...(hasSession ? [sessionStore.remove(jobId)] : []),
      ...(hasBreakpoints ? [breakpoints.removeAll({ jobId })] : []),
    ];
    // What stays is removed at the next start.
    Promise.all(removing).catch((error: unknown) => deps.onFailure(error, jobId));
  };

  return {
    check(tenant, flow, request) {
      const { breakpoints: list, pauseTtlMs } = request;
      const path = ['input', 'debug'];
      const issues: Issue[] = checkPauseTtl(pauseTtlMs, [...path, 'pauseTtlMs']);
      if (list.length > MOST_BREAKPOINTS) {
        return [...issues, { path: [...path, 'breakpoints'], message: TOO_MANY }];
      }
      for (const [index, wanted] of list.entries()) {
        const faults = [
          ...checkBreakpoint(flow, toBreakpoint('', wanted)),
          ...checkStartAfter(list, index, { tenant, flowId: flow.id }, book),
        ];
        for (const { path: at, message } of faults) {
          issues.push({ path: [...path, 'breakpoints', index, ...at], message });
        }
      }
      return issues;
    },

    async prepare({ id: jobId, tenant, flowId, createdAt }, request) {
      const { breakpoints: list, stopsAtEntry = false, pauseTtlMs } = request;
      const own = { tenant, jobId, flowId, createdAt, updatedAt: createdAt };
      const made = makeBreakpoints(list, own);
      for (const breakpoint of made) book.put(breakpoint);
      const session = { ...NEW_SESSION, stopsAtEntry, pauseTtlMs };
      const hasSession = stopsAtEntry || pauseTtlMs !== undefined;
      if (hasSession) sessions.put(jobId, session);
      try {
        await Promise.all([
          breakpoints.insert(made),
          ...(hasSession ? [sessionStore.insert(jobId, session, STORE_LIMIT_MS)] : []),
        ]);
      } catch (error) {
        discard(jobId);
        throw error;
      }
    },

    startOf(job, isAnew = false) {
      const { id } = job;
      jobs.add(job);
      const { debug, stopsAtEntry = false } = sessions.get(id) ?? {};
      const { stop, step, stopCount, released } = debug ?? NEW_SESSION.debug;
      // A job that begins again stops at its entry if it stood still for the debugger, or was to soon.
      const stood = stop?.isByHand === false || step !== undefined;
      const isAtEntry = (stopsAtEntry && stopCount === 0) || (isAnew && stood);
      let before: DebugSnapshot | undefined = debug;
      if (!isAnew) limits.takeUp(id);
      else if (debug !== undefined) {
        // Where it stood is not there any more.
        before = { ...debug, stop: undefined, step: undefined, released: [] };
        sessions.change(id, { debug: before, resumeAt: undefined });
      }
      const counting = book.inJob(job);
      const goesOn = stop !== undefined || step !== undefined || released.length > 0;
      if (counting.length === 0 && !isAtEntry && !goesOn) return undefined;
      return { breakpoints: counting, stopsAtEntry: isAtEntry, before };
    },

    discard,

    async pause(jobId, { actor, pauseTtlMs }, pause) {
      if (pauseTtlMs === undefined) return pause();
      const issues = checkPauseTtl(pauseTtlMs, ['input', 'pauseTtlMs']);
      if (issues.length > 0) throw new ValidationError(issues);
      await jobs.require(jobId, 'paused');
      const result = await owners.run(jobId, actor, async () => {
        const paused = await pause();
        // What is kept of a job that has ended would stay.
        if (jobs.has(jobId)) sessions.change(jobId, { pauseTtlMs });
        return paused;
      });
      await sessions.saved(jobId);
      return result;
    },

    beforeResume: (jobId, actor) => owners.check(jobId, actor),
  };

  function makeBreakpoints(
    list: readonly StartBreakpoint[],
    own: Pick<KeptBreakpoint, 'tenant' | 'jobId' | 'flowId' | 'createdAt' | 'updatedAt'>,
  ): KeptBreakpoint[] {
    const ids = list.map(newId);
    return list.map(({ afterIndex, ...wanted }, at) => {
      const after = afterIndex === undefined ? wanted.after : ids[afterIndex];
      return {
        ...toBreakpoint(ids[at] ?? '', { ...wanted, after }),
        ...own,
        ...NEVER_HIT,
        idempotencyKey: undefined,
      };
    });
  }
}
