import { createServer, type RequestListener } from 'node:http';
import {
  type AddressInfo,
  createServer as createPlainServer,
  type Server,
  type Socket,
} from 'node:net';
import { createServer as createSecureServer, type TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';

/** A server on a free port of this machine, which is closed when the test ends. */
export interface TestServer {
  readonly port: number;
  readonly url: string;
  /** Connections that were opened to it, and those that still are. */
  readonly opened: () => number;
  readonly open: () => number;
}

/** What a bad server does with a connection when the first bytes of a request have come, for each request. */
export type Misbehave = (socket: Socket, requestCount: number) => void;

/** A server that answers with whatever is written to its sockets. */
export function serveRaw(misbehave: Misbehave): Promise<TestServer> {
  return listen(createPlainServer(eachRequest(misbehave)), 'http');
}

/** The same behind TLS. */
export function serveSecurely(options: TlsOptions, misbehave: Misbehave): Promise<TestServer> {
  return listen(createSecureServer(options, eachRequest(misbehave)), 'https');
}

/** A server that speaks HTTP as it should. */
export function serveHttp(answer: RequestListener): Promise<TestServer> {
  return listen(createServer(answer), 'http');
}

/** A port that nobody listens at. */
export async function findClosedPort(): Promise<number> {
  const server = createPlainServer();
  await new Promise<void>((keep) => server.listen(0, '127.0.0.1', keep));
  const { port } = server.address() as AddressInfo;
  await new Promise((keep) => server.close(keep));
  return port;
}

/** A whole answer with a length. */
export function answerOf(body: string, head = 'content-type: application/json\r\n'): string {
  return `HTTP/1.1 200 OK\r\n${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function eachRequest(misbehave: Misbehave): (socket: Socket) => void {
  return (socket) => {
    let requestCount = 0;
    socket.on('error', () => {});
    socket.on('data', () => misbehave(socket, ++requestCount));
  };
}

async function listen(server: Server, scheme: string): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let opened = 0;
  server.on('connection', (socket: Socket) => {
    opened++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((keep) => server.listen(0, '127.0.0.1', keep));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((keep) => server.close(keep));
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${scheme}://127.0.0.1:${port}/health`,
    opened: () => opened,
    open: () => sockets.size,
  };
}
