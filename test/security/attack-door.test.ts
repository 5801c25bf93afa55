import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/server/limits.ts';
import { dialRaw } from '../server/http-raw.ts';
import { serve } from '../server/serve.ts';

/** Long enough for a server that means to, in milliseconds. */
const PATIENCE_MS = 3_000;

const OPERATION = '{"query":"{ __typename }"}';

/** The head of a request. */
function head(line: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [line, ...lines, '', ''].join('\r\n');
}

function upgrade(path: string, more: Readonly<Record<string, string>> = {}): string {
  return head(`GET ${path} HTTP/1.1`, {
    Host: 'localhost',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol': 'graphql-transport-ws',
    ...more,
  });
}

/** Sends a request over a connection whose client never closes its own side. Is kept when the server has closed its side. */
async function sendAndStay(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => {
    socket.destroy();
  });
  let received = '';
  socket.on('data', (chunk) => {
    received += String(chunk);
  });
  socket.on('error', () => undefined); // the server may cut it
  socket.write(text);
  await new Promise((resolve) => socket.once('end', resolve));
  return received;
}

async function isInTime(promise: Promise<unknown>): Promise<boolean> {
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, 'late'));
  return (await Promise.race([promise, late])) !== 'late';
}

describe('O5 who is refused a WebSocket and stays holds nothing', () => {
  test.each([
    ['404', upgrade('/elsewhere'), {}],
    ['403', upgrade('/graphql', { Origin: 'https://evil.example' }), {}],
    ['421', upgrade('/graphql', { Host: 'evil.example' }), {}],
    ['414', upgrade(`/graphql?${'x'.repeat(DEFAULT_LIMITS.maxUrlLength)}`), {}],
    ['429', upgrade('/graphql'), { requestsPerMinute: 1 }],
  ])('%s: its connection is gone, and the server can close', async (status, text, limits) => {
    const { server, port, ask } = await serve({ limits });
    await ask('{ __typename }');
    const answer = await sendAndStay(port, text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(await isInTime(server.close())).toBe(true);
  });
});

describe('O5 a Host that is none is refused before a URL is made of it', () => {
  test.each(['[', '[::1', 'a b', '%zz', 'a:99999', 'a/b', 'a#b', 'a?b', 'ann@a', 'a:1:2'])(
    '"%s"',
    async (Host) => {
      // Where all prove who they are no name is looked at besides.
      const { port } = await serve({ isOpen: false });
      const by = { Host, Connection: 'close', Accept: 'application/json; charset=utf-8' };
      const post = { 'Content-Type': 'application/json', 'Content-Length': `${OPERATION.length}` };
      const requests = [
        head('POST /graphql HTTP/1.1', { ...by, ...post }) + OPERATION,
        head('GET /graphql?query={__typename} HTTP/1.1', { ...by, 'X-Millrace-CSRF': '1' }),
        upgrade('/graphql', { Host }),
      ];
      for (const request of requests) {
        const raw = await dialRaw(port);
        raw.write(request);
        const answer = await raw.closed;
        expect(answer).toMatch(/^HTTP\/1.1 400 /);
        expect(answer).toMatch(/header \\?"host\\?" must be/);
        expect(answer).not.toMatch(/node_modules|\bat new URL/);
      }
    },
  );
});

test('O5 what is wrong with the server is not told to a page that came by a name of its own', async () => {
  const problem = 's3cr3t-host:5432 refuses';
  const { port } = await serve({ readiness: () => ({ causes: [{ part: 'database', problem }] }) });
  const ask = async (Host: string) => {
    const raw = await dialRaw(port);
    raw.write(head('GET /health/ready HTTP/1.1', { Host, Connection: 'close' }));
    return raw.closed;
  };
  expect(await ask('localhost')).toContain(problem);
  const told = await ask('evil.example');
  expect(told).toMatch(/^HTTP\/1.1 503 /);
  expect(told).toContain('database');
  expect(told).not.toContain(problem);
});

test('O5 who asks for GraphiQL and takes nothing of it is cut', { timeout: 60_000 }, async () => {
  const { port, url } = await serve({ limits: { stallMs: 200 } });
  const page = await fetch(url, { headers: { accept: 'text/html' } }); // it is made now
  const length = (await page.arrayBuffer()).byteLength;
  const raw = await dialRaw(port);
  let bytes = 0;
  raw.socket.on('data', (chunk) => {
    bytes += chunk.length;
  });
  raw.socket.pause();
  raw.write(head('GET /graphql HTTP/1.1', { Host: 'localhost', Accept: 'text/html' }));
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  raw.socket.resume();
  await raw.closed;
  expect(bytes).toBeLessThan(length);
});
