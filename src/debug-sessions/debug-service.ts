import type { BreakpointKind } from '../debugger/breakpoint.ts';
import type {
  Change,
  DebugHost,
  Evaluation,
  StepKind,
  VariableQuery,
  Where,
} from '../debugger/debug-host.ts';
import { readableNames } from '../debugger/readable-names.ts';
import { compileExpression } from '../expression/expression.ts';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import { NotFoundError, ValidationError } from '../lib/domain-error.ts';
import { newId } from '../lib/ids.ts';
import type { Tenanted } from '../lib/tenanted.ts';
import { checkText, type ExpressionCheck, type ExpressionUse } from './check-text.ts';
import { EvaluationOffError } from './debug-errors.ts';
import type { DebugSession, Watch } from './debug-session.ts';
import { createInjections, type Injections } from './injections.ts';
import { checkLease, checkPauseTtl } from './limits.ts';
import type { OpenJobs } from './open-jobs.ts';
import type { SessionBook } from './session-book.ts';
import {
  createSessionCommands,
  type SessionCommandsDeps,
  type SessionRequest,
} from './session-commands.ts';
import type { SessionReader } from './session-reader.ts';
import { createWatchBoard, type WatchBoard, type WatchReading } from './watch-board.ts';

/** What an expression would be used for, so that the names it may read are known. */
export interface ExpressionContext {
  readonly flowId?: string | undefined;
  readonly routineId?: string | undefined;
  /** For a breakpoint of this kind; without, for `evaluate` and watches, a log message for any. */
  readonly kind?: BreakpointKind | undefined;
  /** What it is: an expression as such, or the log message or hit condition of a breakpoint. Default `EXPRESSION`. */
  readonly use?: ExpressionUse | undefined;
}

/** How an item is put in a queue. */
export interface InjectOptions {
  /** Whether it goes before all that wait in the queue. Default false: behind them. */
  readonly isFirst?: boolean | undefined;
  /** The same item under the same key is put in once at each stop, as long as this process runs; 1–200 characters. */
  readonly idempotencyKey?: string | undefined;
}

export interface InjectedItem {
  readonly itemId: string;
  readonly change: Change;
}

/** What of a host's debugging can be read as it is. Free for all who may watch. */
export type DebugReads = Pick<
  DebugHost,
  'readItems' | 'readItem' | 'readScopes' | 'readVariable' | 'readChildren' | 'complete'
>;

/**
 * What people of one tenant do to its jobs with a debugger. Jobs of others are not there.
 *
 * A session has an owner while somebody works in it: the first command that succeeds in a session without an owner makes
 * who gave it the owner for the length of the lease, and each more of theirs renews it. Commands of others are refused with
 * a `SessionOwnedError` until it is over, or they take the session over. Looking and evaluating are no commands: all see
 * everything.
 *
 * A stop that nobody does anything about ends by itself after `pauseTtlMs`; each command of the owner begins that anew.
 * A job that somebody paused goes on by itself only when a limit was given for its session.
 *
 * All but `findMany`, `readWatches` and `validate` throw `NotFoundError` for a job that is not there, or of whose flow,
 * variable, item or activation that is so, and `InvalidJobStateError` when the job has ended, or has to stand still and
 * does not.
 */
export interface DebugService extends DebugReads {
  /** Whether expressions are evaluated, besides those of breakpoints. */
  readonly isEvaluationOn: boolean;
  /** In the order of the ids; `undefined` for a job that does not exist. */
  findMany: SessionReader['findMany'];
  /** The session as it is, then after each change, the newest at most at the rate asked for. Ends after `ENDED`. */
  watch: SessionReader['watch'];
  /** Lets the job go on, or makes a step. @throws SessionOwnedError; so do the commands that follow */
  continue(request: SessionRequest, step?: StepKind): Promise<DebugSession>;
  setVariable(request: SessionRequest, query: VariableQuery, value: unknown): Promise<Change>;
  replaceItem(request: SessionRequest, itemId: string, value: unknown): Promise<Change>;
  dropItem(request: SessionRequest, itemId: string): Promise<Change>;
  /** @throws SlotFullError, KeyConflictError when the key was used at this stop for another item */
  injectItem(
    request: SessionRequest,
    slot: { readonly routineId: string; readonly slot: string },
    value: unknown,
    options: InjectOptions,
  ): Promise<InjectedItem>;
  /** Changes nothing, and so is no command. @throws EvaluationOffError, ExpressionError, TooManyEvaluationsError */
  evaluate(jobId: string, expression: string, where: Where): Promise<Evaluation>;
  /**
   * An expression that is watched already answers the watch there is.
   * @throws EvaluationOffError, ExpressionError, ValidationError when it is too long or there are too many
   */
  addWatch(
    request: SessionRequest,
    expression: string,
  ): Promise<{ readonly session: DebugSession; readonly watch: Watch }>;
  /** @throws NotFoundError */
  removeWatch(request: SessionRequest, watchId: string): Promise<DebugSession>;
  /**
   * Makes somebody the owner, whoever was. `leaseMs` holds for this lease alone. `pauseTtlMs` is how long a stop lasts
   * from now on that nobody does anything about; 0 for ever, `undefined` leaves it as it is.
   * @throws ValidationError
   */
  takeOver(
    request: SessionRequest,
    options: { readonly leaseMs?: number | undefined; readonly pauseTtlMs?: number | undefined },
  ): Promise<DebugSession>;
  /** Gives the session up: nobody owns it then. */
  release(request: SessionRequest): Promise<DebugSession>;
  /**
   * At the present stop, in the order they were added, in the activation that stopped the job. Empty without a stop.
   * Worked out once for all who ask, until the job goes on, something is edited or the watches are others.
   */
  readWatches(jobId: string): Promise<readonly WatchReading[]>;
  /** Checks an expression without running it. @throws NotFoundError for a flow or routine that there is not */
  validate(expression: string, context: ExpressionContext): ExpressionCheck;
}

export interface DebugServicesDeps extends Omit<SessionCommandsDeps, 'jobs'> {
  readonly flows: FlowRegistry;
  readonly jobs: OpenJobs;
  readonly sessions: SessionBook;
  readonly readers: Tenanted<SessionReader>;
  readonly host: DebugHost;
  readonly isEvaluationOn: boolean;
}

/** The debugging of the jobs of all tenants. */
export interface DebugServices extends Tenanted<DebugService> {
  /** Forgets what is kept for the stops of a job, which has ended. */
  forget(jobId: string): void;
}

const MOST_WATCHES = 20;

/** Longer expressions are not watched, in characters. */
const LONGEST_WATCH = 1_000;

export function createDebugServices(deps: DebugServicesDeps): DebugServices {
  const board = createWatchBoard(deps);
  const injections = createInjections<InjectedItem>();
  return {
    forTenant: (tenant) => createDebugService(tenant, deps, board, injections),
    forget(jobId) {
      board.forget(jobId);
      injections.forget(jobId);
    },
  };
}

function createDebugService(
  tenant: string,
  deps: DebugServicesDeps,
  board: WatchBoard,
  injections: Injections<InjectedItem>,
): DebugService {
  const { flows, sessions, owners, host, isEvaluationOn } = deps;
  const reader = deps.readers.forTenant(tenant);
  const jobs = deps.jobs.forTenant(tenant);
  const { command, look } = createSessionCommands({ ...deps, jobs });

  /** A command that edits something: watches may come to something else then. */
  const edit = <Result>(request: SessionRequest, run: (jobId: string) => Promise<Result>) =>
    command(request, 'edited', async (jobId) => {
      try {
        return await run(jobId);
      } finally {
        board.forget(jobId); // also when it was changed, but could not be stored
      }
    });

  const read = async (jobId: string): Promise<DebugSession> => {
    const [session] = await reader.findMany([jobId]);
    if (session === undefined) throw new NotFoundError('Job', jobId);
    return session;
  };

  /** Answers what was kept of a session once it is stored. */
  const stored = async (jobId: string): Promise<DebugSession> => {
    deps.onChanged(jobId);
    await sessions.saved(jobId);
    return read(jobId);
  };

  const changeWatches = (jobId: string, watches: readonly Watch[]) => {
    // What is kept of a job that has ended would stay.
    if (deps.jobs.has(jobId)) sessions.change(jobId, { watches });
  };

  const requireEvaluation = () => {
    if (!isEvaluationOn) throw new EvaluationOffError();
  };

  return {
    isEvaluationOn,
    findMany: reader.findMany,
    watch: reader.watch,
    async continue(request, step) {
      const wanted = step === undefined ? 'continued' : 'stepped';
      await command(request, wanted, (jobId) => host.continue(jobId, step));
      await deps.settled(request.jobId);
      return read(request.jobId);
    },
    setVariable: (request, query, value) =>
      edit(request, (jobId) => host.setVariable(jobId, query, value)),
    replaceItem: (request, itemId, value) =>
      edit(request, (jobId) => host.replaceItem(jobId, itemId, value)),
    dropItem: (request, itemId) => edit(request, (jobId) => host.dropItem(jobId, itemId)),
    injectItem: (request, slot, value, { isFirst = false, idempotencyKey: key }) =>
      edit(request, async (jobId) => {
        const inject = () => host.injectItem(jobId, slot, value, isFirst);
        const stopNumber = (await host.read(jobId))?.stop?.number;
        if (key === undefined || stopNumber === undefined) return inject();
        const { routineId, slot: name } = slot;
        const wanted = [routineId, name, isFirst, value];
        return injections.once({ jobId, stopNumber, key }, wanted, inject);
      }),
    async evaluate(jobId, expression, where) {
      requireEvaluation();
      return look(jobId, () => host.evaluate(jobId, expression, where));
    },
    async addWatch(request, expression) {
      requireEvaluation();
      const { jobId } = request;
      const refuse = (message: string) => {
        throw new ValidationError([{ path: ['input', 'expression'], message }]);
      };
      if (expression.length > LONGEST_WATCH) refuse(`Has more than ${LONGEST_WATCH} characters.`);
      compileExpression(expression); // what it may read is known at each stop
      const watch = await command(request, 'watched', async () => {
        const { watches = [] } = sessions.get(jobId) ?? {};
        const known = watches.find((each) => each.expression === expression);
        if (known !== undefined) return known;
        if (watches.length >= MOST_WATCHES)
          refuse(`A session has at most ${MOST_WATCHES} watches.`);
        const added = { id: newId(), expression };
        changeWatches(jobId, [...watches, added]);
        return added;
      });
      return { session: await stored(jobId), watch };
    },
    async removeWatch(request, watchId) {
      const { jobId } = request;
      await command(request, 'watched', async () => {
        const { watches = [] } = sessions.get(jobId) ?? {};
        const left = watches.filter(({ id }) => id !== watchId);
        if (left.length === watches.length) throw new NotFoundError('Watch', watchId);
        changeWatches(jobId, left);
      });
      return stored(jobId);
    },
    async takeOver({ jobId, actor }, { leaseMs, pauseTtlMs }) {
      const issues = [
        ...checkLease(leaseMs, ['input', 'leaseMs']),
        ...checkPauseTtl(pauseTtlMs, ['input', 'pauseTtlMs']),
      ];
      if (issues.length > 0) throw new ValidationError(issues);
      await jobs.require(jobId, 'debugged');
      if (pauseTtlMs !== undefined) sessions.change(jobId, { pauseTtlMs });
      owners.takeOver(jobId, actor, leaseMs);
      return stored(jobId);
    },
    async release({ jobId, actor }) {
      await jobs.require(jobId, 'debugged');
      owners.release(jobId, actor);
      return stored(jobId);
    },
    readItems: (jobId, of, range) => look(jobId, () => host.readItems(jobId, of, range)),
    readItem: (jobId, itemId) => look(jobId, () => host.readItem(jobId, itemId)),
    readScopes: (jobId, where) => look(jobId, () => host.readScopes(jobId, where)),
    readVariable: (jobId, query) => look(jobId, () => host.readVariable(jobId, query)),
    readChildren: (jobId, query, range) =>
      look(jobId, () => host.readChildren(jobId, query, range)),
    complete: (jobId, text, position, where) =>
      look(jobId, () => host.complete(jobId, text, position, where)),
    async readWatches(jobId) {
      const [job] = await jobs.findMany([jobId]);
      return job === undefined ? [] : board.read(jobId);
    },
    validate(expression, { flowId, routineId, kind, use = 'EXPRESSION' }) {
      const flow = flowId === undefined ? undefined : flows.require(flowId);
      if (routineId !== undefined && flow?.routines.every(({ id }) => id !== routineId)) {
        throw new NotFoundError('Routine', `${flow.id}/${routineId}`);
      }
      // Without either, it may be worked out anywhere.
      const anyKind = use === 'LOG_MESSAGE' ? 'ROUTINE' : 'ACTIVATION';
      const place = kind ?? (flow === undefined || routineId === undefined ? undefined : anyKind);
      const names = place && readableNames(place, flow, routineId).map(({ name }) => name);
      return checkText(expression, use, names);
    },
  };
}
