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

  /** How many of the results are not what the one before them was. */
  get changeCount(): number {
    return this.#changeCount;
  }

  /** How many of the latest results in a row are the same, also beyond the window. */
  get alikeRun(): number {
    return this.#alikeRun;
  }

  push(status: ServiceStatus): void {
    const isChange = this.#last !== undefined && this.#last !== status;
    this.#alikeRun = this.#last === status ? this.#alikeRun + 1 : 1;
    this.#last = status;
    const mark = (status === 'UNHEALTHY' ? FAILED : 0) | (isChange ? CHANGED : 0);

    if (this.#count === this.#marks.length) this.#forget(this.#marks[this.#next] ?? 0);
    else this.#count++;
    this.#marks[this.#next] = mark;
    this.#next = this.#next + 1 === this.#marks.length ? 0 : this.#next + 1;
    if (mark & FAILED) this.#failedCount++;
    if (mark & CHANGED) this.#changeCount++;
  }

  /** Begins anew. The next result is still compared with the last one. */
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

  #forget(mark: number): void {
    if (mark & FAILED) this.#failedCount--;
    if (mark & CHANGED) this.#changeCount--;
  }
}
