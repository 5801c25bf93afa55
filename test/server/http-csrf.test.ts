import { describe, expect, test } from 'vitest';
import { ANYBODY } from '../../src/lib/identity.ts';
import { serve } from './serve.ts';

const QUERY = '{ transport }';
const MUTATION = 'mutation { rename(id: "book-1", title: "New") { __typename } }';
const IN_URL = `/graphql?query=${encodeURIComponent(QUERY)}`;

/** What a form or an image of any page may make a browser send. */
const FORGED: [what: string, init: RequestInit, path: string][] = [
  ['a GET', {}, IN_URL],
  ['a HEAD', { method: 'HEAD' }, IN_URL],
  ['a GET for a stream', { headers: { accept: 'text/event-stream' } }, IN_URL],
  ...['text/plain', 'text/plain; charset=utf-8', 'TEXT/PLAIN;x', 'multipart/form-data', ''].map(
    (type): [string, RequestInit, string] => [
      `a POST of "${type}"`,
      {
        method: 'POST',
        body: new TextEncoder().encode(JSON.stringify({ query: MUTATION })),
        headers: type === '' ? {} : { 'content-type': type },
      },
      '/graphql',
    ],
  ),
  [
    'a form',
    {
      method: 'POST',
      body: `query=${encodeURIComponent(MUTATION)}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    },
    '/graphql',
  ],
];

describe('O5: what any page could have sent', () => {
  test.each(FORGED)('%s is refused, and it is told what to send', async (_, init, path) => {
    const { url } = await serve();
    const response = await fetch(new URL(path, url), init);
    expect(response.status).toBe(403);
    const text = await response.text();
    if (init.method === 'HEAD') expect(text).toBe('');
    else {
      const { message, extensions } = JSON.parse(text).errors[0];
      expect(extensions.code).toBe('CSRF_REFUSED');
      expect(message).toContain('x-millrace-csrf');
    }
    const empty = {
      ...Object(init.headers),
      'x-millrace-csrf': '',
      'sec-fetch-site': 'cross-site',
    };
    expect((await fetch(new URL(path, url), { ...init, headers: empty })).status).toBe(403);
  });

  test.each([
    ['x-millrace-csrf', '1'],
    ['apollo-require-preflight', 'true'],
    ['graphql-require-preflight', '1'],
    ['x-apollo-operation-name', 'Q'],
    ['content-type', 'application/json'],
    ['authorization', 'Bearer s3cr3t-b'],
    ['origin', 'http://localhost:3000'],
    ['sec-fetch-site', 'same-origin'],
    ['sec-fetch-site', 'none'],
  ])('a GET is answered with %s: %s', async (name, value) => {
    const { send } = await serve({ authenticate: async () => ANYBODY });
    const { status, body } = await send({ headers: { [name]: value } }, IN_URL);
    expect({ status, body }).toEqual({ status: 200, body: { data: { transport: 'http' } } });
  });

  test.each([
    ['sec-fetch-site', 'same-site'],
    ['sec-fetch-site', 'cross-site'],
    ['content-type', 'text/plain'],
    ['accept', 'application/json'],
  ])('%s: %s is no protection', async (name, value) => {
    const { send } = await serve();
    expect((await send({ headers: { [name]: value } }, IN_URL)).status).toBe(403);
  });
});

test('O5: a GET changes nothing, whatever it has to show', async () => {
  const { send } = await serve();
  const path = `/graphql?query=${encodeURIComponent(MUTATION)}`;
  expect((await send({ headers: { 'x-millrace-csrf': '1' } }, path)).status).toBe(405);
  const two = `/graphql?operationName=M&query=${encodeURIComponent(`query Q { transport } ${MUTATION.replace('mutation', 'mutation M')}`)}`;
  expect((await send({ headers: { 'x-millrace-csrf': '1' } }, two)).status).toBe(405);
});

test('O5: forms are not served, even with a header that a form can not send', async () => {
  const { send } = await serve();
  const headers = { 'x-millrace-csrf': '1' };
  for (const type of [
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain',
    'application/graphql',
    'application/json; charset=utf-16',
  ]) {
    const init = { method: 'POST', body: '{}', headers: { ...headers, 'content-type': type } };
    expect([type, (await send(init)).status]).toEqual([type, 415]);
  }
});

test('a stream of server-sent events may be opened by its token alone', async () => {
  const { send, url } = await serve();
  const { status, body: token } = await send({ method: 'PUT' });
  expect(status).toBe(201);
  const response = await fetch(`${url}?token=${token}`, {
    headers: { accept: 'text/event-stream' },
  });
  expect(response.status).toBe(200);
  await response.body?.cancel();
});
