import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { newId } from '../lib/ids.ts';
import type { ConnectionInfo, ConnectionStatus } from './server.ts';
import type { StatusStreams } from './status-streams.ts';

/** A WebSocket, or one HTTP request, as those see it who answer operations. */
export class ClientConnection implements ConnectionInfo {
  readonly transport: ConnectionInfo['transport'];
  readonly headers: IncomingHttpHeaders;
  readonly address: string | undefined;
  connectionParams: Readonly<Record<string, unknown>> = {};
  readonly #statusStreams: StatusStreams;
  #id: string | undefined;

  constructor(
    transport: ConnectionInfo['transport'],
    request: IncomingMessage,
    statusStreams: StatusStreams,
  ) {
    this.transport = transport;
    this.headers = request.headers;
    this.address = request.socket.remoteAddress;
    this.#statusStreams = statusStreams;
  }

  get id(): string {
    this.#id ??= newId(); // few of those who ask over HTTP want to know
    return this.#id;
  }

  watchStatus(): AsyncIterableIterator<ConnectionStatus> {
    return this.#statusStreams.open(this);
  }
}
