import type { Writable } from 'node:stream';
import type { ExecutionResult } from 'graphql';
import { showResult } from './show-result.ts';

/** Longer bodies are handed to each socket as they are; shorter ones are copied into one piece with what frames them. */
const LONGEST_COPIED_BYTES = 16 * 1024;

const BEFORE_ID = '{"id":"';
const AFTER_ID = '","type":"next","payload":';
const END = '}';

/**
 * One result of a subscription, for all who get it. It is serialised once; and the WebSocket frame of the `next` message
 * around it is made once, in which then only the id of each one's operation is exchanged.
 */
export class Message {
  readonly result: ExecutionResult;
  /** The result as JSON, and the end of the message around it. */
  #body: Buffer | undefined;
  #frame: Buffer | undefined;
  /** The one in `#frame`. */
  #id = '';

  constructor(result: ExecutionResult) {
    this.result = result;
  }

  /**
   * Writes the `next` message for an operation, as one frame.
   * @param id the operation's, as `asciiId` makes it
   */
  writeFrame(socket: Writable, id: string): void {
    this.#body ??= Buffer.from(JSON.stringify(showResult(this.result)) + END);
    const body = this.#body;
    if (body.length <= LONGEST_COPIED_BYTES) {
      socket.write(this.#frameWith(body, id));
      return;
    }
    socket.cork();
    socket.write(makeHead(id, body.length));
    socket.write(body);
    socket.uncork();
  }

  #frameWith(body: Buffer, id: string): Buffer {
    const last = this.#frame;
    if (last !== undefined && this.#id === id) return last;
    let frame: Buffer;
    if (last !== undefined && this.#id.length === id.length) {
      frame = Buffer.allocUnsafe(last.length);
      last.copy(frame);
      frame.write(id, last.length - body.length - AFTER_ID.length - id.length, 'latin1');
    } else {
      frame = Buffer.concat([makeHead(id, body.length), body]);
    }
    this.#frame = frame;
    this.#id = id;
    return frame;
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
