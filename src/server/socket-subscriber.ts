import type { ExecutionResult } from 'graphql';
import { asciiId, type Message } from './message.ts';
import type { SocketWriter } from './socket-writer.ts';
import { type Load, Subscriber } from './subscriber.ts';

/** How many messages may be unsent before the client is taken for too slow to get every event. */
const MOST_UNSENT = 512;

/**
 * A subscription over WebSocket. Its messages go to the socket directly, past the protocol's own way for results: as its
 * iterator it gives none, until its end.
 */
export class SocketSubscriber extends Subscriber {
  readonly #writer: SocketWriter;
  readonly #id: string;
  #reader: ((end: IteratorResult<ExecutionResult>) => void) | undefined;
  /** Messages since the socket was last seen empty. */
  #unsent = 0;
  #emptied = 0;

  constructor(writer: SocketWriter, id: string) {
    super();
    this.#writer = writer;
    this.#id = asciiId(id);
  }

  send(message: Message): void {
    const writer = this.#writer;
    if (this.hasLeft || !writer.isOpen) return;
    message.writeFrame(writer.socket, this.#id);
    this.#unsent++;
  }

  get load(): Load {
    const { load, emptied } = this.#writer;
    if (this.#emptied !== emptied) {
      this.#emptied = emptied;
      this.#unsent = 0;
    }
    return this.#unsent > MOST_UNSENT ? 'BEHIND' : load;
  }

  freed(): Promise<void> {
    return this.#writer.freed();
  }

  next(): Promise<IteratorResult<ExecutionResult>> {
    if (this.hasLeft) return Promise.resolve({ value: undefined, done: true });
    return new Promise((read) => {
      this.#reader = read;
    });
  }

  protected onEnd(): void {
    this.#reader?.({ value: undefined, done: true });
  }
}
