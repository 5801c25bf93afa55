import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import {
  describeClient,
  type OperationLog,
  type OperationTransport,
  roundMs,
} from '../figures/operation-log.ts';
import { isProbe } from '../figures/probes.ts';
import type { Tallies } from '../figures/tallies.ts';
import { clientAddress } from '../identity/client-address.ts';
import type { ConnectionInfo } from '../server.ts';
import { type Exchange, pathOf } from './exchange.ts';
import type { Refusal } from './refusal.ts';
import { REQUEST_ID } from './request-id.ts';

/** Paths that nothing is at may be of any length: longer ones are cut, in characters. */
const MAX_PATH_LENGTH = 200;

/** Status of a request whose operation goes on in a stream, which tells of it. */
const GOES_ON_ELSEWHERE = 202;

interface ExchangeLogParts {
  readonly logger: Logger;
  readonly operationLog: OperationLog;
  readonly tallies: Tallies;
  readonly trustProxy: number;
}

/**
 * Tells which HTTP requests there were, when each is over: it is counted, and has one line in the log at level `info`, unless it
 * was a probe. Never told: query strings, headers, bodies.
 */
export class ExchangeLog {
  readonly #parts: ExchangeLogParts;

  constructor(parts: ExchangeLogParts) {
    this.#parts = parts;
  }

  /** To be called once for each exchange. */
  ended(exchange: Exchange): void {
    const { logger, tallies } = this.#parts;
    const { request, response, path, startedMs, connection, refusedCode } = exchange;
    const durationMs = performance.now() - startedMs;
    const status = response.headersSent ? response.statusCode : undefined;
    tallies.countRequest(request.method, status);
    const note = connection?.note;
    const transport = transportOf(exchange);
    if (refusedCode !== undefined) tallies.countRefusal(refusedCode);
    else if (note !== undefined && status !== GOES_ON_ELSEWHERE) {
      tallies.countOperation({ ...note, transport, startedMs }, durationMs);
    }
    if (!logger.isLevelEnabled('info') || isProbe(path)) return;
    logger.info(
      {
        method: request.method,
        path: path.slice(0, MAX_PATH_LENGTH),
        status,
        code: refusedCode,
        durationMs: roundMs(durationMs),
        transport,
        ...(note && this.#parts.operationLog.describe(note)),
        ...this.#describeClient(exchange),
      },
      'request',
    );
  }

  /** The same of a request that wanted to be a WebSocket and may not. What one does that may is told by its operations. */
  refusedUpgrade(request: IncomingMessage, { status, code }: Refusal): void {
    const { logger, tallies, trustProxy } = this.#parts;
    tallies.countRequest(request.method, status);
    tallies.countRefusal(code);
    if (!logger.isLevelEnabled('info')) return;
    logger.info(
      {
        method: request.method,
        path: pathOf(request).slice(0, MAX_PATH_LENGTH),
        status,
        code,
        transport: 'websocket',
        requestId: request.headers[REQUEST_ID],
        address: clientAddress(request, trustProxy),
      },
      'request',
    );
  }

  /** A client of a WebSocket was not let in, after that was opened. */
  refusedClient({ requestId, address }: ConnectionInfo, { code }: Refusal): void {
    const { logger, tallies } = this.#parts;
    tallies.countRefusal(code);
    logger.info({ transport: 'websocket', code, requestId, address }, 'refused');
  }

  #describeClient({ request, requestId, connection }: Exchange): object {
    if (connection !== undefined) return describeClient(connection);
    return { requestId, address: clientAddress(request, this.#parts.trustProxy) };
  }
}

function transportOf({ response }: Exchange): OperationTransport {
  return String(response.getHeader('content-type')).startsWith('text/event-stream')
    ? 'sse'
    : 'http';
}
