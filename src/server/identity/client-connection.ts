import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { DEFAULT_TENANT, type Identity } from '../../lib/identity.ts';
import { newId } from '../../lib/ids.ts';
import { NotRenewableError } from '../../lib/not-renewable-error.ts';
import type { RateLimiter, RateReading } from '../documents/rate-limiter.ts';
import { REQUEST_ID } from '../door/request-id.ts';
import type { OperationNote } from '../figures/operation-log.ts';
import type { ConnectionInfo, ConnectionStatus } from '../server.ts';
import type { Heartbeat } from '../socket/heartbeat.ts';
import type { StatusStreams } from '../subscriptions/status-streams.ts';
import { Admission } from './admission.ts';
import type { Authentication } from './authentication.ts';

/** Who a client is before it was asked: may do nothing. */
const NOBODY: Identity = { scopes: new Set(), tenant: DEFAULT_TENANT };

/** What connections of one server have in common. */
export interface ConnectionParts {
  readonly authentication: Authentication;
  readonly heartbeat: Heartbeat;
  readonly rateLimiter: RateLimiter;
  readonly statusStreams: StatusStreams;
}

/** A WebSocket, or one HTTP request, as those see it who answer operations. */
export class ClientConnection implements ConnectionInfo {
  readonly transport: ConnectionInfo['transport'];
  readonly headers: IncomingHttpHeaders;
  readonly address: string | undefined;
  connectionParams: Readonly<Record<string, unknown>> = {};
  identity: Identity = NOBODY;
  /** Of an HTTP request: its operation, once it is known. */
  note: OperationNote | undefined;
  readonly #parts: ConnectionParts;
  /** Who is told when its client is not to be heard any more. */
  readonly #listeners = new Set<(problem: string) => void>();
  /** There is one as long as there are listeners, if it can end at all. */
  #admission: Admission | undefined;
  #id: string | undefined;

  constructor(
    transport: ConnectionInfo['transport'],
    request: IncomingMessage,
    address: string | undefined,
    parts: ConnectionParts,
  ) {
    this.transport = transport;
    this.headers = request.headers;
    this.address = address;
    this.#parts = parts;
  }

  get id(): string {
    this.#id ??= newId(); // few of those who ask over HTTP want to know
    return this.#id;
  }

  get requestId(): string {
    return String(this.headers[REQUEST_ID]); // written when the request came in
  }

  watchStatus(): AsyncIterableIterator<ConnectionStatus> {
    return this.#parts.statusStreams.open(this);
  }

  readRateLimit(): RateReading {
    return this.#parts.rateLimiter.read(this);
  }

  onExpelled(tell: (problem: string) => void): () => void {
    const own = (problem: string) => tell(problem);
    this.#listeners.add(own);
    if (this.#listeners.size === 1) this.#begin();
    return () => {
      if (!this.#listeners.delete(own) || this.#listeners.size > 0) return;
      this.#admission?.close();
      this.#admission = undefined;
    };
  }

  async renew(token: string): Promise<Identity> {
    const { transport, headers, address } = this;
    if (transport !== 'websocket') {
      throw new NotRenewableError(
        'Over HTTP each request shows a token of its own: there is none to renew.',
      );
    }
    const connectionParams = { authorization: `Bearer ${token}` };
    const renewed = { transport, headers, connectionParams, address };
    const identity = await this.#parts.authentication.identifyAgain(renewed);
    const { tenant, subject, scopes } = this.identity;
    if (identity.tenant !== tenant || identity.subject !== subject) {
      throw new NotRenewableError(
        'This token is of somebody else than the connection is. Open another connection with it.',
      );
    }
    const lost = [...scopes].filter((scope) => !identity.scopes.has(scope));
    if (lost.length > 0) {
      throw new NotRenewableError(
        `This token lacks scopes that the connection has: ${lost.join(', ')}. Open another connection with it.`,
      );
    }
    this.identity = identity;
    if (this.#listeners.size > 0) this.#begin();
    return identity;
  }

  /** From now on its present identity is what counts. */
  #begin(): void {
    this.#admission?.close();
    this.#admission = undefined;
    const { expiresAt, recheck } = this.identity;
    if (expiresAt === undefined && recheck === undefined) return;
    this.#admission = new Admission(this.identity, this.#parts.heartbeat, (problem) => {
      for (const tell of this.#listeners) tell(problem);
    });
  }
}
