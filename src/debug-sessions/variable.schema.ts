import { z } from 'zod';
import type { ScopeName, VariableQuery, VariableReading, Where } from '../debugger/debug-host.ts';
import { builder } from '../graphql/builder.ts';
import { pageComplexity, rangeConnection } from '../graphql/connections.ts';
import type { Context } from '../graphql/context.ts';
import { ValidationError } from '../lib/domain-error.ts';
import { PreviewType } from '../monitoring/trace.schema.ts';

/** The scopes as the API names them. */
const SCOPES = {
  INPUTS: 'inputs',
  OUTPUTS: 'outputs',
  ERROR: 'error',
  CONFIG: 'config',
  STATE: 'state',
  DATA: 'data',
  INPUT: 'input',
} as const satisfies Readonly<Record<string, ScopeName>>;

type VariableScope = keyof typeof SCOPES;

/** A value that can be looked into, and where it is. */
export interface Variable {
  readonly jobId: string;
  readonly where: Where;
  readonly scope: VariableScope;
  readonly reading: VariableReading;
}

export const VariableScopeType = builder.enumType('VariableScope', {
  description: 'What can be looked into while a job stands still.',
  values: {
    INPUTS: { description: 'What the code of the activation gets, by slot.' },
    OUTPUTS: {
      description: 'What the activation emitted that is kept back: a list of `event` and `value`.',
    },
    ERROR: { description: 'What the code of the activation failed with.' },
    CONFIG: { description: 'The configuration of the routine.' },
    STATE: {
      description: 'What the routine keeps from one activation to the next.',
    },
    DATA: { description: 'What the routines of the job share: a map.' },
    INPUT: { description: 'What the job was started with.' },
  } as const,
});

const pathSchema = z
  .array(z.union([z.string(), z.int().min(0)], 'Give a text, or a whole number from 0.'))
  .max(100, 'Give at most 100 keys.');

export const PATH_DESCRIPTION =
  'What leads from the scope to the value, outermost first: each a text, for a key, or a whole number from 0, for a ' +
  'position in a list, a map or a set.';

export const VariableType = builder.objectRef<Variable>('Variable');

VariableType.implement({
  description:
    'A value that can be looked into, part by part, however large it is: nothing more of it is read than is asked for. ' +
    'Secrets are masked.',
  fields: (t) => ({
    name: t.string({
      description: 'Its key in what it is part of; the name of its scope for the whole of it.',
      resolve: ({ reading }) => reading.name,
    }),
    scope: t.expose('scope', { type: VariableScopeType, description: 'What it is found in.' }),
    path: t.field({
      type: ['JSON'],
      description: `${PATH_DESCRIPTION} Empty for the whole of the scope.`,
      resolve: ({ reading }) => [...reading.path],
    }),
    type: t.string({
      description: '`string`, `number`, `list`, `object`, `Map`, the name of a class …',
      resolve: ({ reading }) => reading.type,
    }),
    preview: t.field({
      type: PreviewType,
      description: 'The value.',
      resolve: ({ reading }) => reading.value,
    }),
    childCount: t.field({
      type: 'Count',
      description: 'How many parts it has.',
      resolve: ({ reading }) => reading.childCount,
    }),
    isSecret: t.boolean({
      description: 'Whether it is a secret, so that its value is not shown.',
      resolve: ({ reading }) => reading.isSecret,
    }),
    canSet: t.boolean({
      description: 'Whether `setVariable` can change it.',
      resolve: ({ reading }) => reading.canSet,
    }),
    children: t.connection(
      {
        type: VariableType,
        description: 'Its parts, in order, page by page. Read only when asked for.',
        complexity: pageComplexity,
        resolve: ({ jobId, where, scope, reading }, args, { debug }) => {
          const query = { ...where, scope: SCOPES[scope], path: reading.path };
          return rangeConnection<Variable>(args, {
            name: `parts of ${JSON.stringify([jobId, query])}`,
            count: () => reading.childCount,
            fetch: async (range) => {
              const parts = await debug.readChildren(jobId, query, range);
              return parts.map((part) => ({ jobId, where, scope, reading: part }));
            },
          });
        },
      },
      { name: 'VariableConnection', description: 'A page of the parts of a value.' },
      { name: 'VariableEdge', description: 'A part of a value in a page.' },
    ),
  }),
});

/** Each scope that there is at a place. */
export async function listScopes(jobId: string, where: Where, { debug }: Context) {
  const scopes = await debug.readScopes(jobId, where);
  return scopes.map((reading): Variable => {
    const scope = reading.name.toUpperCase() as VariableScope; // it is the name of a scope
    return { jobId, where, scope, reading };
  });
}

/** What people point at. */
export interface VariableArgs {
  readonly scope: VariableScope;
  readonly path?: readonly unknown[] | null | undefined;
}

/**
 * What a path leads to at a place.
 * @param at where the path stands among the arguments
 * @throws ValidationError when it is no path
 */
export function queryOf(
  where: Where,
  { scope, path }: VariableArgs,
  at: readonly string[] = ['path'],
): VariableQuery {
  const { data, error } = pathSchema.safeParse(path ?? []);
  if (data !== undefined) return { ...where, scope: SCOPES[scope], path: data };
  const issues = (error?.issues ?? []).map((issue) => ({
    path: [...at, ...issue.path.map((key) => (typeof key === 'number' ? key : String(key)))],
    message: issue.message,
  }));
  throw new ValidationError(issues);
}

/** @throws NotFoundError */
export async function findVariable(
  jobId: string,
  where: Where,
  args: VariableArgs,
  { debug }: Context,
): Promise<Variable> {
  const reading = await debug.readVariable(jobId, queryOf(where, args));
  return { jobId, where, scope: args.scope, reading };
}
