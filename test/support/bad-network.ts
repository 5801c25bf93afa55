import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** How connections are cut. `RST`: reset. `FIN`: ended in order, as TCP has it; WebSockets see no farewell. */
export type Cut = 'RST' | 'FIN';

/** A network between clients and one server, which does what a test tells it to. */
export interface BadNetwork {
  /** Where clients connect, in place of the server. */
  readonly port: number;
  /** The address with this network's port in place of the server's. */
  through(url: string): string;
  /** Connections that clients made so far, those included that were refused. */
  readonly made: number;
  /** Connections that lead from a client to the server now. */
  readonly open: number;
  /** Bytes that came from the server and went on to clients. */
  readonly bytesDown: number;
  /** Cuts all connections on both sides, and answers how many there were. Later ones go through. */
  cut(how?: Cut): number;
  /** From now on nothing is forwarded either way, while all stays open; connections are still taken. Until `heal`. */
  stall(): void;
  /** Ends all connections on the server's side, and tells the clients nothing. Later ones go through. */
  halfOpen(): void;
  /** From now on new connections are reset at once. Until `heal`. */
  refuse(): void;
  /** Ends `stall` and `refuse`: what was held up goes through. */
  heal(): void;
  /** Another server stands behind it now, for new connections. */
  leadTo(serverPort: number): void;
  /** Cuts everything and listens no more. To call it again changes nothing. */
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** Opens a network on a free port before a server of this machine. It is closed with the test at the latest. */
export async function openBadNetwork(serverPort: number): Promise<BadNetwork> {
  const pairs = new Set<Pair>();
  /** What was taken apart, and may be open on one side still. */
  const ending = new Set<Socket>();
  let target = serverPort;
  let made = 0;
  let bytesDown = 0;
  let isStalled = false;
  let isRefusing = false;
  let closed: Promise<void> | undefined;

  const join = (client: Socket) => {
    const server = connect(target, '127.0.0.1');
    const pair = { client, server };
    pairs.add(pair);
    server.on('data', (data) => {
      bytesDown += data.length;
    });
    client.pipe(server);
    server.pipe(client);
    if (isStalled) hold(pair);
    const part = () => {
      if (!pairs.delete(pair)) return;
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.on('error', part);
      socket.on('close', () => {
        ending.delete(socket);
        part();
      });
    }
  };

  const listener = createServer((client) => {
    made++;
    if (isRefusing) client.resetAndDestroy();
    else join(client);
  });
  await new Promise<void>((listening) => listener.listen(0, '127.0.0.1', listening));
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('It has no port.');
  const { port } = address;

  const network: BadNetwork = {
    port,
    through(url) {
      const there = new URL(url);
      there.port = String(port);
      return there.href;
    },
    get made() {
      return made;
    },
    get open() {
      return pairs.size;
    },
    get bytesDown() {
      return bytesDown;
    },
    cut(how = 'RST') {
      const all = [...pairs];
      pairs.clear();
      for (const { client, server } of all) {
        for (const socket of [client, server]) {
          ending.add(socket);
          if (how === 'RST') socket.resetAndDestroy();
          else socket.destroySoon();
        }
      }
      return all.length;
    },
    stall() {
      isStalled = true;
      for (const pair of pairs) hold(pair);
    },
    halfOpen() {
      for (const pair of pairs) {
        hold(pair);
        pairs.delete(pair);
        ending.add(pair.client);
        pair.server.destroy();
      }
    },
    refuse() {
      isRefusing = true;
    },
    heal() {
      isRefusing = false;
      isStalled = false;
      for (const { client, server } of pairs) {
        client.pipe(server);
        server.pipe(client);
      }
    },
    leadTo(other) {
      target = other;
    },
    close() {
      closed ??= new Promise((resolve) => {
        listener.close(() => resolve());
        network.cut();
        for (const socket of ending) socket.destroy();
      });
      return closed;
    },
  };
  onTestFinished(() => network.close());
  return network;
}

function hold({ client, server }: Pair): void {
  client.unpipe(server).pause();
  server.unpipe(client).pause();
}
