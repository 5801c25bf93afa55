import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connections } from '../connections.ts';
import type { ClientConnection } from '../identity/client-connection.ts';
import type { ServerLimits } from '../limits.ts';
import { pathOf } from './exchange.ts';
import type { ExchangeLog } from './exchange-log.ts';
import type { Origins } from './origins.ts';
import { chargeRequest, headersOf, type Refusal } from './refusal.ts';
import { refuseUpgrade } from './refuse-upgrade.ts';
import { nameRequest } from './request-id.ts';
import { findHeadFault } from './size-and-type.ts';

interface UpgradeDoorParts {
  readonly limits: ServerLimits;
  readonly origins: Origins;
  readonly connections: Connections;
  readonly exchangeLog: ExchangeLog;
  readonly graphqlPath: string;
  readonly isClosing: () => boolean;
  /** Makes a WebSocket of a request. Who its client is, is not known yet. */
  readonly upgrade: (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    client: ClientConnection,
  ) => void;
}

/** What every request comes through that wants to be a WebSocket: by the same rules as others, as far as they apply. */
export function createUpgradeDoor(
  parts: UpgradeDoorParts,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const { limits, origins, connections, exchangeLog, graphqlPath } = parts;

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
    const client = connections.add('websocket', request);
    const refusal = findFault(request) ?? chargeRequest(client, connections.rateLimiter);
    if (refusal === undefined) return parts.upgrade(request, socket, head, client);
    refuseUpgrade(socket, refusal, headersOf(refusal));
    exchangeLog.refusedUpgrade(request, refusal);
  };
}

const GOING_AWAY: Refusal = {
  status: 503,
  code: 'SHUTTING_DOWN',
  message: 'The server is shutting down.',
};
