import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { expect, test } from 'vitest';
import { dial, subscribe } from './dial.ts';
import { serve, until } from './serve.ts';
import { Board, makeSharedSchema } from './shared-api.ts';

test.each(['subscribe', 'complete'])('%s, nested very deeply: 4400', async (type) => {
  const { url, ask } = await serve({ limits: { maxFrameBytes: 1024 * 1024 } });
  const { socket, say, begin, closed } = await dial(url);
  await begin();
  if (type === 'complete') say(subscribe('a', 'subscription { silence }'));
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  socket.send(`{"id":"a","type":"${type}","payload":{"query":"{ a }","variables":{"a":${deep}}}}`);
  expect((await closed).code).toBe(4400);
  expect((await ask('{ transport }')).status).toBe(200);
});

const NEWS = 'subscription News($after: Int) { news(after: $after) { number } }';

/** A board of news, of which everybody may be told the same. */
async function serveBoard() {
  const board = new Board();
  const schema = makeSharedSchema(board);
  const served = await serve({ schema, createContext: () => ({}), sharingKey: () => 'all' });
  const client = await dial(served.url);
  await client.begin();
  return { board, ...served, ...client };
}

test('variables that are not declared change nothing, whatever they are', async () => {
  const { board, say, messages } = await serveBoard();
  const odd = { toString: 1, valueOf: 1 };
  say(subscribe('a', NEWS, { odd, other: odd, after: 0 }));
  say(subscribe('b', NEWS));
  await until(() => board.subscribed === 2 && board.streams === 1);
  board.tell('one');
  await until(() => messages.length === 2);
  expect(board.executions).toBe(1);
  say({ id: 'a', type: 'complete' });
  say({ id: 'b', type: 'complete' });
  await until(() => board.streams === 0);
});

test('a subscription to nothing fails by itself', async () => {
  const { board, say, messages, server } = await serveBoard();
  say(subscribe('a', NEWS));
  say(subscribe('b', 'subscription { news @skip(if: true) { number } }'));
  await until(() => messages.some(({ id, type }) => id === 'b' && type === 'complete'));
  board.tell('one');
  await until(() => messages.some(({ id }) => id === 'a'));
  expect(server.countConnections().subscriptions).toBe(1);
});

test('subscribe, complete, subscribe by the same id: the second alone is heard of', async () => {
  const { board, say, messages, socket } = await serveBoard();
  board.setLevel('a', 1);
  board.tell('one');
  // Its type does not know it: what is written while it is corked comes in one piece.
  const { _socket: tcp } = socket as unknown as { _socket: { cork(): void; uncork(): void } };
  tcp.cork();
  say(subscribe('a', 'subscription { levels }'));
  say({ id: 'a', type: 'complete' });
  say(subscribe('a', NEWS, { after: 0 }));
  tcp.uncork();
  await until(() => messages.some(({ payload }) => payload?.data?.news !== undefined));
  expect(messages).toHaveLength(1);
});

test('P5 who asks and never reads is not listened to until it does', async () => {
  let asked = 0;
  const big = 'x'.repeat(1024 * 1024);
  const resolve = () => {
    asked++;
    return big;
  };
  const fields = { big: { type: GraphQLString, resolve } };
  const schema = new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields }) });
  const { url } = await serve({ schema, createContext: () => ({}) });
  const { begin, say, socket, messages } = await dial(url);
  await begin();
  socket.pause();
  for (let at = 0; at < 100; at++) {
    say(subscribe(String(at), '{ big }'));
    await turnOfTheLoop();
  }
  await new Promise((keep) => setTimeout(keep, 200));
  expect(asked).toBeLessThan(80);
  socket.resume();
  await until(() => messages.filter(({ type }) => type === 'complete').length === 100);
  expect(asked).toBe(100);
});
