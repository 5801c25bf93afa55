import { ApolloClient, gql as apolloGql, HttpLink, InMemoryCache } from '@apollo/client';
import { Defer20220824Handler } from '@apollo/client/incremental';
import { Client, fetchExchange, gql } from '@urql/core';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import { describe, expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { serve, until } from './serve.ts';
import { gates } from './test-api.ts';

const DEFERRED =
  'query Q { maybe(id: "book-1") { __typename id pages ... @defer { title broken: brokenNull } } }';
const GATED =
  'query G { maybe(id: "book-1") { __typename id pages ... @defer { gated(gate: "client") } } }';

async function pass(): Promise<void> {
  await until(() => gates.has('client'));
  gates.get('client')?.();
  gates.delete('client');
}

describe('who does not ask for parts gets the answer whole', () => {
  test.each([
    ['application/json'],
    ['application/graphql-response+json, application/json;q=0.9'],
    ['*/*'],
    ['text/html, */*;q=0.1'],
  ])('Accept: %s', async (accept) => {
    const { post, send } = await serve();
    for (let time = 0; time < 3; time++) {
      const headers = { accept, 'content-type': 'application/json' };
      const { type, body } = await post({ query: DEFERRED }, headers);
      expect(type).toContain('json');
      expect(body.data.maybe).toMatchObject({ pages: 1, title: expect.any(String), broken: null });
      expect(body.errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
    }
    if (accept.includes('html')) return; // GraphiQL
    const path = `/graphql?query=${encodeURIComponent(DEFERRED)}`;
    expect(
      (await send({ method: 'GET', headers: { accept, 'x-millrace-csrf': 'none' } }, path)).body
        .data.maybe,
    ).toMatchObject({
      title: expect.any(String),
    });
  });

  test('over WebSocket, a query and a subscription', async () => {
    const { url } = await serve();
    const client = createSocketClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket });
    onTestFinished(() => client.dispose());
    const query = '{ maybe(id: "book-1") { pages ... @defer { title } } list @stream { pages } }';
    const got: unknown[] = [];
    for await (const result of client.iterate({ query })) got.push(result);
    expect(got).toMatchObject([{ data: { maybe: { pages: 1, title: {} }, list: [{}, {}, {}] } }]);
    expect(JSON.stringify(got)).not.toContain('hasNext');
  });
});

describe('who asks for parts gets them', () => {
  test('as server-sent events, through graphql-sse', async () => {
    const { url } = await serve();
    const client = createSseClient({ url });
    onTestFinished(() => client.dispose());
    const results = client.iterate({ query: GATED });
    expect((await results.next()).value).toEqual({
      data: { maybe: { __typename: 'Book', id: expect.any(String), pages: 1 } },
      hasNext: true,
    });
    await pass();
    expect((await results.next()).value).toMatchObject({
      incremental: [{ data: { gated: expect.any(String) } }],
      hasNext: false,
    });
    expect((await results.next()).done).toBe(true);
  });

  test('through urql', async () => {
    const { url } = await serve();
    const client = new Client({ url, exchanges: [fetchExchange], preferGetMethod: false });
    const got: { readonly data?: unknown; readonly hasNext: boolean }[] = [];
    const { unsubscribe } = client.query(gql(GATED), {}).subscribe((result) => got.push(result));
    onTestFinished(unsubscribe);
    await until(() => got.length > 0);
    expect(got[0]).toMatchObject({ data: { maybe: { pages: 1 } }, hasNext: true });
    await pass();
    await until(() => got.length > 1);
    expect(got[1]).toMatchObject({
      data: { maybe: { pages: 1, gated: expect.any(String) } },
      hasNext: false,
    });
    const plain = await client.query(gql('{ transport }'), {}).toPromise();
    expect(plain.data).toEqual({ transport: 'http' });
  });

  test('through Apollo Client', async () => {
    const { url } = await serve();
    const client = new ApolloClient({
      link: new HttpLink({ uri: url }),
      cache: new InMemoryCache(),
      incrementalHandler: new Defer20220824Handler(),
    });
    onTestFinished(() => client.stop());
    const got: unknown[] = [];
    const watching = client
      .watchQuery({ query: apolloGql(GATED) })
      .subscribe(({ data, dataState }) => got.push({ data, dataState }));
    onTestFinished(() => watching.unsubscribe());
    await until(() => JSON.stringify(got).includes('"pages":1'));
    expect(got.at(-1)).toMatchObject({ dataState: 'streaming' });
    await pass();
    await until(() => JSON.stringify(got).includes('"gated"'));
    expect(got.at(-1)).toMatchObject({
      data: { maybe: { pages: 1, gated: expect.any(String) } },
      dataState: 'complete',
    });
  });
});

test('closing the server ends an answer whose parts still come', async () => {
  const { url, server } = await serve();
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify({ query: GATED }),
    headers: { 'content-type': 'application/json', accept: 'multipart/mixed' },
  });
  const text = response.text().catch(() => 'cut');
  await until(() => gates.has('client'));
  await server.close();
  expect(await text).toBe('cut');
  gates.clear();
});
