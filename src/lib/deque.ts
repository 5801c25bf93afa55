/**
 * A first-in-first-out queue over a circular array that grows by doubling.
 *
 * Invariant: the capacity is a power of two, so that positions wrap by a mask; `#head` is the place of the
 * oldest element. Places that hold nothing are `undefined`, so that what was taken can be collected.
 */
export class Deque<T> {
  #places: (T | undefined)[] = new Array(8).fill(undefined);
  #mask = 7;
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Puts an element behind all others. */
  push(element: T): void {
    if (this.#length > this.#mask) this.#grow();
    this.#places[(this.#head + this.#length) & this.#mask] = element;
    this.#length++;
  }

  /** Puts an element before all others. */
  unshift(element: T): void {
    if (this.#length > this.#mask) this.#grow();
    this.#head = (this.#head - 1) & this.#mask;
    this.#places[this.#head] = element;
    this.#length++;
  }

  /** Takes the oldest element; `undefined` when there is none. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const element = this.#places[this.#head];
    this.#places[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    this.#length--;
    return element;
  }

  /** The oldest element, left in place. */
  peek(): T | undefined {
    return this.#places[this.#head];
  }

  /** The element at a position, counted from the oldest; `undefined` when there is none. */
  at(position: number): T | undefined {
    return position < 0 || position >= this.#length
      ? undefined
      : this.#places[(this.#head + position) & this.#mask];
  }

  /** Takes an element from wherever it is. False when it is not there. As slow as the queue is long. */
  remove(element: T): boolean {
    const all = this.drain();
    const place = all.indexOf(element);
    for (const [at, each] of all.entries()) if (at !== place) this.push(each);
    return place >= 0;
  }

  /** Removes everything and gives it back, oldest first. */
  drain(): T[] {
    const all = [...this];
    this.#places = new Array(8).fill(undefined);
    this.#mask = 7;
    this.#head = 0;
    this.#length = 0;
    return all;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let at = 0; at < this.#length; at++) {
      yield this.#places[(this.#head + at) & this.#mask] as T; // within the length every place is filled
    }
  }

  #grow(): void {
    const places = new Array<T | undefined>((this.#mask + 1) * 2).fill(undefined);
    for (let at = 0; at < this.#length; at++) {
      places[at] = this.#places[(this.#head + at) & this.#mask];
    }
    this.#places = places;
    this.#mask = places.length - 1;
    this.#head = 0;
  }
}
