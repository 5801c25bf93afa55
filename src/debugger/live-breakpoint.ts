import type { Flow } from '../engine/index.ts';
import { compileExpression, type Expression } from '../expression/expression.ts';
import { type HitCondition, parseHitCondition } from '../expression/hit-condition.ts';
import { compileTemplate, type Template } from '../expression/template.ts';
import { messageOf } from '../lib/domain-error.ts';
import type { Breakpoint, BreakpointProgress } from './breakpoint.ts';
import { checkBreakpoint } from './check-breakpoint.ts';
import type { FrameScope } from './frame-scope.ts';
import { readableNames } from './readable-names.ts';

/** What comes of being come to. */
export type Outcome =
  | { readonly kind: 'STOP' }
  | { readonly kind: 'LOG'; readonly message: string }
  | { readonly kind: 'FAILED'; readonly message: string; readonly isNew: boolean };

/** So many different failures of one breakpoint are told in a job's log. */
const MOST_TOLD = 10;

const STOP: Outcome = { kind: 'STOP' };

/** A breakpoint in a running job: its expressions ready to be worked out, and what it has counted there. */
export class LiveBreakpoint {
  readonly breakpoint: Breakpoint;
  /** The slot whose items are looked at one by one. */
  readonly slot: string | undefined;
  hitCount: number;
  isArmed: boolean;
  isSpent: boolean;
  readonly #problem: string | undefined;
  readonly #condition: Expression | undefined;
  readonly #hitCondition: HitCondition | undefined;
  readonly #message: Template | undefined;
  #lastHitAt: number | undefined;
  #lastHitActivationId: number | undefined;
  #lastError: string | undefined;
  /** What went wrong and was told: the same is not told for each item. */
  readonly #told = new Set<string>();

  constructor(flow: Flow, breakpoint: Breakpoint, before?: BreakpointProgress) {
    this.breakpoint = breakpoint;
    this.slot = breakpoint.kind === 'SLOT' ? breakpoint.slot : undefined;
    this.hitCount = before?.hitCount ?? 0;
    this.isArmed = breakpoint.after === undefined || before?.isArmed === true;
    this.isSpent = breakpoint.isOnce && before?.isSpent === true;
    this.#lastHitAt = before?.lastHitAt;
    this.#lastHitActivationId = before?.lastHitActivationId;
    this.#lastError = before?.lastError;
    const faults = checkBreakpoint(flow, breakpoint);
    if (faults.length > 0) {
      this.#problem = faults.map(({ message }) => message).join(' ');
      return;
    }
    const { condition, hitCondition, logMessage, kind, routineId } = breakpoint;
    const names = readableNames(kind, flow, routineId).map(({ name }) => name);
    if (condition !== undefined) this.#condition = compileExpression(condition, names);
    if (hitCondition !== undefined) this.#hitCondition = parseHitCondition(hitCondition);
    if (logMessage !== undefined) this.#message = compileTemplate(logMessage, names);
  }

  /** Whether it counts when it is come to. */
  get isActive(): boolean {
    const { breakpoint, isArmed, isSpent } = this;
    return breakpoint.isEnabled && isArmed && !isSpent && this.#problem === undefined;
  }

  get progress(): BreakpointProgress {
    const { hitCount, isArmed, isSpent } = this;
    return {
      hitCount,
      isArmed,
      isSpent,
      lastHitAt: this.#lastHitAt,
      lastHitActivationId: this.#lastHitActivationId,
      lastError: this.#lastError,
      problem: this.#problem,
    };
  }

  /** Whether its condition is true. One that can't be worked out is told, and does not count as false in silence. */
  isMet(scope: FrameScope): boolean | Outcome {
    if (this.#condition === undefined) return true;
    scope.hits = this.hitCount;
    try {
      const isTrue = this.#condition.isTrueNow(scope);
      if (this.#lastError !== undefined) this.#lastError = undefined;
      return isTrue;
    } catch (error) {
      return this.#fail(`Its condition failed: ${messageOf(error)}`);
    }
  }

  /** It was hit. `undefined` when this hit is none of those that do something. */
  hit(scope: FrameScope, at: number): Outcome | undefined {
    this.hitCount++;
    this.#lastHitAt = at;
    this.#lastHitActivationId = scope.activation?.activationId;
    if (this.#hitCondition?.(this.hitCount) === false) return undefined;
    if (this.#message === undefined) {
      if (this.breakpoint.isOnce) this.isSpent = true;
      return STOP;
    }
    scope.hits = this.hitCount;
    try {
      const message = this.#message.evaluateNow(scope);
      this.#lastError = undefined;
      if (this.breakpoint.isOnce) this.isSpent = true;
      return { kind: 'LOG', message };
    } catch (error) {
      return this.#fail(`Its log message failed: ${messageOf(error)}`);
    }
  }

  #fail(message: string): Outcome {
    const isNew = !this.#told.has(message) && this.#told.size < MOST_TOLD;
    if (isNew) this.#told.add(message);
    this.#lastError = message;
    return { kind: 'FAILED', message, isNew };
  }
}
