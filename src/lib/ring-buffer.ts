/** Keeps the newest `capacity` elements; an older one makes room for each that comes after. */
export class RingBuffer<T> {
  readonly capacity: number;
  #places: T[] = [];
  /** How many were ever pushed; the newest stands at `(#pushed − 1) mod capacity`. */
  #pushed = 0;

  /** @throws RangeError unless the capacity is a whole number of at least 1 */
  constructor(capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      throw new RangeError(`The capacity is ${capacity}, must be a whole number of at least 1.`);
    }
    this.capacity = capacity;
  }

  /** How many elements are held now. */
  get length(): number {
    return this.#places.length;
  }

  /** How many elements were ever pushed, those that are gone included. */
  get pushed(): number {
    return this.#pushed;
  }

  /** Adds the newest element, in place of the oldest when there is no room. */
  push(element: T): void {
    if (this.#places.length < this.capacity) this.#places.push(element);
    else this.#places[this.#pushed % this.capacity] = element;
    this.#pushed++;
  }

  /** All that is held, oldest first. */
  *[Symbol.iterator](): IterableIterator<T> {
    const oldest = this.#places.length < this.capacity ? 0 : this.#pushed % this.capacity;
    for (let at = 0; at < this.#places.length; at++) {
      yield this.#places[(oldest + at) % this.#places.length] as T; // every place below the length is filled
    }
  }
}
