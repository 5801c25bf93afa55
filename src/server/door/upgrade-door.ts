import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ServerLimits } from '../limits.ts';
import { nameRequest } from '../request-id.ts';
import { pathOf } from './exchange.ts';
import type { ExchangeLog } from './exchange-log.ts';
import type { Origins } from './origins.ts';
import type { Refusal } from './refusal.ts';
import { findHeadFault } from './size-and-type.ts';

interface UpgradeDoorParts {
  readonly limits: ServerLimits;
  readonly origins: Origins;
  readonly exchangeLog: ExchangeLog;
  readonly graphqlPath: string;
  readonly isClosing: () => boolean;
  /** Makes a WebSocket of a request. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** What every request comes through that wants to be a WebSocket: by the same rules as others, as far as they apply. */
export function createUpgradeDoor(
  parts: UpgradeDoorParts,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const { limits, origins, exchangeLog, graphqlPath } = parts;

  const findFault = (request: IncomingMessage): Refusal | undefined => {
    if (parts.isClosing()) return GOING_AWAY;
    const headFault = findHeadFault(request, limits);
    if (headFault !== undefined) return headFault;
    const provenance = origins.judge(request);
    if (provenance.kind === 'REFUSED') return provenance.refusal;
    if (pathOf(request) === graphqlPath) return undefined;
    const message = `No WebSocket is at this path. GraphQL is at ${graphqlPath}.`;
    return { status: 404, code: 'NOT_FOUND', message };
  };

  return (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    nameRequest(request);
    const refusal = findFault(request);
    if (refusal === undefined) return parts.upgrade(request, socket, head);
    refuseUpgrade(socket, refusal);
    exchangeLog.refusedUpgrade(request, refusal);
  };
}

const GOING_AWAY: Refusal = {
  status: 503,
  code: 'SHUTTING_DOWN',
  message: 'The server is shutting down.',
};

function refuseUpgrade(socket: Duplex, { status, message }: Refusal): void {
  const text = `${message}\n`;
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Connection: close',
      'Content-Type: text/plain; charset=utf-8',
      'X-Content-Type-Options: nosniff',
      'Cache-Control: no-store',
      `Content-Length: ${Buffer.byteLength(text)}`,
      '',
      text,
    ].join('\r\n'),
  );
}
