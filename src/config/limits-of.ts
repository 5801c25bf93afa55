import type { OperationLimits } from '../graphql/context.ts';
import type { ServerLimits } from '../server/limits.ts';
import { serverLimitOptions } from './limit-options.ts';
import type { Config } from './options.ts';
import type { Settings } from './setting.ts';

/** The limits of clients and connections that somebody said; those of all others the server knows. */
export function serverLimitsOf(settings: Settings): Partial<ServerLimits> {
  const limits = Object.keys(serverLimitOptions) as (keyof ServerLimits)[]; // an option for each, of the same name
  const said = limits.filter((limit) => settings[limit].from !== 'default');
  return Object.fromEntries(said.map((limit) => [limit, settings[limit].value]));
}

/** The limits of one operation. */
export function operationLimitsOf(config: Config): OperationLimits {
  const { maxComplexity: complexity, maxDepth: depth, maxBreadth: breadth } = config;
  return { complexity, depth, breadth };
}
