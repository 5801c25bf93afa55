import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  ClientEventsDocument,
  ClientJobsDocument,
  ClientStateDocument,
} from '../generated/operations.ts';
import { until } from '../support/manual-clock.ts';
import { openClient, statusesOf } from './place.ts';
import { accept, serveSockets } from './serve-sockets.ts';

const HOUR = 3_600_000;

describe('W4 O5 a client', () => {
  test.each([
    [4400, 'Bad request'],
    [4401, 'Unauthorized'],
    [4500, 'Internal server error'],
    [1009, ''],
  ])(
    'that is closed with %i does not come back: its operations fail and say why',
    async (code, reason) => {
      const url = await serveSockets((socket) => socket.close(code, reason));
      const client = openClient({ url });
      const statuses = statusesOf(client);
      const refused = { code: 'CONNECTION_REFUSED', closeCode: code, reason };
      const states = client.subscribe(ClientStateDocument, { id: 'Job:1' });
      await expect(states.next()).rejects.toMatchObject(refused);
      expect(await states.next()).toEqual({ done: true, value: undefined });
      await expect(client.query(ClientJobsDocument)).rejects.toMatchObject(refused);
      expect(client.status).toBe('DISCONNECTED');
      expect(statuses).toEqual([]);
    },
  );

  test('that is sent what is not the protocol does not come back', async () => {
    const url = await serveSockets((socket) => socket.send('Good morning.'));
    const asked = openClient({ url }).query(ClientJobsDocument);
    await expect(asked).rejects.toMatchObject({ code: 'CONNECTION_REFUSED', closeCode: undefined });
  });

  test('whose query is ended without an answer says so', async () => {
    const url = await serveSockets((socket) =>
      accept(socket, () =>
        socket.on('message', (data) => {
          const { id } = JSON.parse(String(data));
          socket.send(JSON.stringify({ type: 'complete', id }));
        }),
      ),
    );
    const asked = openClient({ url }).query(ClientJobsDocument);
    await expect(asked).rejects.toThrow('The server answered without data.');
  });

  test('whose WebSocket can not be made fails with the reason', async () => {
    const Forbidden = new Proxy(WebSocket, {
      construct() {
        throw new Error('not from this page');
      },
    });
    const client = openClient({ url: 'ws://127.0.0.1:1', webSocketImpl: Forbidden });
    const refused = { code: 'CONNECTION_REFUSED', reason: 'not from this page' };
    await expect(client.query(ClientJobsDocument)).rejects.toMatchObject(refused);
    const events = client.subscribe(ClientEventsDocument, { id: 'Job:1' });
    await expect(events.next()).rejects.toMatchObject(refused);
  });

  test('leaves out what no WebSocket takes of an address', async () => {
    const url = await serveSockets((socket) => socket.close(4400));
    const asked = openClient({ url: `${url}/#place` }).query(ClientJobsDocument);
    await expect(asked).rejects.toMatchObject({ closeCode: 4400 });
  });

  test('waits before it comes back also when the server closes as if all was done (1000)', async () => {
    let made = 0;
    const url = await serveSockets((socket) => {
      made++;
      if (made % 2 === 1) accept(socket, () => socket.close(1000));
      else socket.close(1000);
    });
    const client = openClient({ url, backOff: { delayMs: 20, maxDelayMs: HOUR } });
    const reasons: unknown[] = [];
    client.onStatus((_, reason) => reasons.push(reason));
    client.query(ClientJobsDocument).catch(() => undefined);
    const beganAtMs = performance.now();
    await until(() => made === 4);
    expect(performance.now() - beganAtMs).toBeGreaterThan(60); // at least 10, 20 and 40 ms
    expect(reasons).toContain('closed with code 1000');
  });

  test('does not wait for a connection that was lost long ago', async () => {
    let made = 0;
    const url = await serveSockets((socket) => {
      made++;
      if (made === 1) accept(socket, () => socket.close(1001, 'retry in 1000 ms'));
    });
    const client = openClient({ url });
    const states = client.subscribe(ClientStateDocument, { id: 'Job:1' });
    await until(() => client.status === 'RECONNECTING');
    await states.return?.();
    await new Promise((keep) => setTimeout(keep, 1000));
    const beganAtMs = performance.now();
    client.query(ClientJobsDocument).catch(() => undefined);
    await until(() => made === 2);
    expect(performance.now() - beganAtMs).toBeLessThan(900);
  });

  test('whose parameters can not be made fails with the reason', async () => {
    const url = await serveSockets(() => undefined);
    const connectionParams = () => Promise.reject(new Error('no token'));
    const asked = openClient({ url, connectionParams }).query(ClientJobsDocument);
    await expect(asked).rejects.toMatchObject({ code: 'CONNECTION_REFUSED', reason: 'no token' });
  });

  test('comes back when the server that went away said so, and not before', async () => {
    const times: number[] = [];
    const url = await serveSockets((socket, number) => {
      times.push(performance.now());
      if (number === 1) accept(socket, () => socket.close(1001, 'Going away; retry in 700 ms.'));
    });
    const quick = openClient({ url });
    quick.query(ClientJobsDocument).catch(() => undefined);
    await until(() => times.length === 2);
    const [first = 0, last = 0] = times;
    expect(last - first).toBeGreaterThan(699);
  });

  test('that would wait for long comes back as soon as the server said', async () => {
    let made = 0;
    const url = await serveSockets((socket) => {
      made++;
      if (made === 1) accept(socket, () => socket.close(1001, 'retry in 5 ms'));
    });
    const patient = openClient({ url, backOff: { delayMs: HOUR, maxDelayMs: HOUR } });
    patient.query(ClientJobsDocument).catch(() => undefined);
    await until(() => made === 2);
  });

  test('tells the parameters anew with each connection', async () => {
    const told: unknown[] = [];
    const url = await serveSockets((socket, number) => {
      socket.once('message', (data) => {
        told.push(JSON.parse(String(data)).payload);
        if (number < 3) socket.terminate();
      });
    });
    let asked = 0;
    const client = openClient({ url, connectionParams: async () => ({ token: ++asked }) });
    client.query(ClientJobsDocument).catch(() => undefined);
    await until(() => told.length === 3);
    expect(told).toEqual([{ token: 1 }, { token: 2 }, { token: 3 }]);
  });
});
