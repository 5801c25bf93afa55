import { once } from 'node:events';
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws';
import { onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';

/** A server that does with each socket what the test says. It knows nothing of GraphQL. */
export async function serveSockets(take: (socket: WebSocket, number: number) => void) {
  const sockets = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: () => GRAPHQL_TRANSPORT_WS_PROTOCOL,
  });
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  });
  let number = 0;
  sockets.on('connection', (socket: WebSocket) => take(socket, ++number));
  await once(sockets, 'listening');
  const address = sockets.address();
  if (address === null || typeof address === 'string') throw new Error('It has no port.');
  return `ws://127.0.0.1:${address.port}`;
}

/** Accepts the connection, then does what the test says. */
export function accept(socket: WebSocket, then: () => void) {
  socket.once('message', () => {
    socket.send('{"type":"connection_ack"}');
    then();
  });
}
