import { checkBreakpoint } from '../debugger/check-breakpoint.ts';
import type { DebugHost } from '../debugger/debug-host.ts';
import type { NewBreakpoint } from '../debugger/debug-request.ts';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError, NotFoundError, ValidationError } from '../lib/domain-error.ts';
import { newId } from '../lib/ids.ts';
import type { Tenanted } from '../lib/tenanted.ts';
import { createTurns } from '../lib/turns.ts';
import {
  type BreakpointReader,
  type BreakpointReaderDeps,
  createBreakpointReader,
} from './breakpoint-reader.ts';
import { checkAfter } from './check-arming.ts';
import { KeyConflictError } from './debug-errors.ts';
import type { BreakpointPatch, KeptBreakpoint } from './kept-breakpoint.ts';
import { MOST_BREAKPOINTS, TOO_MANY } from './limits.ts';
import { NEVER_HIT, toBreakpoint } from './new-breakpoint.ts';
import type { OpenJob } from './open-jobs.ts';
import type { SessionOwners } from './session-owners.ts';

/** Where a breakpoint belongs, and who wants to change it. */
export interface BreakpointRequest {
  /** For one of a job. Exactly one of this and `flowId` is given. */
  readonly jobId?: string | undefined;
  /** For one that every job of the flow has that is of the same tenant, also those that run already. */
  readonly flowId?: string | undefined;
  /** As of a `SessionRequest`. */
  readonly actor: string | undefined;
}

/** What people change in a breakpoint. What is given as `undefined` is taken away. */
export type BreakpointChanges = Omit<BreakpointPatch, 'updatedAt'>;

/**
 * What people of one tenant do to its breakpoints. Those of others are not there, nor are their jobs. Each change is stored before it is answered, and counts in all jobs concerned then.
 *
 * Changing those of a job is a command in its session: it is refused with a `SessionOwnedError` while somebody else
 * owns that. Those of a flow are nobody's, and so are those of a job that has ended. A breakpoint that arms others may be
 * removed: they are armed from then on. All throw `NotFoundError` for a job, flow or breakpoint that is not there, and
 * `StorageUnavailableError`; `add` and `update` `InvalidJobStateError` for a job that has ended.
 */
export interface BreakpointService extends BreakpointReader {
  /**
   * The same key, 1–200 characters, answers the breakpoint that was made with it first, as long as that is there.
   * @throws ValidationError with every fault, and when there are as many as a job or flow may have; KeyConflictError
   *   when the key was used for one at another place
   */
  add(
    request: BreakpointRequest & NewBreakpoint & { readonly idempotencyKey?: string | undefined },
  ): Promise<KeptBreakpoint>;
  /** @throws ValidationError */
  update(
    id: string,
    actor: string | undefined,
    changes: BreakpointChanges,
  ): Promise<KeptBreakpoint>;
  /** Answers the breakpoint as it was. Also of a job that has ended. */
  remove(id: string, actor: string | undefined): Promise<KeptBreakpoint>;
  /** Removes all of a job, also of one that has ended, or all of a flow that are not of one of its jobs; answers how many. */
  clear(request: BreakpointRequest): Promise<number>;
}

export interface BreakpointServiceDeps extends BreakpointReaderDeps {
  readonly flows: FlowRegistry;
  readonly owners: SessionOwners;
  readonly host: Pick<DebugHost, 'read' | 'setBreakpoints'>;
  readonly clock: Clock;
  /** Told that the breakpoints of a job are others now. */
  readonly onChanged: (job: OpenJob) => void;
  /** Told of a job that could not be given its breakpoints. */
  readonly onFailure: (error: unknown, jobId: string) => void;
}

/** What says where a breakpoint is. */
const PLACE = ['jobId', 'flowId', 'kind', 'routineId', 'slot', 'event', 'pressureLevel'] as const;

type Scope = Pick<KeptBreakpoint, 'tenant' | 'jobId' | 'flowId'>;

/** The breakpoints of all tenants. */
export interface Breakpoints extends Tenanted<BreakpointService> {
  /** Disables a breakpoint that stops once, and has. */
  disable(id: string): Promise<void>;
}

export function createBreakpoints(deps: BreakpointServiceDeps): Breakpoints {
  const { book, store, flows, jobs: allJobs, owners, host, clock } = deps;
  const turns = createTurns();
  /** A breakpoint may arm another of the same tenant and flow. */
  const takeTurn = <Result>({ tenant, flowId }: Scope, task: () => Promise<Result>) =>
    turns.take(JSON.stringify([tenant, flowId]), task);

  const newest = (breakpoint: KeptBreakpoint) => book.get(breakpoint.id) ?? breakpoint;

  /** Hands all jobs concerned their breakpoints. */
  const apply = async ({ jobId, tenant, flowId }: Scope) => {
    const concerned =
      jobId === undefined ? allJobs.ofFlow(tenant, flowId) : [{ id: jobId, tenant, flowId }];
    const handOver = async (job: OpenJob) => {
      try {
        await host.setBreakpoints(job.id, book.inJob(job));
      } catch (error) {
        if (!(error instanceof DomainError)) deps.onFailure(error, job.id); // else it is ending
      }
      deps.onChanged(job);
    };
    await Promise.all(concerned.map(handOver));
  };

  /** Changes breakpoints. To do that with those of a job that can be debugged is a command in its session. */
  const run = async <Result>(
    scope: Scope,
    actor: string | undefined,
    change: () => Promise<Result>,
  ): Promise<Result> => {
    const { jobId } = scope;
    const take = () => takeTurn(scope, change);
    const job = jobId === undefined ? undefined : allJobs.get(jobId);
    if (job === undefined) return take();
    const result = await owners.run(job.id, actor, take);
    deps.onChanged(job);
    return result;
  };

  /** @param changed all fields, or those that were changed: one that does not count may be as it was, whatever that is */
  const check = (breakpoint: KeptBreakpoint, changed: Partial<KeptBreakpoint> = breakpoint) => {
    const flow = flows.get(breakpoint.flowId);
    const faults = [
      ...(flow === undefined ? [] : checkBreakpoint(flow, breakpoint)),
      ...checkAfter(breakpoint, book),
    ];
    const issues = faults.filter(
      ({ path: [field = ''] }) => breakpoint.isEnabled || field in changed,
    );
    if (issues.length === 0) return;
    throw new ValidationError(
      issues.map(({ path, message }) => ({ path: ['input', ...path], message })),
    );
  };

  /** The one that was made with the same key. @throws KeyConflictError when that is at another place */
  const findSame = async (wanted: KeptBreakpoint): Promise<KeptBreakpoint | undefined> => {
    const { idempotencyKey: key } = wanted;
    const known = key === undefined ? undefined : await store.findByKey(wanted.tenant, key);
    if (key === undefined || known === undefined) return undefined;
    if (PLACE.every((field) => known[field] === wanted[field])) return newest(known);
    throw new KeyConflictError(key, `breakpoint ${known.id}, which is at another place`);
  };

  /** Stores a change, and notes it where the breakpoint counts. What it has counted meanwhile stays. */
  const change = async (id: string, changes: BreakpointChanges): Promise<KeptBreakpoint> => {
    const patch = { ...changes, updatedAt: clock.now() };
    const stored = await store.update(id, patch);
    if (stored === undefined) throw new NotFoundError('Breakpoint', id);
    const counted = book.get(id);
    if (counted === undefined) return stored;
    const changed = { ...counted, ...patch };
    book.put(changed);
    return changed;
  };

  /** Those that a breakpoint arms, and that stay, are armed from now on. */
  const disarm = async (armed: readonly KeptBreakpoint[]) => {
    for (const { id } of armed) await change(id, { after: undefined });
  };

  const forTenant = (tenant: string): BreakpointService => {
    const jobs = allJobs.forTenant(tenant);

    const scopeOf = async ({ jobId, flowId }: BreakpointRequest): Promise<Scope> => {
      if ((jobId === undefined) === (flowId === undefined)) {
        throw new ValidationError([{ path: ['input'], message: 'Name either a job or a flow.' }]);
      }
      if (flowId !== undefined) return { tenant, jobId, flowId };
      const job = await jobs.find(jobId ?? '');
      return { tenant, jobId, flowId: job.flowId };
    };

    /** @throws InvalidJobStateError for one of a job that has ended */
    const requireOpen = async ({ jobId }: Scope) => {
      if (jobId !== undefined) await jobs.require(jobId, 'given other breakpoints');
    };

    const find = async (id: string): Promise<KeptBreakpoint> => {
      const open = book.get(id);
      const breakpoint = open?.tenant === tenant ? open : await store.find(tenant, id);
      if (breakpoint === undefined) throw new NotFoundError('Breakpoint', id);
      return breakpoint;
    };

    return {
      async add({ jobId, flowId, actor, idempotencyKey, ...wanted }) {
        const scope = await scopeOf({ jobId, flowId, actor });
        if (flowId !== undefined) flows.require(flowId);
        await requireOpen(scope);
        return run(scope, actor, async () => {
          const now = clock.now();
          const breakpoint: KeptBreakpoint = {
            ...toBreakpoint(newId(), wanted),
            ...scope,
            createdAt: now,
            updatedAt: now,
            ...NEVER_HIT,
            idempotencyKey,
          };
          const known = await findSame(breakpoint);
          if (known !== undefined) return known;
          check(breakpoint);
          const others =
            jobId === undefined ? book.ofFlow(tenant, scope.flowId) : book.ofJob(jobId);
          if (others.length >= MOST_BREAKPOINTS) {
            throw new ValidationError([{ path: ['input'], message: TOO_MANY }]);
          }
          await store.insert([breakpoint]);
          const first = await findSame(breakpoint); // another at the same time, of another flow or job
          if (first !== undefined && first.id !== breakpoint.id) return first;
          // The job may have ended meanwhile: then nothing will count in it any more.
          if (jobId === undefined || allJobs.has(jobId)) book.put(breakpoint);
          await apply(scope);
          return breakpoint;
        });
      },
      async update(id, actor, changes) {
        const scope = await find(id);
        await requireOpen(scope);
        return run(scope, actor, async () => {
          check({ ...(await find(id)), ...changes }, changes);
          const changed = await change(id, changes);
          await apply(scope);
          return changed;
        });
      },
      async remove(id, actor) {
        const scope = await find(id);
        return run(scope, actor, async () => {
          const removed = await find(id);
          await disarm(book.armedBy(id));
          await store.remove(id);
          book.remove(id);
          await apply(scope);
          return removed;
        });
      },
      async clear(request) {
        const scope = await scopeOf(request);
        const { jobId, flowId } = scope;
        // Those of a flow that is not on this server are there all the same.
        if (jobId === undefined && book.ofFlow(tenant, flowId).length === 0) flows.require(flowId);
        return run(scope, request.actor, async () => {
          const removed = jobId === undefined ? book.ofFlow(tenant, flowId) : book.ofJob(jobId);
          const ids = new Set(removed.map(({ id }) => id));
          const armed = removed.flatMap(({ id }) => book.armedBy(id));
          await disarm(armed.filter(({ id }) => !ids.has(id)));
          const count = await store.removeAll(jobId === undefined ? { tenant, flowId } : { jobId });
          for (const id of ids) book.remove(id);
          await apply(scope);
          return count;
        });
      },
      ...createBreakpointReader(deps, tenant),
    };
  };

  return {
    forTenant,
    async disable(id) {
      const scope = book.get(id);
      if (scope === undefined) return;
      await takeTurn(scope, async () => {
        if (book.get(id)?.isEnabled !== true) return;
        await change(id, { isEnabled: false });
        await apply(scope);
      });
    },
  };
}
