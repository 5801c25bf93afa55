import { GraphQLError, GraphQLScalarType, Kind, print, type ValueNode } from 'graphql';
import { GraphQLJSON, GraphQLSafeInt } from 'graphql-scalars';
import { z } from 'zod';
import { formatDateTime } from '../lib/date-time.ts';
import { builder } from './builder.ts';

const dateTime = z.iso.datetime({ offset: true });

function parseDateTime(value: unknown): number {
  const { data } = dateTime.safeParse(typeof value === 'string' ? value.toUpperCase() : value);
  if (data !== undefined) return Date.parse(data);
  throw new GraphQLError(
    `${JSON.stringify(value)} is not a DateTime. Write RFC 3339, such as "2026-01-31T12:00:00Z".`,
    { extensions: { code: 'BAD_USER_INPUT' } },
  );
}

// Inside, times are numbers; the scalar of graphql-scalars would make a Date of each.
builder.addScalarType(
  'DateTime',
  new GraphQLScalarType<number, string>({
    name: 'DateTime',
    description: 'A moment, as RFC 3339 text in UTC with milliseconds: `2026-01-31T12:00:00.000Z`.',
    specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
    serialize: (value) => formatDateTime(Number(value)),
    parseValue: parseDateTime,
    parseLiteral: (node: ValueNode) =>
      parseDateTime(node.kind === Kind.STRING ? node.value : print(node)),
  }),
);

builder.addScalarType(
  'JSON',
  new GraphQLScalarType({
    ...GraphQLJSON.toConfig(),
    description: 'Any value that JSON can write: object, list, text, number, boolean or null.',
  }),
);

builder.addScalarType(
  'Count',
  new GraphQLScalarType({
    ...GraphQLSafeInt.toConfig(),
    name: 'Count',
    description:
      'A whole number from 0 to 9,007,199,254,740,991 (2^53 − 1), for counts that outgrow an `Int`.',
  }),
);
