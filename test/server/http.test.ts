import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { serve } from './serve.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

describe('a query or mutation over HTTP', () => {
  test('is answered as JSON, the first time and compiled', async () => {
    const { ask } = await serve();
    for (let time = 0; time < 3; time++) {
      const query = 'query Q($id: String!) { maybe(id: $id) { title pages } }';
      expect(await ask(query, { id: 'book-3' })).toEqual({
        status: 200,
        type: JSON_TYPE,
        body: {
          data: {
            maybe: { title: 'Title 3 of a book whose name is neither short nor long', pages: 3 },
          },
        },
      });
    }
  });

  test('runs the operation that is named', async () => {
    const { ask } = await serve();
    const query = 'query A { a: transport } query B { b: transport }';
    for (let time = 0; time < 2; time++) {
      expect((await ask(query, undefined, 'A')).body).toEqual({ data: { a: 'http' } });
      expect((await ask(query, undefined, 'B')).body).toEqual({ data: { b: 'http' } });
    }
  });

  test('a mutation answers its payload or an error that is data', async () => {
    const { ask } = await serve();
    const mutation = `mutation M($id: String!) {
      rename(id: $id, title: "New") { __typename ... on Book { title } ... on NotFoundError { code kind message } }
    }`;
    for (let time = 0; time < 2; time++) {
      expect((await ask(mutation, { id: 'book-1' })).body).toEqual({
        data: { rename: { __typename: 'Book', title: 'New' } },
      });
      expect((await ask(mutation, { id: 'none' })).body.data.rename).toMatchObject({
        __typename: 'NotFoundError',
        code: 'NOT_FOUND',
        kind: 'Book',
      });
    }
  });

  test('a query may come as GET, a mutation may not', async () => {
    const { send } = await serve();
    const headers = { 'x-millrace-csrf': 'none' };
    const get = (query: string) =>
      send({ method: 'GET', headers }, `/graphql?query=${encodeURIComponent(query)}`);
    expect((await get('{ transport }')).body).toEqual({ data: { transport: 'http' } });
    expect(await get('mutation { rename(id: "a", title: "b2") { __typename } }')).toMatchObject({
      status: 405,
    });
  });

  test.each([
    ['application/json', 'application/json'],
    ['*/*', 'application/json'],
    ['application/graphql-response+json', 'application/graphql-response+json'],
    [
      'application/graphql-response+json, application/json;q=0.9',
      'application/graphql-response+json',
    ],
    ['application/json, text/event-stream, multipart/mixed', 'application/json'],
    ['text/html, application/json', 'application/json'],
  ])('Accept: %s is answered as %s, as yoga would', async (accept, type) => {
    const { post } = await serve();
    const body = { query: '{ transport }' };
    const headers = { accept, 'content-type': 'application/json' };
    const fast = await post(body, headers);
    const slow = await post(body, { ...headers, 'content-type': 'application/json;charset=UTF-8' });
    expect(fast).toEqual({
      status: 200,
      type: `${type}; charset=utf-8`,
      body: { data: { transport: 'http' } },
    });
    expect(slow).toEqual(fast);
  });

  test('pages of other sites are refused, those of this server are not', async () => {
    const { post, url } = await serve();
    const body = { query: '{ transport }' };
    const headers = { 'content-type': 'application/json' };
    expect(await post(body, { ...headers, origin: 'https://evil.example' })).toMatchObject({
      status: 403,
      body: { errors: [{ extensions: { code: 'FORBIDDEN_ORIGIN' } }] },
    });
    expect(await post(body, { ...headers, origin: 'null' })).toMatchObject({ status: 403 });
    expect(await post(body, { ...headers, origin: new URL(url).origin })).toMatchObject({
      status: 200,
    });
  });

  test('other paths are told where GraphQL is', async () => {
    const { send } = await serve();
    expect(await send({ method: 'GET' }, '/')).toMatchObject({ status: 302 });
    expect(await send({ method: 'GET' }, '/other?x=1')).toMatchObject({
      status: 404,
      body: { errors: [{ message: 'Nothing is at /other. GraphQL is at /graphql.' }] },
    });
  });
});

describe('a request that is at fault', () => {
  const codeOf = async (sent: Promise<{ readonly status: number; readonly body: unknown }>) => {
    const { status, body } = await sent;
    const errors = (body as { errors: { extensions?: { code?: string } }[] }).errors;
    return [status, errors[0]?.extensions?.code];
  };

  test('is told what is wrong, with a code, and the server stays up', async () => {
    const { ask, post, send, logged } = await serve();
    const json = { 'content-type': 'application/json' };
    for (let time = 0; time < 3; time++) {
      expect(await codeOf(ask('{ transport'))).toEqual([200, 'GRAPHQL_PARSE_FAILED']);
      expect(await codeOf(ask('{ nothing }'))).toEqual([200, 'GRAPHQL_VALIDATION_FAILED']);
      expect(await codeOf(ask('query Q($id: String!) { maybe(id: $id) { id } }'))).toEqual([
        200,
        'BAD_USER_INPUT',
      ]);
      expect(await codeOf(ask('query Q($ms: Int!) { slow(ms: $ms) }', { ms: 'soon' }))).toEqual([
        200,
        'BAD_USER_INPUT',
      ]);
      expect(await codeOf(ask('query A { transport }', undefined, 'B'))).toEqual([
        400,
        'OPERATION_RESOLUTION_FAILURE',
      ]);
      expect(await codeOf(ask('query A { transport } query B { transport }'))).toEqual([
        400,
        'OPERATION_RESOLUTION_FAILURE',
      ]);
      expect(await codeOf(post('{"query": '))).toEqual([400, 'BAD_REQUEST']);
      expect(await codeOf(post('"text"'))).toEqual([400, 'BAD_REQUEST']);
      expect(await codeOf(post('null'))).toEqual([400, 'BAD_REQUEST']);
      expect(await codeOf(post({}))).toEqual([400, 'BAD_REQUEST']);
      expect(await codeOf(post({ query: 5 }))).toEqual([400, 'BAD_REQUEST']);
      expect(await codeOf(post({ query: '{ transport }', variables: 'x' }))).toEqual([
        400,
        'BAD_REQUEST',
      ]);
      expect(await codeOf(post({ query: '{ transport }', more: 1 }))).toEqual([400, 'BAD_REQUEST']);
      expect(await codeOf(post([{ query: '{ transport }' }]))).toEqual([400, 'BAD_REQUEST']);
      expect(await codeOf(post('{}', { 'content-type': 'text/plain' }))).toEqual([
        403,
        'CSRF_REFUSED',
      ]);
      expect(await send({ method: 'PATCH', body: '{}', headers: json })).toMatchObject({
        status: 405,
      });
      expect(
        await post({ query: '{ transport }' }, { ...json, accept: 'image/png' }),
      ).toMatchObject({ status: 406 });
    }
    expect((await ask('{ transport }')).body).toEqual({ data: { transport: 'http' } });
    expect(logged).toEqual([]);
  });

  test('has the status 4xx for clients that ask for application/graphql-response+json', async () => {
    const { post } = await serve();
    const headers = {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
    };
    const status = async (body: unknown) => (await post(body, headers)).status;
    expect(await status({ query: '{ transport' })).toBe(400);
    expect(await status({ query: '{ nothing }' })).toBe(400);
    for (let time = 0; time < 3; time++) {
      expect(await status({ query: 'query Q($ms: Int!) { slow(ms: $ms) }' })).toBe(400);
      expect(await status({ query: '{ refused }' })).toBe(200);
    }
    expect(await status('{')).toBe(400);
  });

  test('is too large: told so whether or not it says its length', async () => {
    const { url, ask } = await serve({ limits: { maxBodyBytes: 1000 } });
    const tooLarge = {
      status: 413,
      body: { errors: [{ extensions: { code: 'REQUEST_ENTITY_TOO_LARGE' } }] },
    };
    expect(await ask(`{ transport } #${'x'.repeat(1000)}`)).toMatchObject(tooLarge);

    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(
          new TextEncoder().encode(`{"query": "{ transport }${' '.repeat(2000)}"}`),
        );
        controller.close();
      },
    });
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', body, headers, duplex: 'half' };
    const response = await fetch(url, init);
    expect({ status: response.status, body: await response.json() }).toMatchObject(tooLarge);
    expect((await ask('{ transport }')).status).toBe(200);
  });

  test('has too many tokens, or costs too much', async () => {
    const { ask } = await serve({ limits: { maxDocumentTokens: 50 } });
    const many = await ask(`{ ${'transport '.repeat(60)} }`);
    expect(many.body.errors[0].extensions.code).toBe('GRAPHQL_PARSE_FAILED');
    const deep = '{ books(first: 100) { edges { node { id title } } } }';
    expect((await ask(deep)).body.errors).toBeUndefined();
    const costly = '{ books(first: 4000) { edges { node { id title pages } } } }';
    for (let time = 0; time < 3; time++) {
      expect((await ask(costly)).body.errors[0].message).toContain('complexity');
    }
  });

  test('a client that goes away in the middle harms nobody', async () => {
    const { port, ask, logged } = await serve();
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(
      'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"qu',
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.destroy();
    const rubbish = connect(port, '127.0.0.1');
    rubbish.on('error', () => undefined).resume();
    rubbish.end('\u0000\u0001 rubbish\r\n\r\n');
    await new Promise((resolve) => rubbish.once('close', resolve));
    expect((await ask('{ transport }')).status).toBe(200);
    expect(logged).toEqual([]);
  });
});

describe('an error of a resolver', () => {
  test('that nobody expects is hidden, and logged once under an id that the client gets', async () => {
    const { ask, logged } = await serve();
    for (let time = 1; time <= 3; time++) {
      const { status, body } = await ask('{ list { title brokenNull } }');
      expect(status).toBe(200);
      expect(body.data.list[0].brokenNull).toBeNull();
      expect(body.errors).toHaveLength(3);
      expect(JSON.stringify(body)).not.toContain('oh');
      expect(body.errors[1]).toMatchObject({
        path: ['list', 1, 'brokenNull'],
        locations: [{ line: 1, column: 16 }],
        extensions: { code: 'INTERNAL_SERVER_ERROR' },
      });
      expect(logged).toHaveLength(3 * time);
      const ids = body.errors.map(
        ({ extensions }: { extensions: { errorId: string } }) => extensions.errorId,
      );
      expect(logged.slice(-3).map(({ errorId }) => errorId)).toEqual(ids);
    }
  });

  test('that is a GraphQLError keeps its code', async () => {
    const { ask } = await serve();
    for (let time = 0; time < 3; time++) {
      expect((await ask('{ refused }')).body).toMatchObject({
        data: { refused: null },
        errors: [{ message: 'No.', extensions: { code: 'REFUSED' } }],
      });
    }
  });

  test('when the context can not be made, it is shown like any other', async () => {
    const { ask, post, logged } = await serve({
      createContext: () => Promise.reject(new Error('the secret password')),
    });
    for (const answer of [
      await ask('{ transport }'),
      await post({ query: '{ transport }' }, { 'content-type': 'application/json;charset=utf-8' }),
    ]) {
      expect(answer.body.errors[0].extensions.code).toBe('INTERNAL_SERVER_ERROR');
      expect(JSON.stringify(answer.body)).not.toContain('secret');
    }
    expect(logged).toHaveLength(2);
  });
});
