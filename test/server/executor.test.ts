import { type ExecutionResult, execute, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { createExecutor } from '../../src/server/documents/executor.ts';
import { schema } from './test-api.ts';

const VARIABLES = { yes: true, no: false, id: 'book-1', times: 3 };

/** As plain data, errors in the order of their places: which one comes first is left open by GraphQL. */
function plain(result: ExecutionResult): ExecutionResult {
  const data = JSON.parse(JSON.stringify(result)) as ExecutionResult;
  const place = (error: unknown) => JSON.stringify(error);
  const errors = data.errors?.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
  return errors === undefined ? data : { ...data, errors };
}

const OPERATIONS = [
  '{ transport }',
  'query Q { a: transport b: transport transport }',
  'query Q($id: String!) { maybe(id: $id) { id title shout(times: 2) ...F } } fragment F on Book { pages title }',
  'query Q($id: String!, $times: Int) { maybe(id: $id) { shout shout3: shout(times: $times) } }',
  'query Q($times: Int = 2) { list { shout(times: $times) } }',
  'query Q($yes: Boolean!, $no: Boolean!) { list { id @skip(if: $yes) title @include(if: $no) pages @include(if: $yes) } }',
  'query Q($yes: Boolean!) { list { ...F @skip(if: $yes) } other: list { ...F } } fragment F on Book { title author }',
  'query Q($no: Boolean!) { list { ... @include(if: $no) { title } ... on Book { pages } } }',
  '{ maybe(id: "none") { id } }',
  '{ list { status price isSold later path } }',
  '{ books(first: 3) { pageInfo { hasNextPage endCursor } edges { cursor node { id title __typename } } } }',
  '{ books(first: 2) { edges { node { ... on Node { id } ... on Book { title } } } } }',
  '{ list { title broken } }',
  '{ list { title brokenNull } }',
  '{ a: list { brokenNull } maybe(id: "book-1") { x: broken } }',
  '{ refused throwsText secret }',
  '{ node(id: "Qm9vazpib29rLTE=") { __typename id ... on Book { title } } }',
  '{ nodes(ids: ["Qm9vazpib29rLTE=", "Qm9vazpib29rLTI=", "Qm9vazpub25l"]) { id ... on Book { title } } }',
  '{ node(id: "rubbish") { id } }',
  '{ __schema { queryType { name } types { name kind } } }',
  '{ __type(name: "Book") { fields { name type { kind ofType { name } } } } }',
  'mutation { a: rename(id: "book-1", title: "One") { __typename ... on Book { title } } b: rename(id: "x", title: "Two") { ... on Error { message code } } }',
  'mutation { rename(id: "book-1", title: "O") { __typename } }',
  'query Q($id: String!) { maybe(id: $id) { title } }',
  '{ books(first: 5000) { edges { node { id title } } } }',
];

describe('a compiled operation', () => {
  test.each(OPERATIONS)('answers what graphql-js answers: %s', async (query) => {
    const document = parse(query);
    const args = () => ({
      schema,
      document,
      variableValues: VARIABLES,
      contextValue: { isAdmin: false, transport: 'none' },
    });
    const expected = plain(await execute(args()));
    const executeCompiled = createExecutor();
    for (let time = 0; time < 3; time++) {
      expect(plain(await executeCompiled(args()))).toEqual(expected);
    }
  });

  test.each([
    ['is missing', {}],
    ['is of another type', { id: 5 }],
    ['is null', { id: null }],
  ])('refuses a variable that %s as graphql-js does', async (_name, variableValues) => {
    const document = parse('query Q($id: String!) { maybe(id: $id) { title } }');
    const args = { schema, document, variableValues, contextValue: {} };
    const expected = await execute(args);
    const executeCompiled = createExecutor();
    for (let time = 0; time < 3; time++) {
      expect(await executeCompiled(args)).toEqual(expected);
    }
    const fine = { ...args, variableValues: { id: 'book-1' } };
    expect(await executeCompiled(fine)).toMatchObject({ data: { maybe: {} } });
  });

  test('keeps what a resolver threw as the original error', async () => {
    const document = parse('{ list { brokenNull } }');
    const executeCompiled = createExecutor();
    for (let time = 0; time < 3; time++) {
      const { errors } = await executeCompiled({ schema, document, contextValue: {} });
      expect(errors?.[0]?.originalError?.constructor.name).toBe('Unexpected');
      expect(errors?.[0]?.nodes).toHaveLength(1);
    }
  });
});
