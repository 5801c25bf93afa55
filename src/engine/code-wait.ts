import type { Activation } from './activation.ts';

type OnEnd = (activation: Activation, hasFailed: boolean, error: unknown) => void;

/**
 * Waits for the promises of asynchronous code. What listens to a promise is made once for as many as wait at the same
 * time, and listens to the next one when its promise has settled: two closures for each activation would cost more
 * than all else that is done for it.
 */
export class CodeWaits {
  readonly #onEnd: OnEnd;
  readonly #idle: CodeWait[] = [];

  /** @param onEnd called once for each `wait`, always later */
  constructor(onEnd: OnEnd) {
    this.#onEnd = onEnd;
  }

  wait(activation: Activation, result: unknown): void {
    const wait = this.#idle.pop() ?? new CodeWait(this.#idle, this.#onEnd);
    wait.activation = activation;
    // A promise of the platform stays what it is; whatever else can `then` is made into one, which settles only once.
    Promise.resolve(result).then(wait.onKept, wait.onBroken);
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
