import { print } from 'graphql';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import type { HookIdentity } from '../../src/auth/auth-hook.ts';
import type { Scope } from '../../src/lib/identity.ts';
import { ListAuditEntriesDocument, RenewConnectionDocument } from '../generated/operations.ts';
import { subscribe } from '../server/dial.ts';
import { bearer, dialWith } from '../server/door-keeper.ts';
import { answer, ask, openApp, until } from './api.ts';

const RENEW = print(RenewConnectionDocument);
const OLD = 's3cr3t-old';
const NEW = 's3cr3t-new';
const SCOPES: readonly Scope[] = ['read', 'debug'];

/** So many tokens that are not valid may come. */
const MOST_FAILED = 5;

/** An app that knows tokens, what it logs, and a socket that was opened with the first of them. */
async function connect(
  tokens: Readonly<Record<string, Partial<HookIdentity> & { lastsMs?: number }>>,
) {
  const log: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line) => log.push(line) });
  const app = await openApp({
    flows: [],
    logger,
    auth: {
      hook: ({ headers, connectionParams }) => {
        const { authorization } = { ...headers, ...connectionParams };
        const { lastsMs, ...who } = tokens[String(authorization).replace('Bearer ', '')] ?? {};
        if (lastsMs === undefined) return undefined;
        return { subject: 'ann', scopes: SCOPES, expiresAt: Date.now() + lastsMs, ...who };
      },
    },
  });
  const { url } = await app.listen({ port: 0, limits: { maxFailedAuthPerMinute: MOST_FAILED } });
  const dialled = await dialWith(url, OLD);
  const { say, messages } = dialled;
  dialled.show();
  await until(() => messages.length === 1);
  const request = async (id: string, query: string, variables?: object) => {
    say(subscribe(id, query, variables));
    await until(() => messages.some((message) => message.id === id && message.type === 'next'));
    return messages.find((message) => message.id === id)?.payload;
  };
  const renew = async (token: string) => {
    const { data } = await request('renew', RENEW, { input: { token } });
    return data.renewConnection;
  };
  return { app, url, ...dialled, request, renew, log: () => log.join('') };
}

describe('O5 a connection', () => {
  test('that is renewed goes on beyond the end of its old token, with the scopes of the new one', async () => {
    const scopes: readonly Scope[] = ['read', 'debug', 'control'];
    const oldMs = 1_000;
    const beganAt = Date.now();
    const place = await connect({ [OLD]: { lastsMs: oldMs }, [NEW]: { lastsMs: 60_000, scopes } });
    const { app, say, messages, socket } = place;
    say(subscribe('status', 'subscription { connectionStatus { status } }'));
    const renewed = await place.renew(NEW);
    expect(renewed).toEqual({
      __typename: 'RenewConnectionPayload',
      expiresAt: expect.any(String),
      scopes: ['READ', 'CONTROL', 'DEBUG'],
    });
    expect(Date.parse(renewed.expiresAt)).toBeGreaterThanOrEqual(beganAt + 60_000);
    await until(() => Date.now() > beganAt + oldMs + 300);
    const { data } = await place.request('viewer', '{ viewer { subject scopes expiresAt } }');
    expect(data.viewer).toEqual({
      subject: 'ann',
      scopes: renewed.scopes,
      expiresAt: renewed.expiresAt,
    });
    expect(messages.some(({ id, type }) => id === 'status' && type === 'complete')).toBe(false);
    expect(socket.readyState).toBe(WebSocket.OPEN);

    const { auditEntries } = await ask(app, ListAuditEntriesDocument, { first: 10 });
    const [entry] = auditEntries.nodes;
    expect(entry).toMatchObject({ operation: 'renewConnection', outcome: 'SUCCEEDED' });
    expect(entry?.arguments).toEqual({ input: { token: '***' } });
    expect(JSON.stringify([auditEntries, messages])).not.toContain('s3cr3t');
    expect(place.log()).not.toContain('s3cr3t');
  });

  test('that is renewed for a shorter time is closed when that is over', async () => {
    const { renew, closed } = await connect({
      [OLD]: { lastsMs: 60_000 },
      [NEW]: { lastsMs: 500 },
    });
    await renew(NEW);
    expect(await closed).toEqual({ code: 4403, reason: 'Token expired' });
  });

  test.each<[string, Partial<HookIdentity>, RegExp]>([
    ['of another subject', { subject: 'bob' }, /somebody else/],
    ['of another tenant', { tenant: 'else' }, /somebody else/],
    ['with fewer scopes', { scopes: ['debug', 'admin'] }, /lacks scopes.*: read\./],
  ])('does not take a token %s, and is as before', async (_which, who, message) => {
    const place = await connect({ [OLD]: { lastsMs: 800 }, [NEW]: { lastsMs: 60_000, ...who } });
    expect(await place.renew(NEW)).toEqual({
      __typename: 'NotRenewableError',
      code: 'NOT_RENEWABLE',
      message: expect.stringMatching(message),
    });
    const { data } = await place.request('viewer', '{ viewer { subject tenant scopes } }');
    expect(data.viewer).toEqual({ subject: 'ann', tenant: 'default', scopes: ['READ', 'DEBUG'] });
    expect(await place.closed).toEqual({ code: 4403, reason: 'Token expired' });
  });

  test('does not take a token that is not valid', async () => {
    const place = await connect({ [OLD]: { lastsMs: 60_000 } });
    expect(await place.renew(NEW)).toEqual({
      __typename: 'UnauthenticatedError',
      code: 'UNAUTHENTICATED',
      message: expect.not.stringContaining('s3cr3t'),
    });
    expect(place.socket.readyState).toBe(WebSocket.OPEN);
    expect(place.log()).not.toContain('s3cr3t');
  });

  test('takes a good token also where too many came that were not', async () => {
    const place = await connect({ [OLD]: { lastsMs: 60_000 }, [NEW]: { lastsMs: 60_000 } });
    const headers = bearer('s3cr3t-bad');
    for (let time = 0; time < MOST_FAILED; time++) {
      expect((await fetch(place.url, { method: 'POST', headers, body: '{}' })).status).toBe(401);
    }
    const refused = await fetch(place.url, { method: 'POST', headers: bearer(NEW), body: '{}' });
    expect(refused.status).toBe(429);
    expect(await place.renew(NEW)).toMatchObject({ __typename: 'RenewConnectionPayload' });
  });

  test('over HTTP, or none at all, has nothing to renew', async () => {
    const { app, url } = await connect({ [OLD]: { lastsMs: 60_000 }, [NEW]: { lastsMs: 60_000 } });
    const variables = { input: { token: NEW } };
    const response = await fetch(url, {
      method: 'POST',
      headers: bearer(OLD),
      body: JSON.stringify({ query: RENEW, variables }),
    });
    expect(await response.json()).toMatchObject({
      data: { renewConnection: { code: 'NOT_RENEWABLE' } },
    });
    const { data } = await answer(app, RenewConnectionDocument, variables);
    expect(data?.renewConnection).toMatchObject({ code: 'NOT_RENEWABLE' });
  });
});
