import { messageOf } from '../lib/domain-error.ts';
import type { Activation, ActivationHost } from './activation.ts';
import type { JobInspector } from './observer.ts';

/** Asks a job's inspector. One that throws holds nothing: the job must not suffer from being looked at. */
export class Inspection {
  inspector: JobInspector | undefined = undefined;
  readonly #host: ActivationHost;

  constructor(host: ActivationHost) {
    this.#host = host;
  }

  /** Before each run of an activation's code: has its outputs kept back if the inspector wants to see them. */
  stage(activation: Activation): void {
    if (this.inspector === undefined) return;
    try {
      if (this.inspector.stagesOutputs(activation.routine)) activation.staged = [];
    } catch (error) {
      this.#report(activation, error);
    }
  }

  /** Whether the activation is to be held. Never while the job is ending, which the inspector may have brought about. */
  holds(activation: Activation, question: 'holdsBefore' | 'holdsAfter'): boolean {
    if (this.inspector === undefined) return false;
    try {
      return this.inspector[question](activation) && !this.#host.life.isEnding;
    } catch (error) {
      this.#report(activation, error);
      return false;
    }
  }

  #report(activation: Activation, error: unknown): void {
    this.#host.writeLog(activation, 'WARNING', `The inspector failed: ${messageOf(error)}`);
  }
}
