/*
 * Leaves clients in every state in which they may be waiting for something, then does nothing more: the process ends by
 * itself if none of them holds on to a timer or a socket. The servers here hold nothing up.
 */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { type Client, createClient } from '../../src/client/client.ts';
import type { ClientStatus } from '../../src/client/connection.ts';
import { ClientStateDocument } from '../generated/operations.ts';

const HOUR = 3_600_000;

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  return (server.address() as AddressInfo).port; // it listens on a port
}

function subscribe(port: number) {
  const client = createClient({
    url: `http://127.0.0.1:${port}`,
    webSocketImpl: WebSocket,
    backOff: { delayMs: HOUR, maxDelayMs: HOUR },
    timeoutMs: HOUR,
  });
  return { client, states: client.subscribe(ClientStateDocument, { id: 'Job:1' }) };
}

async function inStatus(client: Client, wanted: ClientStatus) {
  while (client.status !== wanted) await new Promise((keep) => setTimeout(keep, 2));
}

// It takes connections, and never says anything.
const silent = createServer((socket) => socket.unref());
const silentPort = await listen(silent);

// It accepts clients, and from then on hears nothing, not even a farewell.
const mute = createHttpServer();
const mutePort = await listen(mute);
new WebSocketServer({ server: mute, handleProtocols: () => 'graphql-transport-ws' }).on(
  'connection',
  (socket, request) => {
    request.socket.unref();
    socket.once('message', () => {
      socket.send('{"type":"connection_ack"}');
      socket.pause();
    });
  },
);

// Nobody listens there.
const gone = createServer();
const gonePort = await listen(gone);
gone.close();

for (const end of ['return', 'close'] as const) {
  const leave = async ({ client, states }: ReturnType<typeof subscribe>) => {
    if (end === 'return') await states.return?.();
    else await client.close();
    if (client.status !== 'DISCONNECTED') throw new Error(`It is ${client.status}.`);
  };

  const waiting = subscribe(gonePort);
  await inStatus(waiting.client, 'RECONNECTING');
  await leave(waiting);

  const dialling = subscribe(silentPort);
  await once(silent, 'connection');
  await leave(dialling);

  const connected = subscribe(mutePort);
  await inStatus(connected.client, 'CONNECTED');
  await leave(connected);
}
console.log('All were left.');
