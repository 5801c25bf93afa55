import type { ExecutionResult } from 'graphql';
import type { ConnectionCounters } from '../figures/connection-counters.ts';
import { asciiId, type Frames } from '../subscriptions/message.ts';
import { type Load, MOST_UNTAKEN, Subscriber } from '../subscriptions/subscriber.ts';
import type { SocketWriter } from './socket-writer.ts';

const NOBODY = () => undefined;

/**
 * A subscription over WebSocket. Its messages go to the socket directly, past the protocol's own way for results: as its
 * iterator it gives none, until its end. It takes nothing before the protocol has begun to read it: until then its client may
 * have completed it, and used the id again.
 */
export class SocketSubscriber extends Subscriber {
  readonly #writer: SocketWriter;
  readonly #id: string;
  readonly #counters: ConnectionCounters;
  #reader: ((end: IteratorResult<ExecutionResult>) => void) | undefined;
  /** Messages since the socket was last seen empty. */
  #unsent = 0;
  #emptied = 0;
  #isTaken = false;
  #onTaken: () => void = NOBODY;

  constructor(writer: SocketWriter, id: string, counters: ConnectionCounters) {
    super();
    this.#writer = writer;
    this.#id = asciiId(id);
    this.#counters = counters;
  }

  send(frames: Frames): void {
    const writer = this.#writer;
    if (this.hasLeft || !writer.isOpen) return;
    frames.write(writer.socket, this.#id);
    const { length } = frames.messages;
    this.#unsent += length;
    this.#counters.messagesTotal += length;
  }

  get load(): Load {
    if (!this.#isTaken) return 'FULL';
    const { load, emptied } = this.#writer;
    if (this.#emptied !== emptied) {
      this.#emptied = emptied;
      this.#unsent = 0;
    }
    return this.#unsent > MOST_UNTAKEN.messages ? 'BEHIND' : load;
  }

  freed(): Promise<void> {
    if (this.#isTaken || this.hasLeft) return this.#writer.freed();
    return new Promise((keep) => {
      this.#onTaken = keep;
    });
  }

  next(): Promise<IteratorResult<ExecutionResult>> {
    this.#take();
    if (this.hasLeft) return Promise.resolve({ value: undefined, done: true });
    return new Promise((read) => {
      this.#reader = read;
    });
  }

  protected onEnd(): void {
    this.#take();
    this.#reader?.({ value: undefined, done: true });
  }

  #take(): void {
    this.#isTaken = true;
    this.#onTaken();
    this.#onTaken = NOBODY;
  }
}
