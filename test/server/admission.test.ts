import { describe, expect, test } from 'vitest';
import type { Identity } from '../../src/lib/identity.ts';
import { dial, subscribe } from './dial.ts';
import { bearer, DoorKeeper, dialWith, identity, serveBehind } from './door-keeper.ts';
import { until } from './serve.ts';
import { open } from './test-api.ts';

const SILENCE = 'subscription { silence }';
const GOOD = 's3cr3t-good';
const BAD = 's3cr3t-bad';

describe('O5 a WebSocket', () => {
  test('is let in with a good token', async () => {
    const { authenticate } = new DoorKeeper({ [GOOD]: {} });
    const { url } = await serveBehind(authenticate);
    const { show, say, messages } = await dialWith(url, GOOD);
    show();
    await until(() => messages.length === 1);
    expect(messages).toEqual([{ type: 'connection_ack' }]);
    say(subscribe('a', '{ transport }'));
    await until(() => messages.length === 3);
    expect(messages[1]).toMatchObject({ payload: { data: { transport: 'websocket' } } });
  });

  test('is told until when that is good', async () => {
    const expiresAt = Date.now() + 3_600_000;
    const { authenticate } = new DoorKeeper({ [GOOD]: { expiresAt } });
    const { url } = await serveBehind(authenticate);
    const { show, messages } = await dialWith(url, GOOD);
    show();
    await until(() => messages.length === 1);
    const payload = {
      expiresAt: new Date(expiresAt).toISOString(),
      serverTime: expect.stringMatching(/Z$/),
    };
    expect(messages).toEqual([{ type: 'connection_ack', payload }]);
  });

  test.each([[BAD], ['']])(
    'with the token "%s" is closed (4403); it is not quoted',
    async (bad) => {
      const { authenticate } = new DoorKeeper();
      const { url, counts } = await serveBehind(authenticate);
      const { show, closed, messages } = await dialWith(url, bad);
      show();
      const { code, reason } = await closed;
      expect(code).toBe(4403);
      expect(reason).not.toContain('s3cr3t');
      expect(reason).toContain('not valid');
      expect(messages).toEqual([]);
      await until(() => counts().webSockets === 0);
    },
  );

  test('of a token that has expired is closed (4403)', async () => {
    const { authenticate } = new DoorKeeper({ [GOOD]: { expiresAt: Date.now() - 1 } });
    const { url, send } = await serveBehind(authenticate);
    const { show, closed } = await dialWith(url, GOOD);
    show();
    expect(await closed).toEqual({ code: 4403, reason: 'The token has expired.' });
    const body = JSON.stringify({ query: '{ transport }' });
    const answer = await send({ method: 'POST', headers: bearer(GOOD), body });
    expect(answer).toMatchObject({ status: 401 });
  });

  test('is closed to come back later (1013) when it can not be found out who it is', async () => {
    const { url, send, logged } = await serveBehind(async ({ headers, connectionParams }) => {
      const { authorization } = { ...headers, ...connectionParams };
      throw new Error(`No luck with ${authorization}.`);
    });
    const { show, closed } = await dialWith(url, GOOD);
    show();
    const reason = 'It can not be found out now who you are. Try again later.';
    expect(await closed).toEqual({ code: 1013, reason });
    const body = JSON.stringify({ query: '{ transport }' });
    const answer = await send({ method: 'POST', headers: bearer(GOOD), body });
    expect(answer.status).toBe(503);
    expect(answer.body.errors).toMatchObject([
      { message: reason, extensions: { code: 'AUTHENTICATION_UNAVAILABLE' } },
    ]);
    expect(logged.filter(({ level }) => level >= 50)).toHaveLength(2);
  });

  test('that asks for something while that is being found out is closed (4401)', async () => {
    let letIn: (who: Identity) => void = () => undefined;
    const { url, counts } = await serveBehind(
      () =>
        new Promise((resolve) => {
          letIn = resolve;
        }),
      { initTimeoutMs: 60_000 },
    );
    const { show, say, closed, messages } = await dialWith(url, GOOD);
    show();
    say(subscribe('a', SILENCE));
    expect((await closed).code).toBe(4401);
    let hasAsked = false;
    const recheck = async () => {
      hasAsked = true;
      return true;
    };
    await until(() => counts().webSockets === 0);
    letIn(identity({ expiresAt: Date.now() + 60_000, recheck }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(messages).toEqual([]);
    expect(hasAsked).toBe(false);
  });

  test('is closed to come back later (1013) when that takes too long, and over HTTP told so', async () => {
    const { url, send } = await serveBehind(() => new Promise(() => undefined), {
      initTimeoutMs: 50,
    });
    const { show, closed } = await dialWith(url, GOOD);
    show();
    expect((await closed).code).toBe(1013);
    const body = JSON.stringify({ query: '{ transport }' });
    expect((await send({ method: 'POST', headers: bearer(GOOD), body })).status).toBe(503);
  });

  test('that never says anything is closed (4408), and one that asks first (4401)', async () => {
    const { authenticate } = new DoorKeeper({ [GOOD]: {} });
    const { url } = await serveBehind(authenticate, { initTimeoutMs: 50 });
    const silent = await dial(url);
    expect((await silent.closed).code).toBe(4408);
    const hasty = await dial(url);
    hasty.say(subscribe('a', SILENCE));
    expect((await hasty.closed).code).toBe(4401);
  });
});

describe('O5 tokens that are not valid', () => {
  const body = JSON.stringify({ query: '{ transport }' });

  test('are not looked at any more when too many came; those known to be good are', async () => {
    const keeper = new DoorKeeper({ [GOOD]: {}, 's3cr3t-other': { subject: 'bob' } });
    const { url, send } = await serveBehind(keeper.authenticate, { maxFailedAuthPerMinute: 3 });
    const ask = (token: string) => send({ method: 'POST', headers: bearer(token), body });
    expect((await ask(GOOD)).status).toBe(200);
    for (let at = 0; at < 3; at++) expect((await ask(`${BAD}-${at}`)).status).toBe(401);
    expect(keeper.asked).toHaveLength(4);

    const refused = await fetch(url, { method: 'POST', headers: bearer(BAD), body });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.text()).toContain('TOO_MANY_ATTEMPTS');
    const { show, closed } = await dialWith(url, BAD);
    show();
    const { code, reason } = await closed;
    expect(code).toBe(1013);
    expect(reason).toMatch(/^Too many failed attempts, retry in \d+ ms$/);
    expect(keeper.asked).toHaveLength(4);

    const known = await dialWith(url, GOOD);
    known.show();
    await until(() => known.messages.length === 1);
    expect((await ask(GOOD)).status).toBe(200);
    expect((await ask('s3cr3t-other')).status).toBe(429); // nobody has seen that one here
    keeper.tokens.delete(GOOD);
    expect((await ask(GOOD)).status).toBe(401); // it was looked at
    expect((await ask(GOOD)).status).toBe(429);
  });

  test('are none where nothing is shown: that is not counted', async () => {
    const keeper = new DoorKeeper({ [GOOD]: {} });
    const { url, post, send } = await serveBehind(keeper.authenticate, {
      maxFailedAuthPerMinute: 1,
    });
    for (let at = 0; at < 3; at++) {
      expect((await post(body)).status).toBe(401);
      const { say, closed } = await dial(url);
      say({ type: 'connection_init' });
      expect((await closed).code).toBe(4403);
    }
    expect((await send({ method: 'POST', headers: bearer(GOOD), body })).status).toBe(200);
  });
});

describe('O5 limits of one client', () => {
  test('hold for who it is, once that is known, wherever it comes from', async () => {
    const keeper = new DoorKeeper({
      [GOOD]: {},
      's3cr3t-bob': { subject: 'bob' },
      's3cr3t-else': { tenant: 'else' },
    });
    const { url } = await serveBehind(keeper.authenticate, {
      maxSocketsPerClient: 2,
      maxSubscriptionsPerClient: 1,
    });
    const enter = async (token: string) => {
      const dialled = await dialWith(url, token);
      dialled.show();
      await until(() => dialled.messages.length === 1);
      return dialled;
    };
    const first = await enter(GOOD);
    const second = await enter(GOOD);
    const third = await dialWith(url, GOOD);
    third.show();
    expect(await third.closed).toEqual({ code: 1013, reason: 'Try again later' });
    const others = [await enter('s3cr3t-bob'), await enter('s3cr3t-else')];

    first.say(subscribe('a', SILENCE));
    await until(() => open.count === 1);
    second.say(subscribe('b', SILENCE));
    await until(() => second.messages.length > 1);
    expect(second.messages[1]?.payload.errors[0].extensions.code).toBe('TOO_MANY_SUBSCRIPTIONS');
    for (const other of others) other.say(subscribe('c', SILENCE));
    await until(() => open.count === 3);

    first.socket.close();
    await until(() => open.count === 2);
    await enter(GOOD);
  });

  test('of sockets hold for a network until it is known who comes', async () => {
    const { url } = await serveBehind(new DoorKeeper({ [GOOD]: {} }).authenticate, {
      maxSocketsPerClient: 1,
    });
    const first = await dialWith(url, GOOD);
    expect((await (await dial(url)).closed).code).toBe(1013);
    first.show();
    await until(() => first.messages.length === 1);
    const second = await dialWith(url, GOOD);
    second.show();
    expect((await second.closed).code).toBe(1013); // now it is one of two of the same client
  });
});
