import SchemaBuilder, {
  BasePlugin,
  type BuildCache,
  type PothosOutputFieldConfig,
  type PothosOutputFieldType,
  type PothosTypeConfig,
  type SchemaTypes,
} from '@pothos/core';
import {
  type GraphQLFieldResolver,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { ForbiddenError } from '../lib/domain-error.ts';
import type { Scope } from '../lib/identity.ts';
import { findForbidden } from './find-forbidden.ts';
import { LET_IN, type Rule, type RuleOfArguments, scopesOfType, TYPE_SCOPES } from './rules.ts';

export const REQUIRE_RULES = 'requireRules';

/** The fields that answer any node. They ask the rule of its type themselves, since only they know which it is. */
const ASK_THE_TYPE: ReadonlySet<string> = new Set(['Query.node', 'Query.nodes']);

declare global {
  export namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      [REQUIRE_RULES]: RequireRulesPlugin<Types>;
    }
  }
}

/**
 * Fails the build of a schema in which a root field or a type of node has no `authScopes`, so that a new one can't be open
 * by accident.
 *
 * The rule of a type is asked at the fields that answer it, wherever they are; not at each of its own fields, which
 * would cost a page of a hundred jobs a hundred times as much. A mutation whose answer is to hold what its viewer may not
 * see is refused before anything is done.
 */
class RequireRulesPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  readonly #missing: string[] = [];
  readonly #cache: BuildCache<Types>;

  constructor(buildCache: BuildCache<Types>, name: typeof REQUIRE_RULES) {
    super(buildCache, name);
    this.#cache = buildCache;
  }

  // Taken away from the options, where the scope-auth plugin would ask it at each field of the type.
  override onTypeConfig(config: PothosTypeConfig): PothosTypeConfig {
    if (config.kind !== 'Object') return config;
    const { authScopes, ...pothosOptions } = config.pothosOptions;
    if (authScopes === undefined) return config;
    // The options of an object all but that one, which can be left out.
    return {
      ...config,
      pothosOptions: pothosOptions as typeof config.pothosOptions,
      extensions: { ...config.extensions, [TYPE_SCOPES]: Object.keys(authScopes) },
    };
  }

  override onOutputFieldConfig(
    config: PothosOutputFieldConfig<Types>,
  ): PothosOutputFieldConfig<Types> {
    const { kind, name, parentType, type, pothosOptions } = config;
    const own: unknown = pothosOptions.authScopes;
    const isRoot = kind === 'Query' || kind === 'Mutation' || kind === 'Subscription';
    if (isRoot && !isRule(own)) {
      this.#missing.push(
        `The field ${parentType}.${name} has no rule. Write who may use it: \`authScopes: { read: true }\`, say, or ` +
          '`authScopes: LET_IN` for everybody who is let in.',
      );
    }
    const ofType = this.#scopesOf(type);
    if (ofType.length === 0) return config;
    const authScopes = joinRules((own ?? {}) as Rule | RuleOfArguments, ofType);
    const joined = { ...config, pothosOptions: { ...pothosOptions, authScopes } };
    return joined as PothosOutputFieldConfig<Types>; // with a rule in the form that the scope-auth plugin takes
  }

  override wrapResolve(
    resolve: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { kind }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if (kind !== 'Mutation') return resolve;
    return (parent, args, context, info) => {
      const { viewer } = context as { viewer: { scopes: ReadonlySet<Scope> } }; // what the builder of the API declares
      const forbidden = findForbidden(info, viewer.scopes);
      if (forbidden) throw new ForbiddenError(forbidden.field, forbidden.scope);
      return resolve(parent, args, context, info);
    };
  }

  override afterBuild(schema: GraphQLSchema): GraphQLSchema {
    const problems = [...this.#missing];
    for (const type of Object.values(schema.getTypeMap())) {
      if (!isObjectType(type) && !isInterfaceType(type)) continue;
      const isNode = type.getInterfaces().some(({ name }) => name === 'Node');
      if (isObjectType(type) && isNode && scopesOfType(schema, type.name).length === 0) {
        problems.push(
          `The type ${type.name} is a node and has no rule. Write who may see it: \`authScopes: { read: true }\`, say.`,
        );
      }
      for (const field of Object.values(type.getFields())) {
        const answered = getNamedType(field.type);
        const place = `${type.name}.${field.name}`;
        if (!isAbstractType(answered) || ASK_THE_TYPE.has(place)) continue;
        const ruled = schema
          .getPossibleTypes(answered)
          .filter(({ name }) => scopesOfType(schema, name).length > 0);
        if (ruled.length > 0) {
          problems.push(
            `The field ${place} answers a ${answered.name}, which may be a ${ruled[0]?.name}, a type with a rule. ` +
              'Nobody would ask the rule: answer that type itself.',
          );
        }
      }
    }
    if (problems.length > 0) throw new Error(problems.join('\n'));
    return schema;
  }

  #scopesOf(type: PothosOutputFieldType<Types>): readonly Scope[] {
    if (type.kind === 'List') return this.#scopesOf(type.type);
    if (type.kind !== 'Object') return [];
    const { [TYPE_SCOPES]: scopes = [] } = this.#cache.getTypeConfig(type.ref).extensions ?? {};
    return scopes as readonly Scope[]; // set above
  }
}

/** Whether it was said who may: an empty rule says so only if it is `LET_IN`. */
function isRule(rule: unknown): boolean {
  if (rule === LET_IN || typeof rule === 'function') return true;
  return typeof rule === 'object' && rule !== null && Object.values(rule).includes(true);
}

function joinRules(own: Rule | RuleOfArguments, scopes: readonly Scope[]): Rule | RuleOfArguments {
  const more: Rule = Object.fromEntries(scopes.map((scope) => [scope, true]));
  return typeof own === 'function'
    ? (...args) => ({ ...own(...args), ...more })
    : { ...own, ...more };
}

SchemaBuilder.registerPlugin(REQUIRE_RULES, RequireRulesPlugin);
