import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import { expect, test } from 'vitest';
import { printRules } from '../../src/graphql/print-rules.ts';
import { REQUIRE_RULES } from '../../src/graphql/require-rules.ts';
import { LET_IN, scopesOfType } from '../../src/graphql/rules.ts';

interface TestTypes {
  Context: { viewer: { scopes: ReadonlySet<string> } };
  AuthScopes: { read: boolean; admin: boolean };
  DefaultAuthStrategy: 'all';
}

const newBuilder = () =>
  new SchemaBuilder<TestTypes>({
    plugins: [ScopeAuthPlugin, REQUIRE_RULES, RelayPlugin],
    relay: { nodeQueryOptions: false, nodesQueryOptions: false },
    scopeAuth: {
      defaultStrategy: 'all',
      authorizeOnSubscribe: true,
      authScopes: ({ viewer }) => ({
        read: viewer.scopes.has('read'),
        admin: viewer.scopes.has('admin'),
      }),
    },
  });

type Builder = ReturnType<typeof newBuilder>;

/** What the build of a schema says, made with a field that has a rule and whatever the test adds. */
function faultsOf(add: (builder: Builder) => void): string[] {
  const builder = newBuilder();
  builder.queryType({
    fields: (t) => ({ good: t.string({ authScopes: { read: true }, resolve: () => '' }) }),
  });
  add(builder);
  try {
    builder.toSchema();
  } catch (error) {
    return (error as Error).message.split('\n');
  }
  return [];
}

test('O7 a root field without a rule fails the build, by name; so does an empty rule', () => {
  expect(faultsOf(() => undefined)).toEqual([]);
  const faults = faultsOf((builder) => {
    builder.queryField('open', (t) => t.string({ resolve: () => '' }));
    builder.queryField('empty', (t) => t.string({ authScopes: {}, resolve: () => '' }));
    builder.queryField('off', (t) => t.string({ authScopes: { read: false }, resolve: () => '' }));
    builder.queryField('letIn', (t) => t.string({ authScopes: LET_IN, resolve: () => '' }));
    builder.mutationType({ fields: (t) => ({ doIt: t.string({ resolve: () => '' }) }) });
    builder.subscriptionType({
      fields: (t) => ({ watch: t.string({ subscribe: async function* () {}, resolve: () => '' }) }),
    });
  });
  const fields = ['Query.open', 'Query.empty', 'Query.off', 'Mutation.doIt', 'Subscription.watch'];
  expect(faults.toSorted()).toEqual(
    fields
      .map(
        (field) =>
          `The field ${field} has no rule. Write who may use it: \`authScopes: { read: true }\`, say, or ` +
          '`authScopes: LET_IN` for everybody who is let in.',
      )
      .toSorted(),
  );
});

test('O7 a type of node without a rule fails the build, and a field that would go past one', () => {
  const faults = faultsOf((builder) => {
    const Bare = builder.objectRef<{ id: string }>('Bare');
    builder.node(Bare, { id: { resolve: ({ id }) => id } });
    const Ruled = builder.objectRef<{ id: string }>('Ruled');
    builder.node(Ruled, { id: { resolve: ({ id }) => id }, authScopes: { admin: true } });
    const Either = builder.unionType('Either', {
      types: [Bare, Ruled],
      resolveType: () => 'Ruled',
    });
    builder.queryField('either', (t) =>
      t.field({ type: Either, authScopes: { read: true }, resolve: () => ({ id: '1' }) }),
    );
  });
  expect(faults.toSorted()).toEqual([
    expect.stringContaining('The field Query.either answers a Either, which may be a Ruled'),
    'The type Bare is a node and has no rule. Write who may see it: `authScopes: { read: true }`, say.',
  ]);
});

test('O7 the rule of a type is asked at each field that answers it, and is in the table', () => {
  const builder = newBuilder();
  const Ruled = builder.objectRef<{ id: string }>('Ruled');
  builder.node(Ruled, { id: { resolve: ({ id }) => id }, authScopes: { admin: true } });
  builder.queryType({
    fields: (t) => ({
      some: t.field({ type: [Ruled], authScopes: { read: true }, resolve: () => [] }),
    }),
  });
  const schema = builder.toSchema();
  expect(scopesOfType(schema, 'Ruled')).toEqual(['admin']);
  const table = printRules(schema);
  expect(table).toContain('| `some` | `read` and `admin` |');
  expect(table).toContain('| `Ruled` | `admin` |');
});
