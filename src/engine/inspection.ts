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
    activation.isWatched = activation.staged !== undefined;
    if (activation.isWatched || this.#inspector === undefined) return;
    try {
      activation.isWatched = this.#inspector.watchesOutputs(activation.routine);
    } catch (error) {
      this.#report(activation, error);
    }
  }

  /** Whether the activation is to be held. Never while the job is ending, which the inspector may have brought about. */
  holds(activation: Activation, question: Question): boolean {
    if (this.#inspector === undefined) return false;
    try {
      return this.#inspector[question](activation) && !this.#host.life.isEnding;
    } catch (error) {
      this.#report(activation, error);
      return false;
    }
  }

  /** Whether an item that the activation emits is to be kept back. */
  holdsOutput(activation: Activation, event: string, value: unknown): boolean {
    const { life } = this.#host;
    if (life.isEnding) return false;
    if (activation.staged !== undefined) return true;
    if (this.#inspector === undefined) return false;
    try {
      return this.#inspector.holdsOutput(activation, event, value) && !life.isEnding;
    } catch (error) {
      this.#report(activation, error);
      return false;
    }
  }

  #report(activation: Activation, error: unknown): void {
    this.#host.writeLog(activation, 'WARNING', `The inspector failed: ${messageOf(error)}`);
  }
}
