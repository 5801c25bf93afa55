import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/domain-error.ts';
import { checkUses, readUses, type Uses } from './check.ts';
import { type Code, compile } from './compile.ts';
import { ExpressionError, type ExpressionFailure } from './expression-error.ts';
import { parseExpression } from './parse.ts';
import { type Budget, Run, type Scope, SUSPENDED, type TurnKeeper } from './run.ts';
import type { Syntax } from './syntax.ts';
import { isTrue } from './values.ts';

/** What conditions and log messages may use: about what takes 2 ms. */
export const SMALL_BUDGET: Budget = { steps: 10_000, memoryBytes: 2 ** 20 };

/** What an expression that people ask for may use, besides its deadline. */
export const LARGE_BUDGET: Budget = { steps: 100_000_000, memoryBytes: 100 * 2 ** 20 };

/** How long an evaluation takes at most, in milliseconds, unless it is said otherwise. */
export const DEADLINE_MS = 5_000;

/** How long an evaluation goes on before it lets others have their turn, in milliseconds. */
const TURN_MS = 2;

export interface EvaluateOptions {
  /** `LARGE_BUDGET` unless given. */
  readonly budget?: Budget | undefined;
  /** Milliseconds, the turns of others included; 5000 unless given. */
  readonly deadlineMs?: number | undefined;
  /** Ends the evaluation with `CANCELLED`. */
  readonly signal?: AbortSignal | undefined;
  /** The machine's unless given. */
  readonly clock?: Clock | undefined;
  /** Resolves when others have had their turn: `setImmediate` unless given. */
  readonly letOthers?: (() => Promise<unknown>) | undefined;
}

/** What an expression came to. In an object of ours: a promise would run the `then` of a value that has one. */
export interface Evaluated {
  readonly value: unknown;
}

/** An expression that was read and checked, ready to be worked out any number of times. It changes nothing. */
export class Expression {
  readonly text: string;
  readonly #uses: Uses;
  readonly #code: Code;
  readonly #at: number;
  readonly #partCount: number;
  /** Of evaluations that are done at once: there is one at a time. */
  #run: Run | undefined = undefined;

  /** For `compileExpression` and `compileTemplate`: `syntax` is of the text, and was checked. */
  constructor(text: string, syntax: Syntax) {
    this.text = text;
    this.#uses = readUses(syntax);
    this.#code = compile(syntax);
    this.#at = syntax.at;
    this.#partCount = this.#uses.partCount;
  }

  /** The names that it may read. */
  get reads(): readonly string[] {
    return this.#uses.names;
  }

  /**
   * Works it out at once. `budget` is `SMALL_BUDGET` unless given; it has to be small, since nothing else runs
   * meanwhile.
   * @throws ExpressionError
   */
  evaluateNow(scope: Scope, budget: Budget = SMALL_BUDGET): unknown {
    const run = this.#begin(scope, budget);
    try {
      return this.evaluateIn(run);
    } finally {
      run.release();
    }
  }

  /** The same as a part of a run, whose budget it shares with others of the same text. @throws ExpressionError */
  evaluateIn(run: Run): unknown {
    try {
      run.spend(this.#partCount, this.#at);
      return this.#code(run);
    } catch (thrown) {
      throw thrown === SUSPENDED ? thrown : this.#toError(thrown);
    }
  }

  /** The same for a condition: whether the value counts as true. What is empty does not. @throws ExpressionError */
  isTrueNow(scope: Scope, budget: Budget = SMALL_BUDGET): boolean {
    const run = this.#begin(scope, budget);
    try {
      run.spend(this.#partCount, this.#at);
      const value = this.#code(run);
      return typeof value === 'boolean' ? value : isTrue(run, this.#at, value);
    } catch (thrown) {
      throw this.#toError(thrown);
    } finally {
      run.release();
    }
  }

  /**
   * Works it out without holding others up: what takes longer than some milliseconds is done in several turns.
   * @throws ExpressionError
   */
  async evaluate(scope: Scope, options: EvaluateOptions = {}): Promise<Evaluated> {
    const { budget = LARGE_BUDGET, clock = systemClock, letOthers = nextTurn } = options;
    const { deadlineMs = DEADLINE_MS, signal } = options;
    const endsAtMs = clock.monotonicMs() + deadlineMs;
    let turnEndsAtMs = clock.monotonicMs() + TURN_MS;
    const turns: TurnKeeper = {
      isOver: () => {
        const nowMs = clock.monotonicMs();
        if (nowMs >= endsAtMs) {
          throw this.#fail('DEADLINE', `This takes longer than ${deadlineMs} ms.`);
        }
        return nowMs >= turnEndsAtMs;
      },
    };
    const run = new Run(this.text, scope, budget, turns);
    for (;;) {
      if (signal?.aborted === true) {
        throw this.#fail('CANCELLED', 'The evaluation was cancelled.', { cause: signal.reason });
      }
      try {
        return { value: this.evaluateIn(run) };
      } catch (thrown) {
        if (thrown !== SUSPENDED) throw thrown;
      }
      await letOthers();
      run.restart();
      turnEndsAtMs = clock.monotonicMs() + TURN_MS;
    }
  }

  #begin(scope: Scope, budget: Budget): Run {
    const run = this.#run;
    if (run === undefined) {
      this.#run = new Run(this.text, scope, budget);
      return this.#run;
    }
    run.renew(scope, budget);
    return run;
  }

  #fail(reason: ExpressionFailure, message: string, options?: ErrorOptions): ExpressionError {
    return new ExpressionError(reason, message, { text: this.text, position: this.#at }, options);
  }

  /** What is no error of ours came from the scope, or from a stack that was nearly full before we began. */
  #toError(thrown: unknown): ExpressionError {
    if (thrown instanceof ExpressionError) return thrown;
    const message = `A value could not be read: ${messageOf(thrown)}`;
    return this.#fail('FAILED', message, { cause: thrown });
  }
}

/**
 * Reads and checks an expression.
 *
 * @param names those that it may read; any without
 * @throws ExpressionError when it can't be read, or has a name, a function or a number of arguments that is not there
 */
export function compileExpression(text: string, names?: Iterable<string>): Expression {
  return compilePart(text, 0, text.length, names && new Set(names));
}

/** The same for what stands in a text from one place up to another. @throws ExpressionError */
export function compilePart(
  text: string,
  from: number,
  to: number,
  names: ReadonlySet<string> | undefined,
): Expression {
  const syntax = parseExpression(text, from, to);
  checkUses(text, syntax, names);
  return new Expression(text, syntax);
}

/** What a check of an expression finds. */
export interface CheckedExpression {
  /** The first thing that is wrong with it; `undefined` when it is sound. */
  readonly problem: ExpressionError | undefined;
  /** The names it reads, each once; none when it can't be read. */
  readonly reads: readonly string[];
  /** The functions it calls, each once; none when it can't be read. */
  readonly functions: readonly string[];
}

/** Checks an expression without working it out. Never throws. */
export function checkExpression(text: string, names?: Iterable<string>): CheckedExpression {
  let uses: Pick<Uses, 'names' | 'functions'> = { names: [], functions: [] };
  let problem: ExpressionError | undefined;
  try {
    const syntax = parseExpression(text);
    uses = readUses(syntax);
    checkUses(text, syntax, names && new Set(names));
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    problem = thrown;
  }
  return { problem, reads: uses.names, functions: uses.functions };
}

/** The values of an object as a scope: its own properties that are data. Missing names are undefined. */
export function scopeOf(values: Readonly<Record<string, unknown>>): Scope {
  return {
    read: (name) => Object.getOwnPropertyDescriptor(values, name)?.value,
  };
}
