import type { IncomingMessage } from 'node:http';
import { RateLimiter } from './documents/rate-limiter.ts';
import { ConnectionCounters } from './figures/connection-counters.ts';
import type { Authentication } from './identity/authentication.ts';
import { clientAddress } from './identity/client-address.ts';
import { ClientConnection, type ConnectionParts } from './identity/client-connection.ts';
import { Clients } from './identity/clients.ts';
import type { ServerLimits } from './limits.ts';
import type { ConnectionInfo } from './server.ts';
import { Heartbeat } from './socket/heartbeat.ts';
import { StatusStreams } from './subscriptions/status-streams.ts';

/** The connections of one server: what they have in common. Has one timer, until it is closed. */
export class Connections {
  readonly counters = new ConnectionCounters();
  readonly clients: Clients;
  readonly heartbeat: Heartbeat;
  readonly rateLimiter: RateLimiter;
  readonly #limits: ServerLimits;
  readonly #trustProxy: number;
  readonly #statusStreams: StatusStreams;
  readonly #parts: ConnectionParts;
  readonly #comeBacks = new WeakMap<ConnectionInfo, number>();
  #leaving = 0;

  /** @param trustProxy how many proxies stand before the server that can be trusted */
  constructor(limits: ServerLimits, authentication: Authentication, trustProxy = 0) {
    this.#limits = limits;
    this.#trustProxy = trustProxy;
    this.clients = new Clients(limits);
    this.rateLimiter = new RateLimiter(limits);
    this.heartbeat = new Heartbeat(limits.heartbeatMs);
    this.#statusStreams = new StatusStreams({
      heartbeat: this.heartbeat,
      heartbeatMs: limits.heartbeatMs,
      comeBackAfterMs: (connection) => this.comeBackAfterMs(connection),
    });
    const { heartbeat, rateLimiter } = this;
    const statusStreams = this.#statusStreams;
    this.#parts = { authentication, heartbeat, rateLimiter, statusStreams };
  }

  /** Knows a WebSocket, or an HTTP request, from now on. */
  add(transport: ConnectionInfo['transport'], request: IncomingMessage): ClientConnection {
    const address = clientAddress(request, this.#trustProxy);
    return new ClientConnection(transport, request, address, this.#parts);
  }

  /**
   * Tells those who watch their connection that the server goes away.
   * @param leaving how many clients there are
   * @returns is kept when all have read it, or left
   */
  goAway(leaving: number): Promise<void> {
    this.#leaving = leaving;
    return this.#statusStreams.end();
  }

  /**
   * How long the client of a connection should stay away, in milliseconds: the same each time it is asked. Drawn by lot,
   * from a time that is the longer the more there are, so that they don't come back all at once.
   */
  comeBackAfterMs(connection: ConnectionInfo): number {
    const known = this.#comeBacks.get(connection);
    if (known !== undefined) return known;
    const { comeBackMinMs, comeBackMaxMs, comeBackPerSecond } = this.#limits;
    const longestMs = Math.min(
      comeBackMaxMs,
      comeBackMinMs + (1000 * this.#leaving) / comeBackPerSecond,
    );
    const drawn = Math.round(comeBackMinMs + Math.random() * (longestMs - comeBackMinMs));
    this.#comeBacks.set(connection, drawn);
    return drawn;
  }

  close(): void {
    this.heartbeat.close();
  }
}
