import { defineFlow, defineRoutine, slot } from 'millrace/engine';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { ended, startJob } from '../api/api.ts';
import { dial, subscribe } from '../server/dial.ts';
import { DoorKeeper } from '../server/door-keeper.ts';
import { codesOf, forEachTransport } from '../server/each-transport.ts';
import { dialRaw } from '../server/http-raw.ts';
import { serve, until } from '../server/serve.ts';
import { write } from './malformed-requests.ts';
import { serveApp } from './serve-app.ts';

/** What would begin another line, another member, or another colour, if it were written as it is. */
const BREAKERS: readonly string[] = [
  'a\nb',
  'a\r\n{"level":60,"msg":"forged"}',
  '"},{"level":60,"msg":"forged"}',
  '\u001b[31mred\u001b[0m\u001b[2J',
  '\u009b31m',
  'a\u2028b\u2029c',
  '\u0000\u0008\u007f',
  '\\',
  '\ud800',
  '\u202eesrever',
  '%s %d %j %o',
  '$(reboot) `reboot` {{7*7}} <!--#exec-->',
];

/** Each is a line for itself: JSON, with no control character in it. */
function expectWellFormed(lines: readonly string[]): void {
  for (const line of lines) {
    expect(line.endsWith('\n')).toBe(true);
    expect([...line.slice(0, -1)].filter((character) => character < ' ')).toEqual([]);
    const { level, msg } = JSON.parse(line);
    expect(typeof level).toBe('number');
    expect(msg).not.toBe('forged');
  }
}

/** A server that logs into memory, in lines as they are written. */
async function serveLogged(options: Parameters<typeof serve>[0] = {}) {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line) => lines.push(line) });
  return { ...(await serve({ logger, logVariables: true, ...options })), lines };
}

forEachTransport((send) => {
  test('O5 nothing that a client says begins a line of the log', async () => {
    const { url, lines } = await serveLogged();
    for (const text of BREAKERS) {
      const query = 'query Named($id: String!) { maybe(id: $id) { id } }';
      await send(url, { query, variables: { id: text, [text]: text }, operationName: 'Named' });
      await send(url, { query, variables: { id: text }, operationName: text });
      await send(url, { query: `query ${text} { transport }` });
      await send(url, { query: text, extensions: { [text]: text } });
      await send(url, { query: '{ transport }', documentId: text });
    }
    expect(lines.length).toBeGreaterThan(BREAKERS.length);
    expectWellFormed(lines);
  });
});

describe('O5 of what a client says in headers', () => {
  test('nothing begins a line of the log, nor comes back where it could break one', async () => {
    const { port, lines } = await serveLogged({ trustProxy: 1 });
    const values = [
      'a"b',
      '{"level":60}',
      '\u001b[31m',
      'a\tb',
      '\u0085',
      '%0d%0aX-Evil: 1',
      "a'b;c",
      'x'.repeat(5000),
    ];
    for (const value of values) {
      for (const name of [
        'X-Request-Id',
        'User-Agent',
        'X-Forwarded-For',
        'Origin',
        'Referer',
        'Traceparent',
      ]) {
        const { write: say, closed } = await dialRaw(port);
        say(write({ more: [`${name}: ${value}`] }).toString('latin1'));
        const [head = ''] = (await closed).split('\r\n\r\n', 1);
        expect([name, head.includes('X-Evil: 1') || head.includes(value)]).toEqual([name, false]);
        const id = /^x-request-id: (.*)$/im.exec(head)?.[1]; // there is none where Node itself refuses
        expect(id ?? 'none').toMatch(/^[A-Za-z0-9._-]{1,64}$/);
      }
    }
    expectWellFormed(lines);
  });

  test('and in a path, no header is made', async () => {
    const { port, lines } = await serveLogged();
    for (const path of [
      '/%0d%0aX-Evil:%201',
      '/"},{"a":"',
      '/\u001b[31m',
      '/a%00b',
      `/${'x'.repeat(3000)}`,
      '/<script>',
    ]) {
      const { write: say, closed } = await dialRaw(port);
      say(write({ line: `POST ${path} HTTP/1.1` }).toString('latin1'));
      const received = await closed;
      expect(received).toMatch(/^HTTP\/1\.1 4\d\d /);
      const [head = ''] = received.split('\r\n\r\n', 1);
      expect(head).not.toMatch(/x-evil/i);
      if (/content-type/i.test(head))
        expect(head).toMatch(/^content-type: (application\/json|text\/plain)/im);
    }
    expectWellFormed(lines);
  });

  test('what can be there once only is refused when it is there twice', async () => {
    const { authenticate } = new DoorKeeper({ one: {}, two: {} });
    const { port, logged } = await serve({ authenticate });
    const good = 'Authorization: Bearer one';
    const ask = async (more: readonly string[]) => {
      const { write: say, closed } = await dialRaw(port);
      say(write({ more }).toString('latin1'));
      return Number((await closed).slice(9, 12));
    };
    expect(await ask([good])).toBe(200);
    for (const more of [
      [good, good],
      [good, 'Authorization: Bearer two'],
      ['authorization: Bearer wrong', good],
      [good, 'Host: localhost'],
      [good, 'Host: evil.example'],
      [good, 'Content-Type: text/plain'],
      [good, 'Content-Length: 25'],
      [good, 'Origin: http://localhost', 'Origin: https://evil.example'],
      [good, 'Origin: http://localhost', 'Origin: http://localhost'],
    ]) {
      const status = await ask(more);
      expect([more, status === 400 || status === 403]).toEqual([more, true]);
    }
    expect(logged).toEqual([]);
  });

  test('nor do upgrades take two of them', async () => {
    const { port } = await serve();
    for (const twice of ['Host: localhost', 'Authorization: Bearer one']) {
      const { write: say, closed } = await dialRaw(port);
      const head = [
        'GET /graphql HTTP/1.1',
        'Host: localhost',
        'Connection: Upgrade',
        'Upgrade: websocket',
      ];
      const keys = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
      say([...head, ...keys, twice, twice, '', ''].join('\r\n'));
      expect(await closed).toMatch(/^HTTP\/1\.1 400 /);
    }
  });
});

forEachTransport((send) => {
  test('O5 of a key that is there twice in JSON the last is taken, for what is checked and what is run', async () => {
    const { url } = await serve();
    const query = 'query ($id: String!) { maybe(id: $id) { pages } }';
    const twice = await send(url, { query, rawVariables: '{"id":"nothing","id":"book-7"}' });
    expect(twice.data).toEqual({ maybe: { pages: 7 } });
    const wrong = await send(url, { query, rawVariables: '{"id":"book-7","id":7}' });
    expect(codesOf(wrong)).toEqual(['BAD_USER_INPUT']);
  });
});

describe('O5 what a job says', () => {
  const talks = defineRoutine({
    type: 'talks',
    slots: { item: slot<unknown>() },
    run: ({ item }, ctx) => {
      const { words } = item as { readonly words: readonly string[] };
      for (const word of words) ctx.log.info(word, { [word]: word });
      throw new Error(words.join());
    },
  });
  const flow = defineFlow({ id: 'talk' }, (f) => {
    f.connect(f.input, f.add('talk', talks).slots.item);
  });

  test('comes back letter by letter, and begins no line of the log of the server', async () => {
    const { app, url, ask, log } = await serveApp({ flows: [flow] }, { logVariables: true });
    const words = BREAKERS.filter((word) => word !== '\ud800'); // no database keeps that
    const owner = words.join().slice(0, 200);
    const id = await startJob(app, {
      flowId: 'talk',
      input: { words },
      owner,
      metadata: { owner },
    });
    await ended(app, id);
    const query =
      'query ($id: ID!) { job(id: $id) { owner error { message } logs(first: 100) { nodes { message } } } }';
    const { body } = await ask(query, { id });
    expect(body.data.job.owner).toBe(owner);
    const { say, begin, messages } = await dial(url);
    await begin();
    for (const [at, word] of words.entries()) say(subscribe(`${at}${word}`, `{ ${word} }`));
    await until(() => messages.length >= words.length);
    expectWellFormed(log);
  });
});
