import type { LiveStream } from '../../src/lib/live-stream.ts';
import type { Message } from './message.ts';

interface Placed {
  readonly message: Message;
  readonly place: number;
}

const DONE: IteratorReturnResult<undefined> = { value: undefined, done: true };

/** Where messages are published that streams give, every one in order. */
export class MessageTopic {
  readonly streams = new Set<MessageStream>();
  /** Place of the newest message. */
  place = 0;

  publish(message: Message): void {
    const placed = { message, place: ++this.place };
    for (const stream of [...this.streams]) stream.push(placed);
  }

  open(): MessageStream {
    return new MessageStream(this, this.place, []);
  }
}

/** A stream of messages that readers may share. */
export class MessageStream implements LiveStream<Message> {
  readonly kind = 'events';
  readonly topic = 'messages';
  place: number;
  readonly #source: MessageTopic;
  readonly #held: Placed[];
  #reader: ((result: IteratorResult<Message>) => void) | undefined;

  constructor(source: MessageTopic, place: number, held: readonly Placed[]) {
    this.#source = source;
    this.place = place;
    this.#held = [...held];
    source.streams.add(this);
  }

  push(placed: Placed): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) this.#held.push(placed);
    else reader(this.#give(placed));
  }

  caughtUpAt(): number | undefined {
    return this.#held.length === 0 ? this.#source.place : undefined;
  }

  fork(): MessageStream {
    return new MessageStream(this.#source, this.place, this.#held);
  }

  fallBehind(): Message {
    throw new Error('A subscriber fell behind: every message has to arrive.');
  }

  next(): Promise<IteratorResult<Message>> {
    const placed = this.#held.shift();
    if (placed !== undefined) return Promise.resolve(this.#give(placed));
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  return(): Promise<IteratorResult<Message>> {
    this.#source.streams.delete(this);
    this.#reader?.(DONE);
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #give({ message, place }: Placed): IteratorResult<Message> {
    this.place = place;
    return { value: message, done: false };
  }
}
