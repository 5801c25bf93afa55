/** What comes besides messages of operations. */
export interface FrameEvents {
  /** A whole message of an operation, as text. Left out for speed: not all are told. */
  readonly inspect?: (text: string) => void;
  /** Any other text, such as `connection_ack`. Answers whether it was a message of an operation after all. */
  readonly text: (text: string) => boolean;
  /** A frame that is no text: ping, close. */
  readonly control: (opcode: number, payload: Buffer) => void;
}

const TEXT = 0x81;
/** How messages of operations mostly begin; operations have ids of one character. */
const NEXT = '{"id":"1","type":"next"';
const ID_AT = NEXT.indexOf('id');
const TYPE_AT = NEXT.indexOf('next');
const LETTER_I = 'i'.charCodeAt(0);
const LETTER_N = 'n'.charCodeAt(0);

/**
 * Counts the messages of operations (`next`) in what one WebSocket receives, by their headers and two of their bytes: the
 * load must not take longer for a message than the server that is measured.
 */
export class FrameReader {
  readonly #events: FrameEvents;
  /** How much of a message is still to come, in bytes. */
  #left = 0;
  /** The beginning of a frame that can't be told yet. */
  #kept: Buffer | undefined;

  constructor(events: FrameEvents) {
    this.#events = events;
  }

  /** Reads the first `length` bytes of `chunk`, and keeps nothing of it. Answers how many messages ended there. */
  read(chunk: Buffer, length: number): number {
    let data = chunk;
    let end = length;
    if (this.#kept !== undefined) {
      data = Buffer.concat([this.#kept, chunk.subarray(0, length)]);
      end = data.length;
      this.#kept = undefined;
    }
    let messages = 0;
    let at = Math.min(this.#left, end);
    if (this.#left > 0) {
      this.#left -= at;
      if (this.#left > 0) return 0;
      messages++;
    }
    while (at < end) {
      const frame = readHeader(data, at, end);
      if (frame === undefined) break;
      const { from, to } = frame;
      const isMessage =
        data[at] === TEXT &&
        from + NEXT.length <= Math.min(end, to) &&
        data[from + ID_AT] === LETTER_I &&
        data[from + TYPE_AT] === LETTER_N;
      if (isMessage && to > end) {
        this.#left = to - end;
        return messages;
      }
      if (to > end) break;
      if (isMessage) {
        messages++;
        this.#events.inspect?.(data.toString('utf8', from, to));
      } else if (data[at] === TEXT) {
        if (this.#events.text(data.toString('utf8', from, to))) messages++;
      } else {
        this.#events.control((data[at] ?? 0) & 0x0f, data.subarray(from, to));
      }
      at = to;
    }
    if (at < end) this.#kept = Buffer.from(data.subarray(at, end));
    return messages;
  }
}

/** Where the payload of the frame at `at` begins and ends; `undefined` when its header is not all there. */
function readHeader(data: Buffer, at: number, end: number) {
  if (at + 2 > end) return undefined;
  const short = (data[at + 1] ?? 0) & 0x7f;
  const from = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
  if (from > end) return undefined;
  const length =
    short < 126
      ? short
      : short === 126
        ? data.readUInt16BE(at + 2)
        : Number(data.readBigUInt64BE(at + 2));
  return { from, to: from + length };
}
