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
import {
  type CheckedExpression,
  checkExpression,
  compileExpression,
} from '../expression/expression.ts';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import { DomainError, NotFoundError, ValidationError } from '../lib/domain-error.ts';
import { newId } from '../lib/ids.ts';
import { EvaluationOffError } from './debug-errors.ts';
import type { DebugSession, Watch } from './debug-session.ts';
import { checkLease, checkPauseTtl } from './limits.ts';
import type { SessionBook } from './session-book.ts';
import {
  createSessionCommands,
  type SessionCommandsDeps,
  type SessionRequest,
} from './session-commands.ts';
import type { SessionReader } from './session-reader.ts';

/** What a watch came to at the present stop. */
export interface WatchReading {
  readonly watch: Watch;
  /** `undefined` when it could not be worked out. */
  readonly evaluation: Evaluation | undefined;
  /** Why it could not. */
  readonly problem: string | undefined;
}

/** What an expression would be used for, so that the names it may read are known. */
export interface ExpressionContext {
  readonly flowId?: string | undefined;
  readonly routineId?: string | undefined;
  /** For a condition or message of a breakpoint of this kind; without, for `evaluate` and watches. */
  readonly kind?: BreakpointKind | undefined;
}

export type ExpressionCheck = Pick<CheckedExpression, 'problem' | 'reads'>;

/** What of a host's debugging can be read as it is. Free for all who may watch. */
export type DebugReads = Pick<
  DebugHost,
  'readItems' | 'readItem' | 'readScopes' | 'readVariable' | 'readChildren' | 'complete'
>;

/**
 * What people do to jobs with a debugger.
 *
 * A session has an owner while somebody works in it: the first command of somebody in a session without an owner makes
 * them the owner for the length of the lease, and each command of theirs renews it. Commands of others are refused with a
 * `SessionOwnedError` until it is over, or they take the session over. All who may watch see everything.
 *
 * A stop that nobody does anything about ends by itself after `pauseTtlMs`; each command of the owner begins that anew.
 * A job that somebody paused goes on by itself only when a limit was given for its session.
 *
 * All but `findMany`, `readWatches` and `validate` throw `NotFoundError` for a job that is not there, or of whose flow, variable, item or activation
 * that is so, and `InvalidJobStateError` when the job has ended, or has to stand still and does not.
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
  /** @throws SlotFullError */
  injectItem(
    request: SessionRequest,
    slot: { readonly routineId: string; readonly slot: string },
    value: unknown,
    isFirst: boolean,
  ): Promise<{ readonly itemId: string; readonly change: Change }>;
  /** @throws EvaluationOffError, ExpressionError */
  evaluate(request: SessionRequest, expression: string, where: Where): Promise<Evaluation>;
  /** @throws EvaluationOffError, ExpressionError, ValidationError when it is too long or there are too many */
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
  /** At the present stop, in the order they were added; where: the activation that stopped the job. Empty without a stop. */
  readWatches(jobId: string, where?: Where): Promise<readonly WatchReading[]>;
  /** Checks an expression without running it. @throws NotFoundError for a flow or routine that there is not */
  validate(expression: string, context: ExpressionContext): ExpressionCheck;
}

export interface DebugServiceDeps extends SessionCommandsDeps {
  readonly flows: FlowRegistry;
  readonly sessions: SessionBook;
  readonly reader: SessionReader;
  readonly host: DebugHost;
  readonly isEvaluationOn: boolean;
}

const MOST_WATCHES = 20;

/** Longer expressions are not watched, in characters. */
const LONGEST_WATCH = 1_000;

export function createDebugService(deps: DebugServiceDeps): DebugService {
  const { flows, jobs, sessions, owners, reader, host, isEvaluationOn } = deps;
  const { command, look } = createSessionCommands(deps);

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
      command(request, 'edited', (jobId) => host.setVariable(jobId, query, value)),
    replaceItem: (request, itemId, value) =>
      command(request, 'edited', (jobId) => host.replaceItem(jobId, itemId, value)),
    dropItem: (request, itemId) =>
      command(request, 'edited', (jobId) => host.dropItem(jobId, itemId)),
    injectItem: (request, slot, value, isFirst) =>
      command(request, 'edited', (jobId) => host.injectItem(jobId, slot, value, isFirst)),
    async evaluate(request, expression, where) {
      requireEvaluation();
      return command(request, 'looked into', (jobId) => host.evaluate(jobId, expression, where));
    },
    async addWatch(request, expression) {
      requireEvaluation();
      const { jobId, actor } = request;
      const refuse = (message: string) => {
        throw new ValidationError([{ path: ['input', 'expression'], message }]);
      };
      if (expression.length > LONGEST_WATCH) refuse(`Has more than ${LONGEST_WATCH} characters.`);
      compileExpression(expression); // what it may read is known at each stop
      await jobs.require(jobId, 'watched');
      owners.claim(jobId, actor);
      const { watches = [] } = sessions.get(jobId) ?? {};
      if (watches.length >= MOST_WATCHES) refuse(`A session has at most ${MOST_WATCHES} watches.`);
      const watch = { id: newId(), expression };
      sessions.change(jobId, { watches: [...watches, watch] });
      return { session: await stored(jobId), watch };
    },
    async removeWatch({ jobId, actor }, watchId) {
      await jobs.require(jobId, 'watched');
      owners.claim(jobId, actor);
      const { watches = [] } = sessions.get(jobId) ?? {};
      const left = watches.filter(({ id }) => id !== watchId);
      if (left.length === watches.length) throw new NotFoundError('Watch', watchId);
      sessions.change(jobId, { watches: left });
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
    async readWatches(jobId, where) {
      const { watches = [] } = sessions.get(jobId) ?? {};
      const stop = watches.length === 0 ? undefined : (await host.read(jobId))?.stop;
      if (stop === undefined) return [];
      const there = where ?? {
        activationId: stop.activationIds[0],
        routineId: stop.queue?.routineId,
      };
      const readings: WatchReading[] = [];
      for (const watch of watches) {
        try {
          requireEvaluation();
          const evaluation = await host.evaluate(jobId, watch.expression, there);
          readings.push({ watch, evaluation, problem: undefined });
        } catch (error) {
          if (!(error instanceof DomainError)) throw error;
          readings.push({ watch, evaluation: undefined, problem: error.message });
        }
      }
      return readings;
    },
    validate(expression, { flowId, routineId, kind }) {
      const flow = flowId === undefined ? undefined : flows.require(flowId);
      if (routineId !== undefined && flow?.routines.every(({ id }) => id !== routineId)) {
        throw new NotFoundError('Routine', `${flow.id}/${routineId}`);
      }
      // Without either, it may be worked out anywhere.
      const place =
        kind ?? (flow === undefined || routineId === undefined ? undefined : 'ACTIVATION');
      const names = place && readableNames(place, flow, routineId).map(({ name }) => name);
      const { problem, reads } = checkExpression(expression, names);
      return { problem, reads };
    },
  };
}
