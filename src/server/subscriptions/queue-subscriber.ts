import type { ExecutionResult } from 'graphql';
import type { ConnectionCounters } from '../figures/connection-counters.ts';
import type { Frames, Message } from './message.ts';
import { type Load, MOST_UNTAKEN, Subscriber } from './subscriber.ts';

/** A subscription whose results are read from it, one after the other, at the reader's own pace. */
export class QueueSubscriber extends Subscriber {
  readonly #counters: ConnectionCounters;
  readonly #waiting: Message[] = [];
  #waitingBytes = 0;
  #reader: ((result: IteratorResult<ExecutionResult>) => void) | undefined;
  #onFree: (() => void)[] = [];

  constructor(counters: ConnectionCounters) {
    super();
    this.#counters = counters;
  }

  send({ messages }: Frames): void {
    if (this.hasLeft) return;
    this.#counters.messagesTotal += messages.length;
    for (const message of messages) {
      const read = this.#reader;
      this.#reader = undefined;
      if (read === undefined) {
        this.#waiting.push(message);
        this.#waitingBytes += message.body.length;
      } else read({ value: message.result, done: false });
    }
  }

  get load(): Load {
    const { length } = this.#waiting;
    if (length > MOST_UNTAKEN.messages || this.#waitingBytes > MOST_UNTAKEN.bytes) return 'BEHIND';
    return length > 0 ? 'FULL' : 'FREE';
  }

  freed(): Promise<void> {
    if (this.hasLeft || this.load === 'FREE') return Promise.resolve();
    return new Promise((keep) => this.#onFree.push(keep));
  }

  next(): Promise<IteratorResult<ExecutionResult>> {
    const message = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#tellFree();
    if (message !== undefined) {
      this.#waitingBytes -= message.body.length;
      return Promise.resolve({ value: message.result, done: false });
    }
    if (this.hasLeft) return Promise.resolve({ value: undefined, done: true });
    return new Promise((read) => {
      this.#reader = read;
    });
  }

  /** Says this in place of all that waits, and ends. */
  endWith(frames: Frames): void {
    this.#discard();
    this.send(frames);
    this.end();
  }

  override return(): Promise<IteratorResult<ExecutionResult>> {
    this.#discard();
    return super.return();
  }

  protected onEnd(): void {
    this.#tellFree();
    this.#reader?.({ value: undefined, done: true });
    this.#reader = undefined;
  }

  #discard(): void {
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
  }

  #tellFree(): void {
    for (const keep of this.#onFree.splice(0)) keep();
  }
}
