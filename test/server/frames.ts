import type { Socket } from 'node:net';

/** What a frame is, as RFC 6455 (5.2) numbers it. */
export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

export interface FrameOptions {
  readonly isFinal?: boolean;
  readonly isMasked?: boolean;
  readonly reserved?: number;
  /** What it says of its length, when that is not the truth. */
  readonly length?: bigint;
}

/** A frame as bytes, as wrong as it may be. */
export function frame(
  opcode: number,
  payload: string | Buffer,
  { isFinal = true, isMasked = true, reserved = 0, length }: FrameOptions = {},
): Buffer {
  const body = Buffer.from(payload);
  const mask = Buffer.from([0x12, 0x34, 0x56, 0x78]);
  const said = length ?? BigInt(body.length);
  const head = Buffer.alloc(said < 126n ? 2 : said < 65536n ? 4 : 10);
  head[0] = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (isMasked ? 0x80 : 0) | (said < 126n ? Number(said) : said < 65536n ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(Number(said), 2);
  if (head.length === 10) head.writeBigUInt64BE(said, 2);
  if (!isMasked) return Buffer.concat([head, body]);
  return Buffer.concat([head, mask, body.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

/** What a close frame carries: a code, then a reason. */
export function closing(code: number, reason: string | Buffer = ''): Buffer {
  const body = Buffer.alloc(2);
  body.writeUInt16BE(code);
  return Buffer.concat([body, Buffer.from(reason)]);
}

/** The bytes below a socket of the `ws` library. */
export function tcpOf(socket: unknown): Socket {
  return (socket as { _socket: Socket })._socket;
}
