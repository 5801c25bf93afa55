import { describe, expect, onTestFinished, test } from 'vitest';
import { serve, until } from './serve.ts';
import { asker, gates } from './test-api.ts';

const MULTIPART = 'multipart/mixed;deferSpec=20220824, application/json';

/** What a part of an answer says. */
interface Part {
  readonly data?: unknown;
  readonly hasNext?: boolean;
  readonly errors?: readonly unknown[];
  readonly incremental?: readonly {
    readonly data?: unknown;
    readonly items?: readonly unknown[];
    readonly path?: readonly (string | number)[];
    readonly label?: string;
    // biome-ignore lint/suspicious/noExplicitAny: whatever the server sent, for a test to look into
    readonly errors?: readonly any[];
  }[];
}

/** Asks a query, and reads its answer part by part. */
async function askInParts(url: string, query: string, accept = MULTIPART, variables = {}) {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify({ query, variables }),
    headers: { 'content-type': 'application/json', accept },
    signal: abort.signal,
  });
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let isEnded = false;
  const readMore = async () => {
    const chunk = await reader?.read();
    isEnded = chunk?.done !== false;
    text += decoder.decode(chunk?.value, { stream: true });
  };
  const parts = () =>
    text
      .split('\r\n---')
      .filter((part) => part.includes('{'))
      .map((part) => JSON.parse(part.slice(part.indexOf('{'))) as Part);
  return {
    response,
    abort,
    /** Reads until so many parts came. */
    async read(count: number): Promise<Part[]> {
      while (parts().length < count && !isEnded) await readMore();
      return parts();
    },
    async readAll(): Promise<Part[]> {
      while (!isEnded) await readMore();
      return parts();
    },
    text: () => text,
  };
}

/** Lets go what waits at a gate, as soon as it does. */
async function pass(gate: string): Promise<void> {
  await until(() => gates.has(gate));
  gates.get(gate)?.();
  gates.delete(gate);
}

const isLeft = () => asker.signal?.aborted === true;

/** Lets everything happen that waits for nothing. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('@defer', () => {
  test('the first part comes while what is deferred is still worked out', async () => {
    const { url } = await serve();
    const query = `{ maybe(id: "book-1") { pages ... @defer(label: "slow") { gated(gate: "first") } } }`;
    const { response, read, readAll } = await askInParts(url, query);
    expect(response.headers.get('content-type')).toContain('multipart/mixed');
    expect(await read(1)).toEqual([{ data: { maybe: { pages: 1 } }, hasNext: true }]);
    await pass('first');
    expect((await readAll())[1]).toEqual({
      incremental: [
        { data: { gated: expect.stringContaining('Title 1') }, path: ['maybe'], label: 'slow' },
      ],
      hasNext: false,
    });
  });

  test('works in fragments, nested, and as often as it is asked', async () => {
    const { url } = await serve();
    const query = `query Q($yes: Boolean!) { maybe(id: "book-1") { pages ...F @defer(if: $yes) } }
      fragment F on Book { title next { pages ... @defer { later } } }`;
    for (let time = 0; time < 3; time++) {
      const deferred = await (await askInParts(url, query, MULTIPART, { yes: true })).readAll();
      expect(deferred[0]).toEqual({ data: { maybe: { pages: 1 } }, hasNext: true });
      expect(deferred.flatMap(({ incremental = [] }) => incremental)).toMatchObject([
        { data: { next: { pages: 2 } }, path: ['maybe'] },
        { data: { later: expect.stringContaining('Title 2') }, path: ['maybe', 'next'] },
      ]);
      expect(deferred.at(-1)?.hasNext).toBe(false);
      const [first] = await (await askInParts(url, query, MULTIPART, { yes: false })).readAll();
      expect(first).toMatchObject({
        data: { maybe: { pages: 1, next: { pages: 2 } } },
        hasNext: true,
      });
    }
  });

  test('errors of what is deferred are masked, logged once and have codes', async () => {
    const { url, logged } = await serve();
    const query = `{ maybe(id: "book-1") { pages ... @defer { brokenNull } ... @defer(label: "b") { broken } } }`;
    const { readAll, text } = await askInParts(url, query);
    const parts = await readAll();
    expect(parts[0]).toEqual({ data: { maybe: { pages: 1 } }, hasNext: true });
    const errors = parts.flatMap(({ incremental = [] }) =>
      incremental.flatMap((part) => part.errors),
    );
    expect(errors).toHaveLength(2);
    for (const error of errors) {
      expect(error).toMatchObject({ extensions: { code: 'INTERNAL_SERVER_ERROR' } });
      expect(error.path[0]).toBe('maybe');
    }
    expect(text()).not.toContain('secret');
    expect(logged).toHaveLength(2);
  });

  test('rights and limits hold inside as outside', async () => {
    const { url, ask } = await serve();
    const parts = await (await askInParts(url, '{ transport ... @defer { secret } }')).readAll();
    expect(parts[0]).toEqual({ data: { transport: 'http' }, hasNext: true });
    expect(parts[1]?.incremental).toMatchObject([
      { data: { secret: null }, errors: [{ message: 'Not authorized to resolve Query.secret' }] },
    ]);

    const deep = (directive: string) =>
      `{ maybe(id: "book-1") { pages ... ${directive} { next { next { next { next { next { next { next { pages } } } } } } } } } }`;
    const refused = (await ask(deep('@include(if: true)'))).body.errors[0].message;
    expect(refused).toContain('depth');
    const deferred = await (await askInParts(url, deep('@defer'))).readAll();
    expect(deferred).toMatchObject([{ errors: [{ message: refused }] }]);
    const root = `{ transport ... @defer ${deep('@include(if: true)')} }`;
    const [first, second] = await (await askInParts(url, root)).readAll();
    expect(first?.errors ?? second?.incremental?.[0]?.errors).toMatchObject([{ message: refused }]);
    const costly = '{ transport ... @defer { books(first: 5000) { edges { node { id } } } } }';
    expect(JSON.stringify(await (await askInParts(url, costly)).readAll())).toContain('complexity');
  });

  test('who goes away ends the work: nothing more is resolved', async () => {
    const { url } = await serve();
    const query = `{ maybe(id: "book-1") { pages ... @defer { slowly(gate: "late") { gated(gate: "next") } } } }`;
    const staying = await askInParts(url, query);
    await pass('late');
    await until(() => gates.has('next'));
    await pass('next');
    expect(await staying.readAll()).toHaveLength(2);

    const { abort, read } = await askInParts(url, query);
    await read(1);
    abort.abort();
    await until(isLeft);
    await pass('late');
    await turns();
    expect(gates.has('next')).toBe(false);
  });

  test('who goes away before the first part ends the work, too', async () => {
    const { url, logged, ask } = await serve();
    const abort = new AbortController();
    const query = `{ maybe(id: "book-1") { slowly(gate: "early") { gated(gate: "next") } ... @defer { pages } } }`;
    const asked = fetch(url, {
      method: 'POST',
      body: JSON.stringify({ query }),
      headers: { 'content-type': 'application/json', accept: MULTIPART },
      signal: abort.signal,
    }).catch(() => 'left');
    await until(() => gates.has('early'));
    abort.abort();
    expect(await asked).toBe('left');
    await until(isLeft);
    await pass('early');
    await turns();
    expect(gates.has('next')).toBe(false);
    expect(logged).toEqual([]);
    expect((await ask('{ transport }')).status).toBe(200);
  });
});

describe('@stream', () => {
  test('elements come as they are ready', async () => {
    const { url } = await serve();
    const query = `{ list @stream(initialCount: 1, label: "rest") { pages later } }`;
    const parts = await (await askInParts(url, query)).readAll();
    expect(parts[0]).toMatchObject({ data: { list: [{ pages: 0 }] }, hasNext: true });
    const items = parts.flatMap(({ incremental = [] }) => incremental);
    expect(items).toMatchObject([
      { items: [{ pages: 1 }], path: ['list', 1], label: 'rest' },
      { items: [{ pages: 2 }], path: ['list', 2], label: 'rest' },
    ]);
    expect(parts.at(-1)?.hasNext).toBe(false);
  });

  test('the first part does not wait for the elements behind', async () => {
    const { url } = await serve();
    const query = `{ list @stream(initialCount: 0) { pages gated(gate: "list") } }`;
    const { read, abort } = await askInParts(url, query);
    expect(await read(1)).toEqual([{ data: { list: [] }, hasNext: true }]);
    abort.abort();
  });

  test('what makes no sense is refused before anything runs', async () => {
    const { post, logged } = await serve();
    const headers = { 'content-type': 'application/json', accept: MULTIPART };
    const refused = async (query: string, variables = {}) =>
      (await post({ query, variables }, headers)).body.errors[0];
    for (let time = 0; time < 2; time++) {
      expect(await refused('{ list @stream(initialCount: -1) { pages } }')).toMatchObject({
        message: 'The `initialCount` of `@stream` must not be negative.',
        extensions: { code: 'BAD_USER_INPUT' },
      });
      const withVariable = 'query Q($n: Int!) { list @stream(initialCount: $n) { pages } }';
      expect((await refused(withVariable, { n: -5 })).extensions.code).toBe('BAD_USER_INPUT');
      expect((await refused(withVariable, { n: 'x' })).extensions.code).toBe('BAD_USER_INPUT');
      expect((await refused('{ transport @stream }')).message).toContain('non-list field');
      expect((await refused('{ list { title @defer } }')).extensions.code).toBe(
        'GRAPHQL_VALIDATION_FAILED',
      );
      expect(
        (await refused('mutation { ... @defer { rename(id: "a", title: "b2") { __typename } } }'))
          .extensions.code,
      ).toBe('GRAPHQL_VALIDATION_FAILED');
    }
    expect(logged).toEqual([]);
  });
});
