import { readFile } from 'node:fs/promises';
import {
  type GraphQLField,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  printSchema,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';
import { findUndescribed } from '../../src/graphql/undescribed.ts';

const types = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type));
const fields = types.flatMap((type): [string, GraphQLField<unknown, unknown>][] =>
  isObjectType(type) || isInterfaceType(type)
    ? Object.values(type.getFields()).map((field) => [`${type.name}.${field.name}`, field])
    : [],
);

describe('the schema', () => {
  test('O8 describes everything', () => {
    expect(findUndescribed(schema)).toEqual([]);
  });

  test('O8 what has no description is found', () => {
    const bare = new GraphQLObjectType({
      name: 'Query',
      fields: { some: { type: GraphQLString, args: { key: { type: GraphQLString } } } },
    });
    expect(findUndescribed(new GraphQLSchema({ query: bare }))).toEqual([
      'Query',
      'Query.some',
      'Query.some(key:)',
    ]);
  });

  test('is what schema.graphql says', async () => {
    const path = new URL('../../schema.graphql', import.meta.url);
    expect(await readFile(path, 'utf8')).toBe(`${printSchema(schema)}\n`);
  });

  test('names types PascalCase, fields and arguments camelCase, enum values UPPER_CASE', () => {
    for (const { name } of types) expect(name).toMatch(/^[A-Z][A-Za-z0-9]*$/);
    const names = [
      ...fields.flatMap(([, { name, args }]) => [name, ...args.map((arg) => arg.name)]),
      ...types.filter(isInputObjectType).flatMap((type) => Object.keys(type.getFields())),
    ];
    for (const name of names) expect(name).toMatch(/^[a-z][A-Za-z0-9]*$/);
    for (const { name } of types.filter(isEnumType).flatMap((type) => type.getValues())) {
      expect(name).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
    }
  });

  test('durations end in Ms and are numbers with fractions, moments are DateTime', () => {
    for (const [at, { name, type, description }] of fields) {
      const { name: typeName } = getNamedType(type);
      if (name.endsWith('Ms')) expect([at, typeName]).toEqual([at, 'Float']);
      if (/[a-z]At$/.test(name) || name === 'until')
        expect([at, typeName]).toEqual([at, 'DateTime']);
      if (/^Milliseconds/.test(description ?? '')) expect(at).toMatch(/Ms$/);
    }
  });

  test('no count that can grow without end is an Int', () => {
    // These are bounded: by a slot's length, by a routine's concurrency, by what is kept, or by how often
    // a server is restarted.
    const bounded = new Set([
      'JobOutput.count',
      'JobRecovery.count',
      'JobRecovery.crashCount',
      'JobRoutine.activeCount',
      'SlotQueue.inFlightCount',
      'SlotQueue.peakCount',
      'SlotQueue.totalCount',
      'SlotQueue.unconsumedCount',
      'SlotQueue.waitingOutsideCount',
      'QueueChangedEvent.unconsumedCount',
    ]);
    const counts = fields.filter(([, { name }]) => /count$|^(activation|parent)Ids?$/i.test(name));
    const ints = counts.filter(([, { type }]) => getNamedType(type).name === 'Int');
    expect(ints.map(([at]) => at).filter((at) => !bounded.has(at))).toEqual([]);
  });

  test('each type whose name ends in Connection is a Relay connection, and pages are checked alike', () => {
    for (const type of types) {
      if (!type.name.endsWith('Connection') || !isObjectType(type)) continue;
      expect(Object.keys(type.getFields())).toEqual(
        expect.arrayContaining(['edges', 'nodes', 'pageInfo', 'totalCount']),
      );
    }
    for (const [at, field] of fields) {
      if (!getNamedType(field.type).name.endsWith('Connection')) continue;
      expect([at, field.args.map(({ name }) => name)]).toEqual([
        at,
        expect.arrayContaining(['after', 'before', 'first', 'last']),
      ]);
    }
  });

  test('lists hold no nulls, but for those of `nodes`', () => {
    const loose = fields.filter(([, { type }]) => {
      const list = getNullableType(type);
      return isListType(list) && !isNonNullType(list.ofType);
    });
    expect(loose.map(([at]) => at)).toEqual(['Query.nodes']);
  });

  /** Those that are about nothing that has to be there already. */
  const NAMES_NOTHING = ['addAlertRule', 'addService', 'reportAgentStatus'];

  test('each mutation takes one input and answers a union of its payload and errors', () => {
    const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});
    expect(mutations.length).toBeGreaterThan(0);
    for (const { name, args, type } of mutations) {
      const pascal = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
      expect(args.map((arg) => `${arg.name}: ${arg.type}`)).toEqual([`input: ${pascal}Input!`]);
      expect(String(type)).toBe(`${pascal}Result!`);
      const union = getNamedType(type);
      if (!isUnionType(union)) throw new Error(`${union.name} is no union.`);
      const members = union.getTypes();
      const errors = members.filter((member) =>
        member.getInterfaces().some((each) => each.name === 'Error'),
      );
      expect(members.filter((member) => !errors.includes(member)).map(String)).toEqual([
        `${pascal}Payload`,
      ]);
      if (name === 'renewConnection') continue; // whoever has a connection may, and names nothing else
      const expected = ['ForbiddenError', 'ValidationError'];
      if (!NAMES_NOTHING.includes(name)) expected.push('NotFoundError');
      expect(errors.map(String)).toEqual(expect.arrayContaining(expected));
    }
  });

  test('each subscription says which kind it is, and what is a node has an id', () => {
    for (const { description } of Object.values(schema.getSubscriptionType()?.getFields() ?? {})) {
      expect(description).toMatch(/^Kind: \*(state|events)\*\. /);
    }
    for (const type of types.filter(isObjectType)) {
      const hasId = 'id' in type.getFields();
      expect([type.name, type.getInterfaces().some(({ name }) => name === 'Node')]).toEqual([
        type.name,
        hasId, // a cache takes whatever has an `id` as a thing of its own
      ]);
    }
  });
});
