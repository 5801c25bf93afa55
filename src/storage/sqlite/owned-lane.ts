import type { Unit, UnitOutcome, WriteLane } from '../backend.ts';
import { isOwnerChanged } from './sqlite-faults.ts';

/** Writes until another process has claimed the database, and never again. */
export class OwnedLane implements WriteLane {
  readonly #lane: WriteLane;
  readonly #onLost: (error: unknown) => void;
  #loss: unknown;

  constructor(lane: WriteLane, onLost: (error: unknown) => void) {
    this.#lane = lane;
    this.#onLost = onLost;
  }

  async ready(): Promise<void> {
    if (this.#loss !== undefined) throw this.#loss;
    await this.#lane.ready();
  }

  async commit(units: readonly Unit[], isIsolated: boolean): Promise<readonly UnitOutcome[]> {
    if (this.#loss !== undefined) throw this.#loss;
    try {
      return await this.#lane.commit(units, isIsolated);
    } catch (error) {
      if (isOwnerChanged(error)) this.lose(error);
      throw error;
    }
  }

  /** Only the first call counts. */
  lose(error: unknown): void {
    if (this.#loss !== undefined) return;
    this.#loss = error;
    this.#onLost(error);
  }
}
