import SchemaBuilder, { BasePlugin, type BuildCache, type SchemaTypes } from '@pothos/core';
import COMPLEXITY, { PothosComplexityPlugin } from '@pothos/plugin-complexity';
import type { GraphQLFieldResolver } from 'graphql';

export const SUBSCRIBE_LIMITS = 'subscribeLimits';

declare global {
  export namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      [SUBSCRIBE_LIMITS]: SubscribeLimitsPlugin<Types>;
    }
  }
}

/**
 * Refuses subscriptions that cost too much when they are subscribed to. The complexity plugin, whose options it
 * shares, looks at them only when an event is resolved: the client would get an error for each event instead.
 */
class SubscribeLimitsPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  readonly #complexity: PothosComplexityPlugin<Types>;

  constructor(buildCache: BuildCache<Types>, name: typeof SUBSCRIBE_LIMITS) {
    super(buildCache, name);
    this.#complexity = new PothosComplexityPlugin(buildCache, COMPLEXITY);
  }

  override wrapSubscribe(
    subscribe: GraphQLFieldResolver<unknown, Types['Context'], object> | undefined,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> | undefined {
    if (subscribe === undefined) return undefined;
    return (parent, args, context, info) => {
      this.#complexity.checkComplexity(context, info);
      return subscribe(parent, args, context, info);
    };
  }
}

SchemaBuilder.registerPlugin(SUBSCRIBE_LIMITS, SubscribeLimitsPlugin);
