import { getIntrospectionQuery } from 'graphql';
import { expect, test } from 'vitest';
import { codesOf, forEachTransport } from './each-transport.ts';
import { serve } from './serve.ts';

const INTROSPECTION = [
  '{ __schema { queryType { name } } }',
  '{ __type(name: "Book") { name } }',
  '{ ...F } fragment F on Query { a: __schema { types { name } } }',
  getIntrospectionQuery(),
];

/** Each has a word that is nearly one of the schema. */
const NEARLY: readonly [query: string, variables?: object][] = [
  ['{ transports }'],
  ['{ maybe(idd: "x") { id } }'],
  ['{ ... on Boook { id } }'],
  ['query ($id: Strin!) { maybe(id: $id) { id } }'],
];

forEachTransport((send) => {
  test('O7 introspection can be turned off', async () => {
    const { url } = await serve({ introspection: false });
    for (const query of INTROSPECTION) {
      const { errors, data } = await send(url, { query });
      expect(codesOf({ errors })[0]).toBe('GRAPHQL_VALIDATION_FAILED');
      expect(errors[0]?.message).toContain('introspection has been disabled');
      expect(data).toBeUndefined();
    }
    const { errors, data } = await send(url, {
      query: '{ __typename maybe(id: "x") { __typename } }',
    });
    expect({ errors, data }).toEqual({ errors: [], data: { __typename: 'Query', maybe: null } });
  });

  test('O7 introspection is answered where it is not', async () => {
    const { url } = await serve();
    for (const query of INTROSPECTION) expect((await send(url, { query })).errors).toEqual([]);
  });

  test('O7 suggestions can be turned off', async () => {
    const open = await serve();
    const closed = await serve({ suggestions: false });
    for (const [query] of NEARLY) {
      const suggested = (await send(open.url, { query })).errors;
      expect(suggested.map(({ message }) => message).join()).toContain('Did you mean');
      const { errors } = await send(closed.url, { query });
      expect(errors.length).toBeGreaterThan(0);
      expect(errors.map(({ message }) => message).join()).not.toContain('Did you mean');
    }
  });
});

// The executor of answers in parts has coercion of its own.
test.each(['application/json', 'multipart/mixed'])(
  'O7 nor is anything suggested for values of variables (%s)',
  async (accept) => {
    const query = 'query ($by: BookOrder) { sorted(by: $by) { id ... @defer { title } } }';
    const ask = async (suggestions: boolean, by: unknown) => {
      const { send } = await serve({ suggestions });
      const headers = { 'content-type': 'application/json', accept };
      const body = JSON.stringify({ query, variables: { by } });
      return JSON.stringify((await send({ method: 'POST', headers, body })).body);
    };
    for (const by of [{ status: 'DRAF' }, { statu: 'DRAFT' }]) {
      expect(await ask(true, by)).toContain('Did you mean');
      const answer = await ask(false, by);
      expect(answer).toContain('BAD_USER_INPUT');
      expect(answer).not.toContain('Did you mean');
    }
  },
);
