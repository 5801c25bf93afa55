import SchemaBuilder from '@pothos/core';
import ComplexityPlugin from '@pothos/plugin-complexity';
import DataloaderPlugin from '@pothos/plugin-dataloader';
import ErrorsPlugin from '@pothos/plugin-errors';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin, { type AuthFailure } from '@pothos/plugin-scope-auth';
import ValidationPlugin from '@pothos/plugin-validation';
import type { GraphQLSchema } from 'graphql';
import { z } from 'zod';
import { ForbiddenError, NotFoundError, ValidationError } from '../lib/domain-error.ts';
import type { Scope } from '../lib/identity.ts';
import { AUDIT_MUTATIONS } from './audit-mutations.ts';
import type { Context, OperationLimits, Viewer } from './context.ts';
import { decodeId, encodeId } from './ids.ts';
import { REQUIRE_RULES } from './require-rules.ts';
import { LET_IN, scopesOfType } from './rules.ts';
import { SUBSCRIBE_LIMITS } from './subscribe-limits.ts';
import { tooCostly } from './too-costly.ts';

export interface ApiTypes {
  Context: Context;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: false;
  DefaultNodeNullability: false;
  DefaultAuthStrategy: 'all';
  AuthScopes: Record<Scope, boolean>;
  Connection: { readonly totalCount: () => number | Promise<number> };
  Scalars: {
    ID: { Input: string; Output: string | number };
    /** Milliseconds since the Unix epoch inside, RFC 3339 text outside. */
    DateTime: { Input: number; Output: number };
    JSON: { Input: unknown; Output: unknown };
    Count: { Input: number; Output: number };
  };
}

/** Why somebody may not see a node of a type; `undefined` when they may. */
function refusalOf(
  { typename }: { readonly typename: string },
  { scopes }: Viewer,
  schema: GraphQLSchema,
): ForbiddenError | undefined {
  const missing = scopesOfType(schema, typename).find((scope) => !scopes.has(scope));
  return missing && new ForbiddenError(typename, missing);
}

/** The first scope that somebody lacks. */
function missingScope(failure: AuthFailure): string | undefined {
  if ('scope' in failure) return failure.scope;
  return 'failures' in failure ? failure.failures.map(missingScope).find(Boolean) : undefined;
}

/**
 * The builder that all `schema.ts` files describe the API with. It holds descriptions only: what runs comes with
 * the context of each operation.
 */
export const builder = new SchemaBuilder<ApiTypes>({
  // The audit comes first, so that it sees what all others refuse. Errors come next, so that what the plugins after
  // them refuse is answered as the field declares.
  plugins: [
    AUDIT_MUTATIONS,
    ErrorsPlugin,
    ScopeAuthPlugin,
    REQUIRE_RULES,
    RelayPlugin,
    DataloaderPlugin,
    ComplexityPlugin,
    SUBSCRIBE_LIMITS,
    ValidationPlugin,
  ],
  defaultFieldNullability: false,
  errors: { defaultTypes: [], directResult: true },
  scopeAuth: {
    defaultStrategy: 'all',
    authorizeOnSubscribe: true,
    authScopes: ({ viewer }) => ({
      read: viewer.scopes.has('read'),
      control: viewer.scopes.has('control'),
      debug: viewer.scopes.has('debug'),
      evaluate: viewer.scopes.has('evaluate'),
      ingest: viewer.scopes.has('ingest'),
      admin: viewer.scopes.has('admin'),
    }),
    unauthorizedError: (_parent, _context, { fieldName }, { failure }) =>
      new ForbiddenError(fieldName, missingScope(failure)),
  },
  relay: {
    encodeGlobalID: encodeId,
    decodeGlobalID: (id) => decodeId(id, ['id']),
    cursorType: 'String',
    nodesOnConnection: {
      description: 'The elements of this page, without their cursors.',
      complexity: { field: 1, multiplier: 1 },
    },
    nodeTypeOptions: { description: 'Something with an id by which it can be fetched again.' },
    nodeFieldOptions: { description: 'The element itself.' },
    edgesFieldOptions: {
      description: 'The elements of this page, with their cursors.',
      complexity: { field: 1, multiplier: 1 },
    },
    cursorFieldOptions: { description: 'The place of this element, for `after` and `before`.' },
    pageInfoFieldOptions: { description: 'What lies before and behind this page.' },
    pageInfoTypeOptions: { description: 'What lies before and behind a page of a list.' },
    hasNextPageFieldOptions: { description: 'Whether there is more behind this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether there is more before this page.' },
    startCursorFieldOptions: { description: 'The cursor of the first element of this page.' },
    endCursorFieldOptions: { description: 'The cursor of the last element of this page.' },
    idFieldOptions: {
      description: 'Names this among everything there is, by its type and a name.',
    },
    firstArgOptions: { description: 'How many to give, from the beginning: 1–1000. Default 100.' },
    lastArgOptions: { description: 'How many to give, from the end: 1–1000.' },
    afterArgOptions: { description: 'Only what comes after this cursor.' },
    beforeArgOptions: { description: 'Only what comes before this cursor.' },
    nodeQueryOptions: {
      description:
        'Fetches anything by its id. Null with an error of code `NOT_FOUND` when nothing has it.',
      authScopes: LET_IN, // and what the type of the node asks for
      args: { id: { description: 'The id, such as `Flow:articles`.' } },
      resolve: async (_root, { id }, { viewer }, { schema }, resolveNode) =>
        refusalOf(id, viewer, schema) ??
        (await resolveNode(id)) ??
        new NotFoundError(id.typename, id.id),
    },
    nodesQueryOptions: {
      description:
        'Fetches several things by their ids, in the order of the ids. Null with an error of code `NOT_FOUND` where ' +
        'nothing has the id. This is how the whole picture of several jobs is had in one request.',
      authScopes: LET_IN, // and what the types of the nodes ask for
      args: {
        ids: {
          description: 'The ids, at most 1000.',
          validate: z.array(z.unknown()).max(1000, 'Give at most 1000 ids.'),
        },
      },
      resolve: async (_root, { ids }, { viewer }, { schema }, resolveNodes) => {
        const refusals = ids.map((id) => refusalOf(id, viewer, schema));
        if (!refusals.includes(undefined)) return refusals;
        const found = await resolveNodes(ids);
        return ids.map(
          async ({ typename, id }, at) =>
            refusals[at] ?? (await found[at]) ?? new NotFoundError(typename, id),
        );
      },
      complexity: ({ ids }: { ids?: unknown[] | null }) => ({
        field: 1,
        multiplier: ids?.length ?? 1,
      }),
    },
  },
  complexity: {
    // What the server has measured already is within the limits.
    limit: ({ limits, cost }) => (cost === undefined ? limits : {}),
    complexityError: (kind, { maxComplexity, maxDepth, maxBreadth, ...size }, { operation }) =>
      tooCostly(
        kind,
        size,
        { complexity: maxComplexity, depth: maxDepth, breadth: maxBreadth } as OperationLimits, // those of `limit`
        operation.name?.value,
      ),
  },
  validation: {
    validationError: ({ issues }) =>
      new ValidationError(
        issues.map(({ path = [], message }) => ({
          path: path.map((key) => String(typeof key === 'object' ? key.key : key)),
          message,
        })),
      ),
  },
});

builder.queryType({ description: 'What can be asked.' });
builder.mutationType({
  description:
    'What can be done. Each mutation answers with what it did, or the errors one can expect.',
});
builder.subscriptionType({
  description:
    'What can be watched, over WebSocket (graphql-transport-ws) or server-sent events. Each subscription says which ' +
    'kind it is: *state* (the present state first, then the latest, merged) or *events* (every one, in order).',
});

builder.globalConnectionField('totalCount', (t) =>
  t.field({
    type: 'Count',
    description: 'How many elements the whole list has. Worked out only when asked for.',
    resolve: ({ totalCount }) => totalCount(),
  }),
);
