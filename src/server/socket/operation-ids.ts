import { CLOSE_CODES } from './close-codes.ts';

/** The most characters of an operation's id: it comes back with each result. */
const LONGEST_ID = 128;

/** Types of messages that no client has to send. */
const SENT_BY_SERVERS: ReadonlySet<unknown> = new Set(['connection_ack', 'next', 'error']);

/** What is to be done with a message of a client. */
export type Reading =
  /** The protocol gets it, as `text`. */
  | { readonly kind: 'HAND_OVER'; readonly text: string }
  | { readonly kind: 'IGNORE' }
  | { readonly kind: 'CLOSE'; readonly code: number; readonly reason: string };

/**
 * Gives each operation of one client a name of its own, under which graphql-ws knows it in place of its id. Clients may use
 * an id again as soon as its operation is over; but graphql-ws tidies up by id some time after that, and would drop the
 * new operation with the old.
 */
export class OperationIds {
  #named = 0;
  /** Of the operations that go on, by id. */
  readonly #names = new Map<string, string>();

  /** Reads a message, in the order they come. What is no message of the protocol is left for the protocol to refuse. */
  read(text: string): Reading {
    const message = parse(text);
    const { type, id } = message;
    if (SENT_BY_SERVERS.has(type)) {
      const reason = 'Only servers send messages of this type';
      return { kind: 'CLOSE', code: CLOSE_CODES.invalidMessage, reason };
    }
    if (typeof id !== 'string' || id === '') return { kind: 'HAND_OVER', text };
    if (type === 'complete') {
      const name = this.#names.get(id);
      if (name === undefined) return { kind: 'IGNORE' };
      this.#names.delete(id);
      return handOver({ ...message, id: name });
    }
    if (type !== 'subscribe') return { kind: 'HAND_OVER', text };
    if (id.length > LONGEST_ID) {
      const reason = `An operation's id has at most ${LONGEST_ID} characters`;
      return { kind: 'CLOSE', code: CLOSE_CODES.invalidMessage, reason };
    }
    if (this.#names.has(id)) {
      const reason = `Subscriber for ${id} already exists`;
      return { kind: 'CLOSE', code: CLOSE_CODES.duplicateId, reason };
    }
    const name = `${this.#named++}:${id}`;
    this.#names.set(id, name);
    return handOver({ ...message, id: name });
  }

  /** A message of the protocol as the client is to get it. */
  write(text: string): string {
    return text.replace(/^\{"id":"\d+:/, '{"id":"');
  }

  /** An operation is over: its id may be used again. */
  end(name: string): void {
    const id = idOf(name);
    if (this.#names.get(id) === name) this.#names.delete(id);
  }
}

/** The id that the client gave to an operation. */
export function idOf(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/** What is nested deeper than the stack allows can be read, but not written. */
function handOver(message: object): Reading {
  try {
    return { kind: 'HAND_OVER', text: JSON.stringify(message) };
  } catch {
    const reason = 'The message is nested too deeply';
    return { kind: 'CLOSE', code: CLOSE_CODES.invalidMessage, reason };
  }
}

function parse(text: string): { readonly type?: unknown; readonly id?: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
