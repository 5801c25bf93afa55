import type { Activation, JobRun } from '../engine/index.ts';
import type { StepKind } from './debug-host.ts';
import { Descent } from './descent.ts';

/**
 * A step that is under way: asked of every activation, it says which one ends it.
 *
 * - `OVER`: the next.
 * - `INTO`: the first that took what was emitted; when there is nothing more to take, the next.
 * - `OUT`: the next, once nothing that descends from the activation is left.
 */
export class Stepper {
  readonly kind: StepKind;
  readonly #descent: Descent | undefined;

  /** @param from the activation that the step goes out from; without it every kind is `OVER` */
  constructor(kind: StepKind, job: JobRun, from: number | undefined) {
    this.kind = kind;
    if (kind !== 'OVER' && from !== undefined) this.#descent = new Descent(job, from);
  }

  endsAt(activation: Activation): boolean {
    const descent = this.#descent;
    if (descent === undefined) return true;
    if (!descent.isChild(activation)) return !descent.isAlive();
    return this.kind === 'INTO' || !descent.adopt(activation);
  }
}
