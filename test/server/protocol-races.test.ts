import { beforeEach, describe, expect, test } from 'vitest';
import { dial, subscribe } from './dial.ts';
import { serve, until } from './serve.ts';
import { open } from './test-api.ts';

const SILENCE = 'subscription { silence }';

/** A client whose messages are sent in one go, so that the server reads them in one tick. */
async function client(url: string) {
  const dialled = await dial(url);
  await dialled.begin();
  const inOneTick = (...messages: unknown[]) => {
    const { _socket: tcp } = dialled.socket as unknown as {
      _socket: { cork(): void; uncork(): void };
    };
    tcp.cork();
    for (const message of messages) dialled.say(message);
    tcp.uncork();
  };
  let asked = 0;
  return {
    ...dialled,
    inOneTick,
    /** Waits until the server has answered something it was asked now, and has had the time to do all else. */
    async settle() {
      for (let round = 0; round < 5; round++) {
        const id = `settle-${asked++}`;
        dialled.say(subscribe(id, '{ list { later } }'));
        await until(() =>
          dialled.messages.some((each) => each.id === id && each.type === 'complete'),
        );
      }
    },
    of: (id: string) => dialled.messages.filter((message) => message.id === id),
  };
}

const end = (id: string) => ({ id, type: 'complete' });

// What a test has left is its own fault, and not that of those after it.
beforeEach(() => {
  open.count = 0;
});

describe('in one tick', () => {
  test('subscribe, complete: nothing is left', async () => {
    const { url } = await serve();
    const { inOneTick, settle, of } = await client(url);
    inOneTick(subscribe('a', SILENCE), end('a'));
    inOneTick(subscribe('b', '{ transport }'), end('b'));
    await settle();
    expect(open.count).toBe(0);
    expect(of('a')).toEqual([]);
    inOneTick(subscribe('a', 'subscription { ticks(count: 1) }'));
    await until(() => of('a').at(-1)?.type === 'complete');
  });

  test('complete, subscribe: it goes on', async () => {
    const { url } = await serve();
    const { inOneTick, settle, say } = await client(url);
    inOneTick(end('a'), subscribe('a', SILENCE));
    await settle();
    expect(open.count).toBe(1);
    inOneTick(end('a'), subscribe('a', SILENCE));
    await settle();
    expect(open.count).toBe(1);
    say(end('a'));
    await settle();
    expect(open.count).toBe(0);
  });

  test('subscribe, complete, subscribe: the second goes on, of the first nothing is left', async () => {
    const { url } = await serve();
    const { inOneTick, settle, say, of } = await client(url);
    inOneTick(subscribe('a', SILENCE), end('a'), subscribe('a', SILENCE));
    await settle();
    expect(open.count).toBe(1);
    say(end('a'));
    await settle();
    expect(open.count).toBe(0);
    inOneTick(subscribe('b', '{ a: transport }'), end('b'), subscribe('b', '{ b: transport }'));
    await settle();
    expect(of('b')).toEqual([
      { id: 'b', type: 'next', payload: { data: { b: 'websocket' } } },
      { id: 'b', type: 'complete' },
    ]);
  });

  test('subscribe, complete, subscribe, leave: nothing is left', async () => {
    const { url } = await serve();
    const { inOneTick, settle, socket, closed } = await client(url);
    inOneTick(
      subscribe('a', SILENCE),
      end('a'),
      subscribe('a', SILENCE),
      end('a'),
      subscribe('a', SILENCE),
    );
    await settle();
    socket.terminate();
    await closed;
    await (await client(url)).settle();
    expect(open.count).toBe(0);
  });

  test.each([
    ['two subscriptions', SILENCE, SILENCE],
    ['a subscription and a query', SILENCE, '{ transport }'],
    ['two queries', '{ list { later } }', '{ transport }'],
  ])('%s of one id: 4409, nothing is left', async (_name, first, second) => {
    const { url, ask } = await serve();
    const { inOneTick, closed } = await client(url);
    inOneTick(subscribe('a', first), subscribe('a', second));
    expect((await closed).code).toBe(4409);
    await until(() => open.count === 0);
    expect((await ask('{ transport }')).status).toBe(200);
    expect(open.count).toBe(0);
  });

  test('connection_init, subscribe: it is served or refused, and the server unharmed', async () => {
    const { url, ask } = await serve();
    const { say, messages, closed, socket } = await dial(url);
    say({ type: 'connection_init' });
    say(subscribe('a', '{ transport }'));
    const code = closed.then(({ code: each }) => each);
    const served = until(() => messages.at(-1)?.type === 'complete').then(() => 'served');
    expect(['served', 4401]).toContain(await Promise.race([code, served]));
    socket.terminate();
    expect((await ask('{ transport }')).status).toBe(200);
  });

  test('connection_init twice, with a subscription behind: 4429, nothing is left', async () => {
    const { url } = await serve();
    const { say, closed } = await dial(url);
    say({ type: 'connection_init' });
    say({ type: 'connection_init' });
    say(subscribe('a', SILENCE));
    expect((await closed).code).toBe(4429);
    await until(() => open.count === 0);
  });

  test('a hundred subscriptions, all completed: nothing is left, and there is room again', async () => {
    const { url } = await serve();
    const { inOneTick, settle, of } = await client(url);
    const ids = Array.from({ length: 100 }, (_, at) => `s${at}`);
    inOneTick(...ids.map((id) => subscribe(id, SILENCE)));
    await until(() => open.count === 100);
    inOneTick(...ids.map(end), ...ids.map((id) => subscribe(id, SILENCE)), ...ids.map(end));
    await until(() => open.count === 0);
    inOneTick(...ids.map((id) => subscribe(id, SILENCE)));
    await until(() => open.count === 100);
    expect(ids.flatMap(of)).toEqual([]);
    inOneTick(...ids.map(end));
    await settle();
    expect(open.count).toBe(0);
  });
});

describe('who leaves while subscribing', () => {
  test.each([
    ['closes', (socket: { close(): void }) => socket.close()],
    ['is cut', (socket: { terminate(): void }) => socket.terminate()],
  ])('and %s: nothing is left', async (_name, leave) => {
    const { url, ask, logged } = await serve();
    for (let round = 0; round < 10; round++) {
      const { inOneTick, socket, closed } = await client(url);
      inOneTick(...Array.from({ length: 20 }, (_, at) => subscribe(`${at}`, SILENCE)));
      if (round % 2 === 1) await until(() => open.count > 0);
      leave(socket);
      await closed;
      await until(() => open.count === 0);
    }
    expect((await ask('{ transport }')).status).toBe(200);
    expect(open.count).toBe(0);
    expect(logged).toEqual([]);
  });

  test('before a slow context is made: nothing is left', async () => {
    let made = 0;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { url } = await serve({
      createContext: async ({ transport }) => {
        made++;
        await held;
        return { isAdmin: false, transport };
      },
    });
    const { inOneTick, socket, closed } = await client(url);
    inOneTick(subscribe('a', SILENCE), subscribe('b', SILENCE), end('b'));
    await until(() => made === 2);
    socket.terminate();
    await closed;
    release();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    await until(() => open.count === 0);
  });
});
