import type { ServiceStatus, WindowReading } from './service.ts';

const FAILED = 1;
const CHANGED = 2;

/** The latest results of a service, as far as they say how often it changed. Noting one allocates nothing. */
export class ResultWindow {
  /** `FAILED` and `CHANGED` of each result, the oldest overwritten by the newest. */
  readonly #marks: Uint8Array;
  #next = 0;
  #count = 0;
  #failedCount = 0;
  #changeCount = 0;
  #alikeRun = 0;
  #last: ServiceStatus | undefined;

  /** @param size how many results are looked at */
  constructor(size: number) {
    this.#marks = new Uint8Array(size);
  }

  /** How many of the results are not what the one before them, in the window, was. */
  get changeCount(): number {
    return this.#changeCount;
  }

  /** How many of the latest results in a row are the same, also beyond the window. */
  get alikeRun(): number {
    return this.#alikeRun;
  }

  push(status: ServiceStatus): void {
    if (this.#count === this.#marks.length) this.#forgetOldest();
    const isChange = this.#count > 0 && this.#last !== status;
    const isFailed = status === 'UNHEALTHY';
    this.#alikeRun = this.#last === status ? this.#alikeRun + 1 : 1;
    this.#last = status;

    this.#marks[this.#next] = (isFailed ? FAILED : 0) | (isChange ? CHANGED : 0);
    this.#next = this.#after(this.#next);
    this.#count++;
    if (isFailed) this.#failedCount++;
    if (isChange) this.#changeCount++;
  }

  /** Forgets the results, but not how many in a row were the same. */
  clear(): void {
    this.#next = 0;
    this.#count = 0;
    this.#failedCount = 0;
    this.#changeCount = 0;
  }

  read(): WindowReading {
    return {
      count: this.#count,
      failedCount: this.#failedCount,
      changeCount: this.#changeCount,
    };
  }

  /** Makes room in a full window. The one after it has none before it any more, so it is no change. */
  #forgetOldest(): void {
    const oldest = this.#next;
    if (this.#has(oldest, FAILED)) this.#failedCount--;
    this.#marks[oldest] = 0;
    this.#count--;
    const following = this.#after(oldest);
    if (!this.#has(following, CHANGED)) return;
    this.#changeCount--;
    this.#marks[following] = this.#has(following, FAILED) ? FAILED : 0;
  }

  #has(place: number, mark: number): boolean {
    return ((this.#marks[place] ?? 0) & mark) !== 0;
  }

  #after(place: number): number {
    return place + 1 === this.#marks.length ? 0 : place + 1;
  }
}
