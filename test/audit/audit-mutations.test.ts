import SchemaBuilder from '@pothos/core';
import ErrorsPlugin from '@pothos/plugin-errors';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import ValidationPlugin from '@pothos/plugin-validation';
import {
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  graphql,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { createAuditLog } from '../../src/audit/audit-log.ts';
import type { Change } from '../../src/debugger/debug-host.ts';
import { AUDIT_MUTATIONS } from '../../src/graphql/audit-mutations.ts';
import { schema as api } from '../../src/graphql/schema.ts';
import { ForbiddenError, NotFoundError, ValidationError } from '../../src/lib/domain-error.ts';
import { DEFAULT_TENANT, type Scope } from '../../src/lib/identity.ts';
import { openDatabase } from '../../src/storage/open-database.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** An audit log, and the context of somebody whose changes are written to it. */
async function openAudit({ canControl = true } = {}) {
  const database = await openDatabase('sqlite::memory:');
  onTestFinished(() => database.close());
  const clock = new ManualClock();
  const faults: unknown[] = [];
  const logger = { error: (facts: object) => faults.push(facts) };
  const audit = createAuditLog({ database, clock, logger }).forTenant(DEFAULT_TENANT);
  const scopes = new Set<Scope>(canControl ? ['read', 'control'] : []);
  const viewer = { scopes, tenant: DEFAULT_TENANT, subject: 'ann', address: '192.0.2.7' };
  const limits = { complexity: 10_000, depth: 15, breadth: 500 };
  return {
    database,
    faults,
    context: { audit, viewer, limits, now: () => clock.now() },
    entries: async () =>
      (await audit.list({ filter: {}, limit: 1_000, fromEnd: true })).toReversed(),
  };
}

const EDIT: Change = {
  before: { text: '{"password":"hunter2"}', isTruncated: false },
  after: { text: '7', isTruncated: false },
};

type TestContext = Awaited<ReturnType<typeof openAudit>>['context'];

/** A mutation that does what it is told, with the plugins of the API in the order they have there. */
function buildSchema(): GraphQLSchema {
  const builder = new SchemaBuilder<{
    Context: TestContext;
    AuthScopes: { control: boolean };
    DefaultAuthStrategy: 'all';
  }>({
    plugins: [AUDIT_MUTATIONS, ErrorsPlugin, ScopeAuthPlugin, ValidationPlugin],
    errors: { defaultTypes: [], directResult: true },
    scopeAuth: {
      defaultStrategy: 'all',
      authScopes: ({ viewer }) => ({ control: viewer.scopes.has('control') }),
      unauthorizedError: (_parent, _context, info) => new ForbiddenError(info.fieldName),
    },
    validation: {
      validationError: ({ issues }) =>
        new ValidationError(issues.map(({ message }) => ({ path: [], message }))),
    },
  });
  const ofError = (type: typeof NotFoundError | typeof ForbiddenError, name: string) =>
    builder.objectType(type as typeof NotFoundError, {
      name,
      fields: (t) => ({ code: t.string({ resolve: ({ code }) => code }) }),
    });
  ofError(NotFoundError, 'NotFoundError');
  ofError(ForbiddenError, 'ForbiddenError');
  const Payload = builder.objectRef<{ job: { id: string }; change?: Change }>('Payload');
  Payload.implement({ fields: (t) => ({ id: t.string({ resolve: ({ job }) => job.id }) }) });
  const Input = builder.inputType('Input', {
    fields: (t) => ({ jobId: t.string(), then: t.string(), password: t.string() }),
  });
  let reads = 0;
  builder.queryType({ fields: (t) => ({ reads: t.int({ resolve: () => ++reads }) }) });
  builder.mutationType({
    fields: (t) => ({
      act: t.field({
        type: Payload,
        authScopes: { control: true },
        errors: { types: [NotFoundError, ForbiddenError] },
        args: {
          input: t.arg({ type: Input, required: true }),
          count: t.arg.int({ validate: z.number().max(3) }),
        },
        resolve: (_root, { input: { then } }) => {
          if (then === 'gone') throw new NotFoundError('Job', 'gone');
          if (then === 'break') throw new TypeError('hunter2 broke it');
          if (then === 'give') return new TypeError('hunter2 is given') as never;
          if (then === 'edit') return { job: { id: 'made' }, change: EDIT };
          return { job: { id: 'made' } };
        },
      }),
    }),
  });
  return builder.toSchema();
}

describe('every mutation is audited', () => {
  const act = (contextValue: TestContext, source: string) =>
    graphql({ schema: buildSchema(), source: `mutation { ${source} }`, contextValue });

  test('one that is done, with what it made', async () => {
    const { context, entries } = await openAudit();
    const { data } = await act(
      context,
      'act(input: { jobId: "Job:asked", password: "hunter2" }) { ... on Payload { id } }',
    );
    expect(data).toEqual({ act: { id: 'made' } });
    expect(await entries()).toMatchObject([
      {
        operation: 'act',
        actor: 'ann',
        address: '192.0.2.7',
        outcome: 'SUCCEEDED',
        errorCode: undefined,
        target: 'Job:made',
        arguments: '{"input":{"jobId":"Job:asked","password":"***"}}',
      },
    ]);
  });

  test('O2 an edit, with what was there before and after', async () => {
    const { context, entries } = await openAudit();
    await act(context, 'act(input: { then: "edit" }) { __typename }');
    await act(context, 'act(input: {}) { __typename }');
    expect(await entries()).toMatchObject([
      { outcome: 'SUCCEEDED', changes: { before: '{"password":"***"}', after: '7' } },
      { outcome: 'SUCCEEDED', changes: undefined },
    ]);
  });

  test('one that is answered with an error that can be expected, or is refused before it runs', async () => {
    const allowed = await openAudit();
    const { data } = await act(
      allowed.context,
      'act(input: { jobId: "Job:asked", then: "gone" }) { __typename }',
    );
    expect(data).toEqual({ act: { __typename: 'NotFoundError' } });
    await act(allowed.context, 'act(input: { jobId: "Job:asked" }, count: 4) { __typename }');
    expect(await allowed.entries()).toMatchObject([
      { outcome: 'REFUSED', errorCode: 'NOT_FOUND', target: 'Job:asked' },
      { outcome: 'REFUSED', errorCode: 'VALIDATION_FAILED', target: 'Job:asked' },
    ]);
    const barred = await openAudit({ canControl: false });
    await act(barred.context, 'act(input: {}) { __typename }');
    expect(await barred.entries()).toMatchObject([
      { outcome: 'REFUSED', errorCode: 'FORBIDDEN', target: undefined },
    ]);
  });

  test('one that fails in a way that nobody expects; its error is as it was', async () => {
    const { context, entries } = await openAudit();
    const results = [
      await act(context, 'act(input: { then: "break" }) { __typename }'),
      await act(context, 'act(input: { then: "give" }) { __typename }'),
    ];
    for (const { errors = [] } of results) {
      expect(errors.map(({ originalError }) => originalError)).toMatchObject([
        { message: expect.stringMatching(/^hunter2/) },
      ]);
    }
    const written = await entries();
    expect(written).toMatchObject([{ outcome: 'FAILED' }, { outcome: 'FAILED' }]);
    expect(JSON.stringify(written)).not.toContain('hunter2');
  });

  test('each of several in one operation; queries are not', async () => {
    const { context, entries } = await openAudit();
    await act(context, 'a: act(input: {}) { __typename } b: act(input: {}) { __typename }');
    await graphql({ schema: buildSchema(), source: '{ reads }', contextValue: context });
    expect(await entries()).toHaveLength(2);
  });

  test('it is answered when its entry is written, or can not be', async () => {
    const { context, entries, database, faults } = await openAudit();
    await act(context, 'act(input: {}) { __typename }');
    expect(await entries()).toHaveLength(1);
    await database.close();
    const { data } = await act(context, 'act(input: {}) { __typename }');
    expect(data).toEqual({ act: { __typename: 'Payload' } });
    expect(faults).toHaveLength(1);
  });

  const mutations = Object.values(api.getMutationType()?.getFields() ?? {});
  test.each(mutations.map(({ name }) => name))('%s of the API', async (name) => {
    const { context, entries } = await openAudit({ canControl: false });
    const [arg] = mutations.find((field) => field.name === name)?.args ?? [];
    if (arg === undefined) throw new Error(`${name} has no argument.`);
    const result = await graphql({
      schema: api,
      source: `mutation ($input: ${arg.type}) { ${name}(input: $input) { __typename } }`,
      variableValues: { input: exampleOf(arg.type) },
      contextValue: context,
    });
    const [__typename, errorCode] = OPEN[name] ?? ['ForbiddenError', 'FORBIDDEN'];
    expect(result).toEqual({ data: { [name]: { __typename } } });
    const [entry, ...others] = await entries();
    expect(entry).toMatchObject({ operation: name, outcome: 'REFUSED', errorCode, actor: 'ann' });
    expect(others).toEqual([]);
    if (name in OPEN) expect(entry?.arguments).toBe('{"input":{"token":"***"}}');
  });
});

/** Mutations that need no scope, and what they refuse here. */
const OPEN: Readonly<Record<string, readonly [string, string]>> = {
  renewConnection: ['NotRenewableError', 'NOT_RENEWABLE'],
};

/** A value of an input type with nothing in it that is not required. */
function exampleOf(type: GraphQLInputType): unknown {
  const inner = getNullableType(type);
  if (isListType(inner)) return [];
  if (isEnumType(inner)) return inner.getValues()[0]?.name;
  if (['Int', 'Count', 'Float'].includes(String(inner))) return 7;
  if (String(inner) === 'Boolean') return true;
  if (String(inner) === 'DateTime') return '2026-01-01T00:00:00Z';
  if (!isInputObjectType(inner)) return '7';
  return Object.fromEntries(
    Object.values(inner.getFields())
      .filter((field) => isNonNullType(field.type) && field.defaultValue === undefined)
      .map((field) => [field.name, exampleOf(field.type)]),
  );
}
