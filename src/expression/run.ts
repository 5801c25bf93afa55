import { ExpressionError, type ExpressionFailure } from './expression-error.ts';

/** What an expression may use. */
export interface Budget {
  /** One step is about what it takes to look at one element of a list. */
  readonly steps: number;
  /** What the evaluation makes (lists, objects, texts), as estimated before it is made. */
  readonly memoryBytes: number;
}

/** Where an expression finds the values of its names. */
export interface Scope {
  /** Called only when the expression comes to the name, and only with names it was compiled for. */
  read(name: string): unknown;
}

/** Long work, done in pieces: each `yield` is a place where it can be left for a while. */
export type Work<Result> = Generator<undefined, Result, undefined>;

/** Says whether a piece of work has to let others have their turn. */
export interface Turns {
  /** Asked each time that some thousands of steps are done. @throws ExpressionError when there is no time left */
  isOver(): boolean;
}

/** Thrown through an evaluation that goes on in a later turn. */
export const SUSPENDED = Symbol('suspended');

/** How many steps are done before time is looked at: about half a millisecond. */
const STEPS_PER_LOOK = 4_000;

interface Kept {
  readonly work: Work<unknown>;
  isDone: boolean;
  value: unknown;
  /** Bytes it has taken. */
  memory: number;
}

/**
 * One evaluation: its scope, and what is left of its budget.
 *
 * An evaluation that has to let others have their turn is left by throwing `SUSPENDED`, and later runs again from its
 * beginning. That is sound since expressions change nothing, and cheap since what takes long is kept: a long piece of
 * work goes on where it was left, and is not done twice; names are read once.
 */
export class Run {
  readonly text: string;
  /** What is left, in bytes. */
  memory: number;
  readonly #memoryBytes: number;
  #scope: Scope;
  readonly #turns: Turns | undefined;
  readonly #kept: Map<number, Kept> | undefined;
  readonly #names: Map<string, unknown> | undefined;
  #steps: number;
  #stepsToLook: number;
  #now: number | undefined;

  constructor(text: string, scope: Scope, budget: Budget, turns?: Turns) {
    this.text = text;
    this.memory = budget.memoryBytes;
    this.#memoryBytes = budget.memoryBytes;
    this.#scope = scope;
    this.#steps = budget.steps;
    this.#turns = turns;
    this.#kept = turns && new Map();
    this.#names = turns && new Map();
    this.#stepsToLook =
      turns === undefined ? Number.NEGATIVE_INFINITY : budget.steps - STEPS_PER_LOOK;
  }

  /** Begins another evaluation of the same expression, which is done at once like the one before. */
  renew(scope: Scope, budget: Budget): void {
    this.memory = budget.memoryBytes;
    this.#scope = scope;
    this.#steps = budget.steps;
    this.#now = undefined;
  }

  /** To be called before the evaluation runs again. */
  restart(): void {
    this.memory = this.#memoryBytes;
  }

  readName(name: string): unknown {
    if (this.#names === undefined) return this.#scope.read(name);
    if (!this.#names.has(name)) this.#names.set(name, this.#scope.read(name));
    return this.#names.get(name);
  }

  /** Milliseconds since the Unix epoch; the same all through the evaluation. */
  now(): number {
    this.#now ??= Date.now();
    return this.#now;
  }

  fail(reason: ExpressionFailure, position: number, message: string): never {
    throw new ExpressionError(reason, message, { text: this.text, position });
  }

  /** Refuses work that would take more steps than are left. Takes none. */
  requireSteps(count: number, at: number): void {
    if (count > this.#steps) this.fail('STEP_LIMIT', at, 'This takes more steps than are allowed.');
  }

  /** Takes steps, before they are done. Answers whether it is time to `yield`. */
  spend(count: number, at: number): boolean {
    if (count > this.#steps) this.requireSteps(count, at);
    this.#steps -= count;
    return this.#steps < this.#stepsToLook;
  }

  /** Takes memory, before it is used. */
  allocate(bytes: number, at: number): void {
    if (bytes > this.memory) {
      this.fail('MEMORY_LIMIT', at, 'This takes more memory than is allowed.');
    }
    this.memory -= bytes;
  }

  /** Does the long work of a place of the expression. `begin` is called when that was not begun in an earlier turn. */
  finish<Result>(place: number, begin: () => Work<Result>): Result {
    if (this.#kept === undefined || this.#turns === undefined) return driveToEnd(begin());
    const kept = this.#kept.get(place) ?? {
      work: begin(),
      isDone: false,
      value: undefined,
      memory: 0,
    };
    this.#kept.set(place, kept);
    const before = this.memory;
    this.memory -= kept.memory;
    while (!kept.isDone) {
      const { done, value } = kept.work.next();
      kept.memory = before - this.memory;
      if (done) Object.assign(kept, { isDone: true, value });
      else {
        this.#stepsToLook = this.#steps - STEPS_PER_LOOK;
        if (this.#turns.isOver()) throw SUSPENDED;
      }
    }
    return kept.value as Result; // a place has one kind of work only
  }
}

function driveToEnd<Result>(work: Work<Result>): Result {
  for (;;) {
    const next = work.next();
    if (next.done) return next.value;
  }
}
