/** The small object that runs through each chain. */
export interface Datum {
  readonly id: number;
  readonly value: number;
}

/** How many stages each chain has. */
export const STAGES = 10;

/** What one stage does, the same for every contender: a new small object. */
export function step(datum: Datum): Datum {
  return { id: datum.id, value: datum.value + 1 };
}

/** Collects what comes out of a chain, and checks that it is all and right. */
export class Sink {
  #count = 0;
  #sum = 0;

  take(datum: Datum): void {
    this.#count++;
    this.#sum += datum.value;
  }

  /** How many have arrived. */
  get count(): number {
    return this.#count;
  }

  /** @throws when something is missing, was doubled, or left out a stage */
  check(items: number): void {
    if (this.#count === items && this.#sum === items * STAGES) return;
    throw new Error(
      `${this.#count} items with sum ${this.#sum}, not ${items} with ${items * STAGES}.`,
    );
  }
}
