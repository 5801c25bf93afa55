import { describe, expect, test } from 'vitest';
import { dial, type Message, subscribe } from './dial.ts';
import { serve, until } from './serve.ts';
import { Board, makeSharedSchema, type SharedContext } from './shared-api.ts';

const NEWS = 'subscription News($after: Int) { news(after: $after) { number text } }';
const LEVELS = 'subscription { levels }';

/** A server of a board. Viewers with the same `token` may share. */
async function serveBoard(limits: object = {}) {
  const board = new Board();
  const served = await serve({
    schema: makeSharedSchema(board),
    createContext: ({ connectionParams: { token } }): SharedContext => ({
      isAdmin: token === 'admin',
    }),
    sharingKey: (context) => String((context as SharedContext).isAdmin),
    limits,
  });
  return { board, ...served };
}

async function connect(url: string, token = 'user') {
  const client = await dial(url);
  client.say({ type: 'connection_init', payload: { token } });
  await until(() => client.messages.length > 0);
  client.messages.length = 0;
  return client;
}

const numbers = (messages: readonly Message[], id: string) =>
  messages
    .filter((message) => message.id === id && message.type === 'next')
    .map(({ payload }) => payload.data.news.number);

/** Numbers from the first to the last one. */
const span = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);

describe('subscriptions that ask for the same', () => {
  test('P5 cost one execution and one source, and each gets its own id', async () => {
    const { url, board } = await serveBoard();
    const ids = ['1', '1', '22', 'ünï "quoted" \\ 🙂', 'x'.repeat(100), '\u2028'];
    const clients = await Promise.all(ids.map(() => connect(url)));
    for (const [at, { say }] of clients.entries()) say(subscribe(ids[at] ?? '', NEWS));
    await until(() => board.subscribed === clients.length);
    expect(board.streams).toBe(1);
    board.tell('a', 'b', 'c');
    await until(() => clients.every(({ messages }) => messages.length === 3));
    expect(board.executions).toBe(3);
    for (const [at, { messages }] of clients.entries()) {
      expect(messages).toEqual(
        ['a', 'b', 'c'].map((text, before) => ({
          id: ids[at],
          type: 'next',
          payload: { data: { news: { number: before + 1, text } } },
        })),
      );
    }
  });

  test('M8 what is told in one tick comes in order, each once, long and short', async () => {
    const { url, board } = await serveBoard();
    const clients = await Promise.all(['a', 'b', 'longer'].map(() => connect(url)));
    const query = 'subscription S($n: Int!) { news { number text pad(length: $n) } }';
    const lengths = [0, 20_000];
    for (const [at, { say }] of clients.entries()) {
      for (const n of lengths) say(subscribe(`${'x'.repeat(at + 1)}${n}`, query, { n }));
    }
    await until(() => board.subscribed === 6);
    expect(board.streams).toBe(2);
    board.tell(...span(1, 300).map(String));
    await until(() => clients.every(({ messages }) => messages.length === 600));
    expect(board.executions).toBe(600);
    for (const [at, { messages }] of clients.entries()) {
      for (const n of lengths) {
        expect(numbers(messages, `${'x'.repeat(at + 1)}${n}`)).toEqual(span(1, 300));
      }
      for (const { payload } of messages) {
        expect(lengths).toContain(payload.data.news.pad.length);
      }
    }
  });

  test('one socket may have several of them', async () => {
    const { url, board } = await serveBoard();
    const { say, messages } = await connect(url);
    for (const id of ['a', 'b', 'c']) say(subscribe(id, NEWS));
    await until(() => board.subscribed === 3);
    board.tell('one');
    await until(() => messages.length === 3);
    expect(board.executions).toBe(1);
    say({ id: 'b', type: 'complete' });
    say({ type: 'ping' });
    await until(() => messages.length === 4);
    board.tell('two');
    await until(() => messages.length === 6);
    expect(numbers(messages, 'b')).toEqual([1]);
    expect(numbers(messages, 'a')).toEqual([1, 2]);
  });

  test('other variables, another operation, other rights: never mixed', async () => {
    const { url, board } = await serveBoard();
    const query = 'subscription S($n: Int!) { news { number secret isAdmin pad(length: $n) } }';
    const [user, other, admin] = await Promise.all([
      connect(url),
      connect(url),
      connect(url, 'admin'),
    ]);
    user.say(subscribe('a', query, { n: 1 }));
    other.say(subscribe('a', query, { n: 2 }));
    admin.say(subscribe('a', query, { n: 1 }));
    await until(() => board.streams === 3);
    board.tell('one');
    const all = [user, other, admin];
    await until(() => all.every(({ messages }) => messages.length === 1));
    expect(board.executions).toBe(3);
    const [seen, seenByOther, seenByAdmin] = all.map(({ messages }) => messages[0]?.payload);
    expect(seen.data.news).toEqual({ number: 1, secret: null, isAdmin: false, pad: 'x' });
    expect(seen.errors).toMatchObject([{ message: 'For admins only.' }]);
    expect(seenByOther.data.news.pad).toBe('xx');
    expect(seenByAdmin).toEqual({
      data: { news: { number: 1, secret: 'sesame', isAdmin: true, pad: 'x' } },
    });
  });

  test('nobody shares where no key is given', async () => {
    const board = new Board();
    const { url } = await serve({ schema: makeSharedSchema(board), createContext: () => ({}) });
    const clients = await Promise.all([connect(url), connect(url)]);
    for (const { say } of clients) say(subscribe('a', NEWS));
    await until(() => board.streams === 2);
    board.tell('one');
    await until(() => clients.every(({ messages }) => messages.length === 1));
    expect(board.executions).toBe(2);
  });

  test.each([
    0, 1, 40, 60, 61, 62, 63, 64, 65, 66, 100, 1000, 16_300, 16_384, 65_400, 65_470, 65_480, 65_536,
    200_000,
  ])('a message padded by %i arrives whole', async (length) => {
    const { url, board } = await serveBoard();
    const clients = await Promise.all([connect(url), connect(url)]);
    const query = `subscription { news { number pad(length: ${length}) } }`;
    for (const [at, { say }] of clients.entries()) say(subscribe(`id${at}`, query));
    await until(() => board.streams === 1);
    for (const { say } of clients) say({ type: 'ping' });
    await until(() => clients.every(({ messages }) => messages.length === 1));
    board.tell('a', 'b');
    await until(() => clients.every(({ messages }) => messages.length === 3));
    for (const { messages } of clients) {
      expect(messages[2]?.payload.data.news).toEqual({ number: 2, pad: 'x'.repeat(length) });
    }
  });
});

describe('who comes later', () => {
  test('W4 gets what it missed, then shares, with no hole and no repetition', async () => {
    const { url, board } = await serveBoard();
    const clients = await Promise.all(span(0, 9).map(() => connect(url)));
    for (const [at, { say }] of clients.entries()) {
      say(subscribe('n', NEWS, { after: Math.min(at * 7, board.told) }));
      board.tell(...span(1, 20).map(String));
      await new Promise((keep) => setImmediate(keep));
    }
    await until(() => clients.every(({ messages }) => numbers(messages, 'n').at(-1) === 200));
    await until(() => board.streams === 1);
    const before = board.executions;
    board.tell('last');
    await until(() => clients.every(({ messages }) => numbers(messages, 'n').at(-1) === 201));
    expect(board.executions).toBe(before + 1);
    for (const [at, { messages }] of clients.entries()) {
      expect(numbers(messages, 'n')).toEqual(span(Math.min(at * 7, at * 20) + 1, 201));
    }
  });

  test('of a state gets it as it is now, then what changes', async () => {
    const { url, board } = await serveBoard();
    board.setLevel('a', 1);
    board.setLevel('b', 1);
    const first = await connect(url);
    first.say(subscribe('l', LEVELS));
    await until(() => first.messages.length === 2);
    board.setLevel('a', 2);
    await until(() => first.messages.length === 3);
    const second = await connect(url);
    second.say(subscribe('l', LEVELS));
    await until(() => second.messages.length === 2);
    await until(() => board.streams === 1);
    board.setLevel('b', 3);
    await until(() => first.messages.length === 4 && second.messages.length === 3);
    const levels = second.messages.map(({ payload }) => payload.data.levels.slice(0, 2).join());
    expect(levels).toEqual(['a,2', 'b,1', 'b,3']);
  });
});

describe('who leaves', () => {
  test('P5 frees what it held at once, idle or not, and disturbs nobody', async () => {
    const { url, board } = await serveBoard();
    const [first, second, third] = await Promise.all([connect(url), connect(url), connect(url)]);
    first.say(subscribe('n', NEWS));
    await until(() => board.streams === 1);
    second.say(subscribe('n', NEWS));
    third.say(subscribe('n', NEWS));
    await until(() => board.subscribed === 3);
    first.say({ id: 'n', type: 'complete' });
    first.say({ type: 'ping' });
    await until(() => first.messages.length === 1);
    board.tell('one');
    await until(() => second.messages.length === 1 && third.messages.length === 1);
    expect(first.messages).toHaveLength(1);
    second.socket.terminate();
    third.say({ id: 'n', type: 'complete' });
    await until(() => board.streams === 0);
    first.say(subscribe('again', NEWS));
    await until(() => board.streams === 1);
    board.tell('two');
    await until(() => first.messages.length === 2);
    expect(numbers(first.messages, 'again')).toEqual([2]);
  });

  test('a source that fails: all are told, nothing is told of why', async () => {
    const { url, board, logged } = await serveBoard();
    const clients = await Promise.all([connect(url), connect(url)]);
    for (const { say } of clients) say(subscribe('n', NEWS));
    await until(() => board.subscribed === 2);
    board.tell('BREAK');
    await until(() => clients.every(({ messages }) => messages.length === 2));
    for (const { messages } of clients) {
      expect(messages).toMatchObject([
        { type: 'next', payload: { errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] } },
        { id: 'n', type: 'complete' },
      ]);
      expect(JSON.stringify(messages)).not.toContain('secret');
    }
    expect(logged).toHaveLength(1);
    await until(() => board.streams === 0);
  });
});

describe('who does not read', () => {
  const PADDED = 'subscription { news { number text pad(length: 60000) } }';

  test('events: is told so with its place, and its operation ends; the others get all', async () => {
    const { url, board } = await serveBoard();
    const clients = await Promise.all(span(1, 5).map(() => connect(url)));
    for (const { say } of clients) say(subscribe('n', PADDED));
    await until(() => board.subscribed === 5);
    const [sleeper, ...others] = clients;
    sleeper?.socket.pause();
    const arrived = () =>
      others.every(({ messages }) => numbers(messages, 'n').length === board.told);
    while (board.told < 400) {
      board.tell('news');
      await until(arrived);
    }
    for (const { messages } of others) expect(numbers(messages, 'n')).toEqual(span(1, 400));
    sleeper?.socket.resume();
    await until(() => sleeper?.messages.at(-1)?.type === 'complete');
    const got = sleeper?.messages.filter(({ type }) => type === 'next') ?? [];
    const last = got.at(-1)?.payload.data.news;
    expect(last.text).toBe('FELL BEHIND');
    expect(got.slice(0, -1).map(({ payload }) => payload.data.news.number)).toEqual(
      span(1, last.number),
    );
    expect(last.number).toBeLessThan(400);
    sleeper?.say(subscribe('m', NEWS, { after: last.number }));
    await until(() => numbers(sleeper?.messages ?? [], 'm').at(-1) === 400);
    expect(numbers(sleeper?.messages ?? [], 'm')).toEqual(span(last.number + 1, 400));
  });

  test('M9 states: gets fewer, newer values, also of what changed meanwhile; nothing piles up', async () => {
    const { url, board } = await serveBoard();
    const [sleeper, reader] = await Promise.all([connect(url), connect(url)]);
    const query = 'subscription { levels(pad: 200000) }';
    for (const { say } of [sleeper, reader]) say(subscribe('l', query));
    await until(() => board.subscribed === 2);
    const arrived = ({ messages }: typeof reader) =>
      messages.map(({ payload }) => payload.data.levels.slice(0, 2).join());
    sleeper.socket.pause();
    board.setLevel('rare', 1);
    for (let level = 1; level <= 120; level++) {
      board.setLevel('often', level);
      await until(() => arrived(reader).at(-1) === `often,${level}`);
      if (level === 90) board.setLevel('late', 7);
    }
    expect(board.streams).toBe(2);
    sleeper.socket.resume();
    await until(
      () => arrived(sleeper).includes('often,120') && arrived(sleeper).includes('late,7'),
    );
    const seen = arrived(sleeper);
    expect(seen.length).toBeLessThan(90);
    const levels = seen.filter((each) => each.startsWith('often')).map((each) => each.slice(6));
    expect(levels.map(Number)).toEqual(levels.map(Number).sort((a, b) => a - b));
    await until(() => board.streams === 1); // it is a member again
    const before = board.executions;
    board.setLevel('rare', 2);
    await until(() => [sleeper, reader].every((each) => arrived(each).at(-1) === 'rare,2'));
    expect(board.executions).toBe(before + 1);
  });

  test('P5 a socket that takes nothing for too long is closed, with a code of its own', async () => {
    const { url, board, server } = await serveBoard({ stallMs: 200 });
    const [sleeper, reader] = await Promise.all([connect(url), connect(url)]);
    for (const { say } of [sleeper, reader])
      say(subscribe('l', 'subscription { levels(pad: 900000) }'));
    await until(() => board.subscribed === 2);
    sleeper.socket.pause();
    let level = 0;
    while (board.streams < 2) {
      level++;
      board.setLevel('a', level);
      await until(() => reader.messages.at(-1)?.payload?.data.levels[1] === String(level));
    }
    await until(() => server.countConnections().tooSlowTotal === 1);
    expect(board.streams).toBe(1);
    sleeper.socket.resume();
    expect([4413, 1006]).toContain((await sleeper.closed).code); // it may have been cut while it closed
    board.setLevel('a', 0);
    await until(() => reader.messages.at(-1)?.payload?.data.levels[1] === '0');
  });
});
