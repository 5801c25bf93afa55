import { messageOf } from '../lib/domain-error.ts';
import type { Activation, ActivationHost } from './activation.ts';
import type { JobInspector } from './observer.ts';
import type { Suspended } from './suspended-activations.ts';

/** What is asked of an inspector about an activation alone. */
type Question = 'holdsBefore' | 'holdsFailure' | 'holdsRestored';

/** Asks a job's inspector. One that throws holds nothing: the job must not suffer from being looked at. */
export class Inspection {
  readonly #host: ActivationHost;
  readonly #suspended: Suspended;
  #inspector: JobInspector | undefined = undefined;

  constructor(host: ActivationHost, suspended: Suspended) {
    this.#host = host;
    this.#suspended = suspended;
  }

  get inspector(): JobInspector | undefined {
    return this.#inspector;
  }

  set inspector(inspector: JobInspector | undefined) {
    this.#inspector = inspector;
    for (const activation of this.#suspended) this.watch(activation);
  }

  /** Before each run of an activation's code: decides whether it is asked of what it emits. */
  watch(activation: Activation): void {
    // What is kept back already is followed by the rest, whatever the inspector wants by now.
    activation.isWatched =
      activation.staged !== undefined ||
      this.#ask(activation, (inspector) => inspector.watchesOutputs(activation.routine));
  }

  /** Whether the activation is to be held. Never while the job is ending, which the inspector may have brought about. */
  holds(activation: Activation, question: Question): boolean {
    return (
      this.#ask(activation, (inspector) => inspector[question](activation)) &&
      !this.#host.life.isEnding
    );
  }

  /** Whether an item that the activation emits is to be kept back. */
  holdsOutput(activation: Activation, event: string, value: unknown): boolean {
    if (this.#host.life.isEnding) return false;
    return (
      activation.staged !== undefined ||
      (this.#ask(activation, (inspector) => inspector.holdsOutput(activation, event, value)) &&
        !this.#host.life.isEnding)
    );
  }

  #ask(activation: Activation, question: (inspector: JobInspector) => boolean): boolean {
    if (this.#inspector === undefined) return false;
    try {
      return question(this.#inspector);
    } catch (error) {
      const message = `The inspector failed: ${messageOf(error)}`;
      this.#host.writeLog(activation, 'WARNING', message);
      return false;
    }
  }
}
