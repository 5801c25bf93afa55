import { describe, expect, onTestFinished, test } from 'vitest';
import { ClientEventsDocument, ClientJobsDocument, ClientStateDocument } from '../generated/operations.ts';
import { openClient, openPlace, presentCursor, statusesOf } from './place.ts';
import { accept, serveSockets } from './serve-sockets.ts';
import { createClient } from '../../src/client/client.ts';
import { WebSocket } from 'ws';
const sleep = (ms: number) => new Promise((r) => setTimeout(r, ms));
const soon = <T>(p: Promise<T>, ms = 1500) => Promise.race([p, sleep(ms).then(() => 'TIMEOUT' as const)]);
describe('attack', () => {
  test.each([[1000, true], [1000, false], [1005, true], [1013, false]])('closes %i %s', async (code, after) => {
    let n = 0;
    const url = await serveSockets((socket) => {
      n++;
      if (!after) return void socket.close(code === 1005 ? undefined : code);
      accept(socket, () => setTimeout(() => socket.close(code === 1005 ? undefined : code), 5));
    });
    const client = openClient({ url, backOff: { delayMs: 1000 } });
    const s = client.subscribe(ClientStateDocument, { id: 'Job:1' });
    const statuses = statusesOf(client);
    console.log(code, after, await soon(s.next().catch((e) => e.message), 1500), 'dials', n, statuses.slice(0, 6));
    await client.close();
  });
  test('rubbish after the ack', async () => {
    for (const rubbish of ['{', '[]', '{"type":"next"}', '{"type":"next","id":"ID"}', '{"type":"next","id":"ID","payload":{}}', '{"type":"next","id":"ID","payload":{"data":5}}',
      '{"type":"next","id":"ID","payload":{"data":{"jobStatusChanged":7}}}', '{"type":"next","id":"ID","payload":{"data":null,"errors":[null]}}', '{"type":"next","id":"ID","payload":{"errors":"x"}}',
      '{"type":"error","id":"ID","payload":[]}', '{"type":"error","id":"ID","payload":[null]}', '{"type":"error","id":"ID","payload":{}}', '{"type":"complete","id":"ID"}', '{"type":"connection_ack"}', '{"type":"ping"}{"type":"ping"}', 'BINARY', '{"type":"next","id":"other","payload":{"data":{}}}']) {
      const url = await serveSockets((socket) => accept(socket, () => {
        socket.on('message', (d) => {
          const m = JSON.parse(String(d));
          if (m.type !== 'subscribe') return;
          socket.send(rubbish === 'BINARY' ? Buffer.from([1, 2, 255]) : rubbish.replace('ID', m.id));
        });
      }));
      for (const kind of ['state', 'events', 'query'] as const) {
        const client = openClient({ url });
        const got = kind === 'query' ? client.query(ClientJobsDocument) : client.subscribe(kind === 'state' ? ClientStateDocument as never : ClientEventsDocument, { id: 'Job:1' }).next();
        console.log(rubbish, kind, JSON.stringify(await soon((got as Promise<unknown>).catch((e) => `${e.name}: ${e.message}`), 150)));
        const c = await soon(client.close(), 1500);
        if (c === 'TIMEOUT') console.log('   CLOSE TIMEOUT');
      }
    }
  });
});
