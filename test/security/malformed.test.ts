import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { dial, subscribe } from '../server/dial.ts';
import { tcpOf } from '../server/frames.ts';
import { serve, until } from '../server/serve.ts';
import { open } from '../server/test-api.ts';
import { MALFORMED_FRAMES, MALFORMED_UPGRADES } from './malformed-frames.ts';
import {
  MALFORMED_REQUESTS,
  MALFORMED_STREAM_REQUESTS,
  type MalformedRequest,
  write,
} from './malformed-requests.ts';

/** Sends bytes, and answers all that comes back until the server has ended the connection. */
function sendRaw(port: number, { bytes, isCut = false }: Omit<MalformedRequest, 'what'>) {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => undefined); // the server may cut it
  socket.write(bytes);
  if (isCut) socket.end();
  return new Promise<string>((resolve) => {
    const giveUp = setTimeout(() => resolve(`${received}\nIt is still open.`), 4_000);
    socket.once('close', () => {
      clearTimeout(giveUp);
      resolve(received);
    });
  });
}

/** Whether something was refused, and nothing else answered; and that was the end of it. */
function isRefusal(received: string): boolean {
  const statuses = [...received.matchAll(/HTTP\/1\.1 (\d)\d\d /g)].map(([, first]) => first);
  const isEnded = !received.endsWith('It is still open.');
  return isEnded && statuses.length > 0 && statuses.every((first) => first === '4');
}

/** A server with a good client on each transport, to be asked after each bad one. */
async function serveGood() {
  const served = await serve({ limits: { headersTimeoutMs: 2_000, requestTimeoutMs: 2_000 } });
  const { url, ask, server, logged } = served;
  const other = await dial(url);
  await other.begin();
  other.say(subscribe('silence', 'subscription { silence }'));
  await until(() => open.count === 1);
  let asked = 0;
  return {
    ...served,
    isWell: async () => {
      const id = `good${asked++}`;
      other.say(subscribe(id, '{ transport }'));
      const { status, body } = await ask('{ transport }');
      await until(() => other.messages.some((message) => message.id === id));
      return status === 200 && body.data.transport === 'http';
    },
    /** To be called at the end: nothing is left of the bad ones, and nothing broke. */
    expectNothingLeft: async () => {
      const nothing = { webSockets: 1, eventStreams: 0, operations: 1, subscriptions: 1 };
      await until(() => server.countConnections().webSockets === 1);
      expect(server.countConnections()).toMatchObject(nothing);
      expect(open.count).toBe(1);
      expect(logged).toEqual([]);
    },
  };
}

describe('O5 what is malformed', () => {
  test('there is much of', () => {
    const count =
      MALFORMED_REQUESTS.length +
      MALFORMED_STREAM_REQUESTS('').length +
      MALFORMED_FRAMES.length +
      MALFORMED_UPGRADES.length;
    expect(count).toBeGreaterThan(400);
  });

  test('in a request over HTTP is refused with 4xx, and others are served', async () => {
    const { port, isWell, expectNothingLeft } = await serveGood();
    const wrong: unknown[] = [];
    for (const { what, bytes, isCut, isHungUp = false } of MALFORMED_REQUESTS) {
      const received = await sendRaw(port, { bytes, ...(isCut === undefined ? {} : { isCut }) });
      const isRefused = isHungUp ? received === '' : isRefusal(received);
      if (!isRefused || !(await isWell())) wrong.push({ what, received: received.slice(0, 2000) });
    }
    expect(wrong).toEqual([]);
    await expectNothingLeft();
  });

  test('in a request of a stream is refused with 4xx, and the stream goes on', async () => {
    const { url, port, server, send, isWell, expectNothingLeft } = await serveGood();
    const token = (await send({ method: 'PUT' })).body;
    const leave = new AbortController();
    const stream = await fetch(url, {
      headers: { accept: 'text/event-stream', 'x-graphql-event-stream-token': token },
      signal: leave.signal,
    });
    const wrong: unknown[] = [];
    for (const { what, bytes } of MALFORMED_STREAM_REQUESTS(token)) {
      const received = await sendRaw(port, { bytes });
      const isRefused = isRefusal(received);
      if (!isRefused || !(await isWell())) wrong.push({ what, received: received.slice(0, 600) });
    }
    expect(wrong).toEqual([]);
    const headers = { 'content-type': 'application/json', 'x-graphql-event-stream-token': token };
    const body = JSON.stringify({ query: '{ transport }', extensions: { operationId: 'good' } });
    expect((await send({ method: 'POST', headers, body })).status).toBe(202);
    let text = '';
    for await (const chunk of stream.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('event: complete')) break;
    }
    expect(text).toContain('"transport":"http"');
    leave.abort();
    await until(() => server.countConnections().eventStreams === 0);
    await expectNothingLeft();
  });

  test('on a WebSocket closes it with a proper code, and no other', async () => {
    const { url, isWell, expectNothingLeft } = await serveGood();
    const wrong: unknown[] = [];
    for (const { what, frames, isLetIn = true } of MALFORMED_FRAMES) {
      const { socket, closed, begin, say } = await dial(url);
      if (isLetIn) {
        await begin();
        say(subscribe('mine', 'subscription { silence }'));
      }
      tcpOf(socket).write(Buffer.concat(frames));
      const { code } = await closed;
      const isProper = [1002, 1003, 1007, 1009].includes(code) || (code >= 4400 && code < 4500);
      if (!isProper || !(await isWell())) wrong.push({ what, code });
    }
    expect(wrong).toEqual([]);
    await until(() => open.count === 1);
    await expectNothingLeft();
  });

  test('in what wants to be a WebSocket is refused with 4xx', async () => {
    const { port, isWell, expectNothingLeft } = await serveGood();
    const wrong: unknown[] = [];
    for (const headers of MALFORMED_UPGRADES) {
      const bytes = Buffer.from(
        [
          'GET /graphql HTTP/1.1',
          'Host: localhost',
          'Connection: Upgrade',
          ...headers,
          '',
          '',
        ].join('\r\n'),
        'latin1',
      );
      const received = await sendRaw(port, { bytes });
      const isRefused = isRefusal(received);
      if (!isRefused || !(await isWell())) wrong.push({ headers, received });
    }
    expect(wrong).toEqual([]);
    await expectNothingLeft();
  });

  test('is not what only looks so', async () => {
    const { port, logged } = await serve();
    const bodies = [
      '{"query":"{ nothing }","query":"{ transport }"}', // the last one counts, everywhere
      '\t\r\n {"query":"{ transport }"}\n',
      '{"query":"\\u007b transport }"}',
      '{"query":"\\ufeff{ transport }"}',
      '{"query":"{ transport }","variables":null,"operationName":null,"extensions":null}',
      '{"query":"{ transport }","variables":{"__proto__":{"a":1},"a":1e999}}',
    ];
    for (const body of bodies) {
      const received = await sendRaw(port, { bytes: write({ body }) });
      expect([body, received]).toEqual([
        body,
        expect.stringMatching(/^HTTP\/1\.1 200 .*"transport":"http"/s),
      ]);
    }
    expect(logged).toEqual([]);
  });
});
