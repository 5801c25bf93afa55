import type { ExecutionResult } from 'graphql';
import type { Frames } from './message.ts';

/**
 * How much of what a subscriber was sent its connection has not taken. `FREE`: little. `FULL`: it should get nothing more
 * until it is free. `BEHIND`: so much that it can't be sent every event any more.
 */
export type Load = 'FREE' | 'FULL' | 'BEHIND';

/** So many messages, or bytes, not taken by a connection, and it is too far behind to be sent every event. */
export const MOST_UNTAKEN = { messages: 512, bytes: 1024 * 1024 } as const;

/** What a subscriber takes part in. */
export interface Subscribed {
  /** Frees what was held for the subscriber. Called once. */
  leave(subscriber: Subscriber): void;
}

/**
 * One subscription of one client: where its messages go. It is also the iterator that stands for the operation: how its
 * results come through it, or past it, is up to each kind; `return` leaves at once.
 */
export abstract class Subscriber implements AsyncIterableIterator<ExecutionResult> {
  /** Messages of the group up to this place were told before it joined, or are older than what was. */
  from = Number.NEGATIVE_INFINITY;
  #subscribed: Subscribed | undefined;
  readonly #onLeft: (() => void)[] = [];
  #hasLeft = false;

  /** Whether it has ended, or its client has left. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Takes messages, in order. Never waits. */
  abstract send(frames: Frames): void;
  abstract readonly load: Load;
  /** Is kept when the load is `FREE`, or the subscriber has left. */
  abstract freed(): Promise<void>;
  abstract next(): Promise<IteratorResult<ExecutionResult>>;
  /** Ends the operation: nothing more comes. Called once. */
  protected abstract onEnd(): void;

  /** Has `tell` called once, when it ends or its client leaves. To be asked before that. */
  onLeft(tell: () => void): void {
    this.#onLeft.push(tell);
  }

  /** @returns whether it can: it may have left already */
  attach(subscribed: Subscribed): boolean {
    if (this.#hasLeft) return false;
    this.#subscribed = subscribed;
    return true;
  }

  /** Leaves what it takes part in, and tells the client that the operation is over. */
  end(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#subscribed?.leave(this);
    this.#subscribed = undefined;
    this.onEnd();
    for (const tell of this.#onLeft) tell();
  }

  return(): Promise<IteratorResult<ExecutionResult>> {
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
