import { z } from 'zod';
import type { RetentionOptions } from '../jobs/retention.ts';
import { DATABASE_VARIABLES, databaseShape, databaseUrl } from './database-config.ts';
import { KEEP_FORM, readKeepLimits } from './keep-limits.ts';
import { readOptions } from './read-options.ts';

const startShape = {
  flows: z.string().min(1, 'must name a directory').optional(),
  host: z.string().min(1, 'must name an address').default('127.0.0.1'),
  port: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a whole number from 0 to 65535')
    .transform(Number)
    .refine((port) => port <= 65_535, 'must be a whole number from 0 to 65535')
    .default(4000),
  'known-hosts': z
    .string()
    .transform((list) =>
      list
        .toLowerCase()
        .split(',')
        .map((name) => name.trim()),
    )
    .default([]),
  'read-only': z.boolean().default(false),
  evaluation: z.enum(['on', 'off'], 'must be on or off').default('off'),
  keep: z
    .string()
    .transform((text, context) => {
      const limits = readKeepLimits(text);
      if (limits !== undefined) return limits;
      context.addIssue({ code: 'custom', message: KEEP_FORM });
      return z.NEVER;
    })
    .default({}),
  ...databaseShape,
};

/** What `millrace start` was told. */
export interface StartConfig {
  /** Directory of the flows; `undefined` for the examples of the package. */
  readonly flows: string | undefined;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly isReadOnly: boolean;
  /** Names besides addresses and `localhost` that browsers may reach the server by. */
  readonly knownHosts: readonly string[];
  /** The database that jobs are kept in. */
  readonly database: string;
  /** Whether people may evaluate expressions in jobs. */
  readonly isEvaluationOn: boolean;
  /** What is kept for how long. */
  readonly retention: RetentionOptions;
}

/** The environment variable that stands in for an option that was not given. */
const VARIABLES = {
  flows: 'MILLRACE_FLOWS',
  host: 'MILLRACE_HOST',
  port: 'MILLRACE_PORT',
  'known-hosts': 'MILLRACE_KNOWN_HOSTS',
  evaluation: 'MILLRACE_EVALUATION',
  keep: 'MILLRACE_KEEP',
  ...DATABASE_VARIABLES,
} as const;

/** Options from the command line, else from the environment, else defaults. @throws UsageError with every fault */
export function readStartConfig(
  options: Readonly<Record<string, string | boolean | undefined>>,
  environment: Readonly<Record<string, string | undefined>>,
): StartConfig {
  const data = readOptions(startShape, VARIABLES, options, environment);
  const { flows, host, port, 'read-only': isReadOnly, 'known-hosts': knownHosts } = data;
  const { keep: retention } = data;
  const isEvaluationOn = data.evaluation === 'on';
  const database = databaseUrl(data);
  return { flows, host, port, isReadOnly, knownHosts, database, isEvaluationOn, retention };
}
