import type { IncomingMessage } from 'node:http';
import { ClientConnection } from './client-connection.ts';
import { Clients } from './clients.ts';
import { ConnectionCounters } from './connection-counters.ts';
import { Heartbeat } from './heartbeat.ts';
import type { ServerLimits } from './limits.ts';
import type { ConnectionInfo } from './server.ts';
import { StatusStreams } from './status-streams.ts';

/** The connections of one server: what they have in common. Has one timer, until it is closed. */
export class Connections {
  readonly counters = new ConnectionCounters();
  readonly clients: Clients;
  readonly heartbeat: Heartbeat;
  readonly #limits: ServerLimits;
  readonly #statusStreams: StatusStreams;
  readonly #comeBacks = new WeakMap<ConnectionInfo, number>();
  #leaving = 0;

  constructor(limits: ServerLimits) {
    this.#limits = limits;
    this.clients = new Clients(limits);
    this.heartbeat = new Heartbeat(limits.heartbeatMs);
    this.#statusStreams = new StatusStreams({
      heartbeat: this.heartbeat,
      heartbeatMs: limits.heartbeatMs,
      comeBackAfterMs: (connection) => this.comeBackAfterMs(connection),
    });
  }

  /** Knows a WebSocket, or an HTTP request, from now on. */
  add(transport: ConnectionInfo['transport'], request: IncomingMessage): ClientConnection {
    return new ClientConnection(transport, request, this.#statusStreams);
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
