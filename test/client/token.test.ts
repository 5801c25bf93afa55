import { describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { ClientJobsDocument, ClientStateDocument } from '../generated/operations.ts';
import { until } from '../support/manual-clock.ts';
import { openClient, openPlace, statusesOf } from './place.ts';
import { serveSockets } from './serve-sockets.ts';

const HOUR_MS = 3_600_000;

/** What a client says first, and then one thing after the other. */
function listen(socket: WebSocket, hear: (message: { type: string; payload?: unknown }) => void) {
  socket.on('message', (data) => hear(JSON.parse(String(data))));
}

describe('O5 a client with a token', () => {
  test('shows it with each connection, besides what else it tells', async () => {
    const told: unknown[] = [];
    const url = await serveSockets((socket) => {
      socket.once('message', (data) => {
        told.push(JSON.parse(String(data)).payload);
        if (told.length < 2) socket.terminate();
      });
    });
    const client = openClient({ url, token: 's3cr3t-key', connectionParams: { page: 'jobs' } });
    client.query(ClientJobsDocument).catch(() => undefined);
    await until(() => told.length === 2);
    const payload = { page: 'jobs', authorization: 'Bearer s3cr3t-key' };
    expect(told).toEqual([payload, payload]);
  });

  test('that the server would not have gives up at once, and says what to do', async () => {
    let made = 0;
    const url = await serveSockets((socket) => {
      made++;
      socket.once('message', () => socket.close(4403, 'This API key was revoked.'));
    });
    const client = openClient({ url, token: 's3cr3t-key' });
    const statuses = statusesOf(client);
    const asked = client.query(ClientJobsDocument);
    await expect(asked).rejects.toMatchObject({ code: 'CONNECTION_REFUSED', closeCode: 4403 });
    await expect(asked).rejects.toThrow(
      'The connection was refused with code 4403: This API key was revoked. Show a token that is valid.',
    );
    expect([made, client.status]).toEqual([1, 'DISCONNECTED']);
    expect(statuses).toEqual([]);
  });

  test('from a function asks once more for another, and then gives up', async () => {
    const told: unknown[] = [];
    const url = await serveSockets((socket) =>
      listen(socket, ({ payload }) => {
        told.push(payload);
        socket.close(4403, 'Token expired');
      }),
    );
    let asked = 0;
    const client = openClient({ url, token: async () => `s3cr3t-${++asked}` });
    const first = client.query(ClientJobsDocument);
    const second = client.query(ClientJobsDocument);
    await expect(first).rejects.toMatchObject({ closeCode: 4403, reason: 'Token expired' });
    await expect(second).rejects.toMatchObject({ closeCode: 4403 });
    expect(told).toEqual([
      { authorization: 'Bearer s3cr3t-1' },
      { authorization: 'Bearer s3cr3t-2' },
    ]);
  });

  test('that expires while it is connected comes back with another, as often as that happens', async () => {
    let made = 0;
    const url = await serveSockets((socket) => {
      made++;
      listen(socket, ({ type }) => {
        if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
        else socket.close(4403, 'Token expired');
      });
    });
    const client = openClient({ url, token: () => 's3cr3t-key' });
    client.subscribe(ClientStateDocument, { id: 'Job:1' });
    await until(() => made === 4);
  });

  test('that can not be got fails with the reason', async () => {
    const url = await serveSockets(() => undefined);
    const token = () => Promise.reject(new Error('not logged in'));
    const asked = openClient({ url, token }).query(ClientJobsDocument);
    await expect(asked).rejects.toMatchObject({ reason: 'not logged in' });
  });

  test('renews it before it expires by the clock of the server, until there is none newer', async () => {
    const shown: unknown[] = [];
    const now = Date.now() - 5 * HOUR_MS; // the server's
    const times = [1_300, 2_600, 2_600].map((ms) => new Date(now + ms).toISOString());
    let made = 0;
    const url = await serveSockets((socket) => {
      made++;
      listen(socket, (message) => {
        const { type, id, payload } = message as { type: string; id?: string; payload?: unknown };
        const { variables } = Object(payload) as { variables?: { input?: { token?: string } } };
        const expiresAt = times[shown.length];
        if (type === 'connection_init') {
          const serverTime = new Date(now).toISOString();
          shown.push((payload as { authorization: string }).authorization);
          socket.send(
            JSON.stringify({
              type: 'connection_ack',
              payload: { expiresAt: times[0], serverTime },
            }),
          );
        } else if (variables?.input !== undefined) {
          shown.push(variables.input.token);
          const data = { renewConnection: { expiresAt } };
          socket.send(JSON.stringify({ type: 'next', id, payload: { data } }));
          socket.send(JSON.stringify({ type: 'complete', id }));
        }
      });
    });
    let asked = 0;
    const client = openClient({ url, token: () => `s3cr3t-${++asked}` });
    client.subscribe(ClientStateDocument, { id: 'Job:1' });
    await until(() => shown.length === 3);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(shown).toEqual(['Bearer s3cr3t-1', 's3cr3t-2', 's3cr3t-3']);
    expect([made, client.status]).toEqual([1, 'CONNECTED']);
  });
});

test('O5 a client goes on over the expiry of its tokens, without a gap', async () => {
  const shown = new Set<string>();
  const place = await openPlace(
    {},
    {
      auth: {
        hook: ({ connectionParams: { authorization } }) => {
          shown.add(String(authorization));
          return { scopes: ['read'], subject: 'ann', expiresAt: Date.now() + 1_500 };
        },
      },
    },
  );
  let asked = 0;
  const client = openClient({ url: place.url, token: () => `s3cr3t-${++asked}` });
  const statuses = statusesOf(client);
  const states = client.subscribe(ClientStateDocument, { id: place.jobId });
  await states.next();
  await until(() => shown.size === 3);
  expect(statuses).toEqual(['CONNECTED']);
  await states.return?.();
});
