import type { Writable } from 'node:stream';
import type { ExecutionResult } from 'graphql';
import { showResult } from '../documents/show-result.ts';

/** Longer frames are handed to each socket in two pieces, shorter ones are copied into one. */
const LONGEST_COPIED_BYTES = 16 * 1024;

const BEFORE_ID = '{"id":"';
const AFTER_ID = '","type":"next","payload":';
const END = '}';

/** One result of a subscription, for all who get it. It is serialised once. */
export class Message {
  readonly result: ExecutionResult;
  #body: Buffer | undefined;

  constructor(result: ExecutionResult) {
    this.result = result;
  }

  /** The result as JSON, and the end of the protocol's message around it. */
  get body(): Buffer {
    this.#body ??= Buffer.from(JSON.stringify(showResult(this.result)) + END);
    return this.#body;
  }
}

/**
 * Messages that follow on each other, as WebSocket frames of the `next` messages around them. The frames are put together
 * once for ids of the same length; then only the id of each operation is exchanged.
 */
export class Frames {
  readonly messages: readonly Message[];
  #isLong: boolean | undefined;
  #bytes: Buffer | undefined;
  /** The one in `#bytes`, and where it stands there. */
  #id = '';
  #idsAt: readonly number[] = [];

  constructor(messages: readonly Message[]) {
    this.messages = messages;
  }

  /**
   * Writes them for an operation, all at once.
   * @param id the operation's, as `asciiId` makes it
   */
  write(socket: Writable, id: string): void {
    this.#isLong ??= this.messages.some(({ body }) => body.length > LONGEST_COPIED_BYTES);
    if (!this.#isLong) {
      socket.write(this.#bytesWith(id));
      return;
    }
    // The bodies stay the same pieces of memory, whoever they are written to.
    socket.cork();
    for (const { body } of this.messages) {
      socket.write(makeHead(id, body.length));
      socket.write(body);
    }
    socket.uncork();
  }

  #bytesWith(id: string): Buffer {
    const last = this.#bytes;
    if (last !== undefined && this.#id === id) return last;
    if (last === undefined || this.#id.length !== id.length) return this.#make(id);
    const bytes = Buffer.allocUnsafe(last.length);
    last.copy(bytes);
    for (const at of this.#idsAt) bytes.write(id, at, 'latin1');
    this.#bytes = bytes;
    this.#id = id;
    return bytes;
  }

  #make(id: string): Buffer {
    const pieces: Buffer[] = [];
    const idsAt: number[] = [];
    let length = 0;
    for (const { body } of this.messages) {
      const head = makeHead(id, body.length);
      length += head.length;
      idsAt.push(length - AFTER_ID.length - id.length);
      pieces.push(head, body);
      length += body.length;
    }
    this.#bytes = Buffer.concat(pieces);
    this.#id = id;
    this.#idsAt = idsAt;
    return this.#bytes;
  }
}

/** An id as it stands in JSON between the quotes, with nothing in it but ASCII. */
export function asciiId(id: string): string {
  return JSON.stringify(id)
    .slice(1, -1)
    .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The header of a frame (RFC 6455, 5.2: final, text, not masked), and the message up to its body. */
function makeHead(id: string, bodyLength: number): Buffer {
  const start = BEFORE_ID + id + AFTER_ID;
  const length = start.length + bodyLength;
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const head = Buffer.allocUnsafe(headerLength + start.length);
  head[0] = 0x81;
  if (headerLength === 2) head[1] = length;
  else if (headerLength === 4) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  head.write(start, headerLength, 'latin1');
  return head;
}
