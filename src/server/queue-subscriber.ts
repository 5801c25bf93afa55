import type { ExecutionResult } from 'graphql';
import type { ConnectionCounters } from './connection-counters.ts';
import type { Frames } from './message.ts';
import { type Load, Subscriber } from './subscriber.ts';

/** How many results may wait before the reader is taken for too slow to get every event. */
const MOST_WAITING = 512;

/** A subscription whose results are read from it, one after the other, at the reader's own pace. */
export class QueueSubscriber extends Subscriber {
  readonly #counters: ConnectionCounters;
  readonly #waiting: ExecutionResult[] = [];
  #reader: ((result: IteratorResult<ExecutionResult>) => void) | undefined;
  #onFree: (() => void)[] = [];

  constructor(counters: ConnectionCounters) {
    super();
    this.#counters = counters;
  }

  send({ messages }: Frames): void {
    if (this.hasLeft) return;
    this.#counters.messagesTotal += messages.length;
    for (const { result } of messages) {
      const read = this.#reader;
      this.#reader = undefined;
      if (read === undefined) this.#waiting.push(result);
      else read({ value: result, done: false });
    }
  }

  get load(): Load {
    if (this.#waiting.length > MOST_WAITING) return 'BEHIND';
    return this.#waiting.length > 0 ? 'FULL' : 'FREE';
  }

  freed(): Promise<void> {
    if (this.hasLeft || this.load === 'FREE') return Promise.resolve();
    return new Promise((keep) => this.#onFree.push(keep));
  }

  next(): Promise<IteratorResult<ExecutionResult>> {
    const value = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#tellFree();
    if (value !== undefined) return Promise.resolve({ value, done: false });
    if (this.hasLeft) return Promise.resolve({ value: undefined, done: true });
    return new Promise((read) => {
      this.#reader = read;
    });
  }

  override return(): Promise<IteratorResult<ExecutionResult>> {
    this.#waiting.length = 0;
    return super.return();
  }

  protected onEnd(): void {
    this.#tellFree();
    this.#reader?.({ value: undefined, done: true });
    this.#reader = undefined;
  }

  #tellFree(): void {
    for (const keep of this.#onFree.splice(0)) keep();
  }
}
