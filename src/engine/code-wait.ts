import type { Activation } from './activation.ts';
import { ActivationTimeoutError } from './errors.ts';
import type { JobClock } from './job-clock.ts';

type OnEnd = (activation: Activation, hasFailed: boolean, error: unknown) => void;

/**
 * Waits for the promises of asynchronous code, as long as its routine's time-out allows. What listens to a promise is made once for as many as wait at the same
 * time, and listens to the next one when its promise has settled: two closures for each activation would cost more
 * than all else that is done for it.
 */
export class CodeWaits {
  readonly #clock: JobClock;
  readonly #onEnd: OnEnd;
  readonly #idle: CodeWait[] = [];

  /** @param onEnd called for each `wait`, always later: when the code has ended, and before that when its time is up */
  constructor(clock: JobClock, onEnd: OnEnd) {
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  wait(activation: Activation, result: unknown): void {
    const wait = this.#idle.pop() ?? new CodeWait(this.#idle, this.#onEnd);
    wait.activation = activation;
    if (activation.staged === undefined) this.limitAgain(activation);
    // A promise of the platform stays what it is; whatever else can `then` is made into one, which settles only once.
    Promise.resolve(result).then(wait.onKept, wait.onBroken);
  }

  /** Gives the code of an activation all the time that its routine allows, from now. */
  limitAgain(activation: Activation): void {
    const { timeoutMs } = activation.routine.definition;
    if (timeoutMs === undefined) return;
    activation.cancelTimer = this.#clock.setTimer(timeoutMs, () => {
      const error = new ActivationTimeoutError(activation.routine.id, timeoutMs);
      activation.abort(error);
      this.#onEnd(activation, true, error);
    });
  }
}

class CodeWait {
  activation: Activation | undefined = undefined;
  readonly onKept: () => void;
  readonly onBroken: (error: unknown) => void;

  constructor(idle: CodeWait[], onEnd: OnEnd) {
    const settle = (hasFailed: boolean, error: unknown) => {
      const { activation } = this;
      if (activation === undefined) return;
      this.activation = undefined;
      idle.push(this);
      onEnd(activation, hasFailed, error);
    };
    this.onKept = () => settle(false, undefined);
    this.onBroken = (error) => settle(true, error);
  }
}

/** Whether code answered something that can be waited for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}
