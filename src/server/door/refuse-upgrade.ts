import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Refusal } from './refusal.ts';

/** How long a client may take to read why it is refused, in milliseconds. */
const READ_MS = 5_000;

/**
 * Answers one that wanted to be a WebSocket with why it may not, and lets go of its connection. The HTTP server does not look after
 * that any more: a client that keeps its own side open would keep the connection for ever.
 * @param more headers besides those that each such answer has
 */
export function refuseUpgrade(
  socket: Duplex,
  { status, message }: Pick<Refusal, 'status' | 'message'>,
  more: Readonly<Record<string, string | number>> = {},
): void {
  const text = `${message}\n`;
  const headers = {
    Connection: 'close',
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    'Content-Length': Buffer.byteLength(text),
    ...more,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const cut = setTimeout(() => socket.destroy(), READ_MS);
  socket.once('close', () => clearTimeout(cut));
  socket.once('finish', () => socket.destroy());
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', text].join('\r\n'));
}
