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
export interface TurnKeeper {
  /** Asked each time that some thousands of steps are done. @throws ExpressionError when there is no time left */
  isOver(): boolean;
}

/** Thrown through an evaluation that goes on in a later turn. */
export const SUSPENDED = Symbol('suspended');

/** How many steps are done before time is looked at: about half a millisecond. */
const STEPS_PER_LOOK = 4_000;

/** How many keys of an object are listed in about the time of a step, as a power of 2. */
const KEYS_PER_STEP_LOG2 = 1;
/** The number of keys is remembered of objects that have so many. */
const MANY_KEYS = 100;

/** Takes the place of a scope that is done with, so that a run does not keep the data alive. */
const NO_SCOPE: Scope = { read: () => undefined };

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
  readonly #turns: TurnKeeper | undefined;
  readonly #kept: Map<number, Kept> | undefined;
  readonly #names: Map<string, unknown> | undefined;
  #steps: number;
  #stepsToLook: number;
  #now: number | undefined;
  /** Of objects with many keys, whose keys are not listed again only to count them. */
  #keyCounts: Map<object, number> | undefined;
  #isInWork = false;

  constructor(text: string, scope: Scope, budget: Budget, turns?: TurnKeeper) {
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

  /** Lets go of the data of an evaluation that is done. */
  release(): void {
    this.#scope = NO_SCOPE;
    this.#keyCounts = undefined;
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

  /**
   * The object's own keys that are enumerable, in order. They are listed in one go, as there is no other way, and paid for
   * afterwards: what would list them again is refused before, when that was too much. The object must be no proxy.
   */
  listKeys(object: object, at: number): readonly string[] {
    const known = this.#keyCounts?.get(object);
    if (known !== undefined) this.requireSteps(known >> KEYS_PER_STEP_LOG2, at);
    const keys = Object.keys(object);
    if (keys.length < MANY_KEYS) return keys;
    this.#keyCounts ??= new Map();
    this.#keyCounts.set(object, keys.length);
    this.spend(keys.length >> KEYS_PER_STEP_LOG2, at);
    return keys;
  }

  /** How many keys `listKeys` would list. */
  countKeys(object: object, at: number): number {
    const known = this.#keyCounts?.get(object);
    if (known !== undefined) return known;
    const count = this.listKeys(object, at).length;
    // Several of these may stand one after another, outside of what is done in pieces.
    if (!this.#isInWork && this.#steps < this.#stepsToLook) this.#lookAtTime();
    return count;
  }

  #lookAtTime(): void {
    this.#stepsToLook = this.#steps - STEPS_PER_LOOK;
    if (this.#turns?.isOver() === true) throw SUSPENDED;
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
      this.#isInWork = true;
      const { done, value } = kept.work.next();
      this.#isInWork = false;
      kept.memory = before - this.memory;
      if (done) Object.assign(kept, { isDone: true, value });
      else this.#lookAtTime();
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
