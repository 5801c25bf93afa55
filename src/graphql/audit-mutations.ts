import SchemaBuilder, {
  BasePlugin,
  type PothosOutputFieldConfig,
  type SchemaTypes,
} from '@pothos/core';
import { errorTypeMap } from '@pothos/plugin-errors';
import type { GraphQLFieldResolver } from 'graphql';
import type { Context } from './context.ts';

export const AUDIT_MUTATIONS = 'auditMutations';

/**
 * Extensions of a mutation that tells what happened elsewhere, again and again: of it only what was refused or failed is
 * written, as the rest would push out what people did.
 */
export const TELLS_ONLY = { tellsOnly: true } as const;

declare global {
  export namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      [AUDIT_MUTATIONS]: AuditMutationsPlugin<Types>;
    }
  }
}

/** What this needs of the context of an operation. */
type AuditContext = Pick<Context, 'audit' | 'viewer'>;

/**
 * Writes every field of the mutation type to the audit log: there is nothing to do for a new one. It must be the first
 * of the plugins, so that it also sees what they refuse: for want of a right, for arguments that are not valid, for cost.
 * Of those that only tell ({@link TELLS_ONLY}) it writes what did not succeed.
 *
 * Not seen are requests that never become a mutation: those that can't be parsed, or do not fit the schema.
 */
class AuditMutationsPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  // Around the mapping of arguments too, where they are validated.
  override wrapArgMappers(
    resolve: GraphQLFieldResolver<unknown, Types['Context'], object> | undefined,
    { kind, name, extensions }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> | undefined {
    if (resolve === undefined || kind !== 'Mutation') return resolve;
    const { tellsOnly = false } = (extensions ?? {}) as Partial<typeof TELLS_ONLY>;
    return async (parent, args, context, info) => {
      const { audit, viewer } = context as AuditContext; // what the builder of the API declares
      const { subject, address } = viewer;
      const change = audit.begin({ operation: name, arguments: args, actor: subject, address });
      let answer: unknown;
      try {
        answer = await resolve(parent, args, context, info);
      } catch (error) {
        await change.threw(error);
        throw error;
      }
      if (answer instanceof Error) await change.threw(answer);
      else if (isExpectedError(answer)) await change.refused(answer);
      else if (!tellsOnly) await change.succeeded(answer);
      return answer;
    };
  }
}

/** Whether it is an error that the errors plugin answers as a member of the field's union. */
function isExpectedError(answer: unknown): answer is { code: string; message: string } {
  return typeof answer === 'object' && answer !== null && errorTypeMap.has(answer);
}

SchemaBuilder.registerPlugin(AUDIT_MUTATIONS, AuditMutationsPlugin);
