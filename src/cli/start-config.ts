import { z } from 'zod';
import { UsageError } from './command.ts';

const startConfig = z.object({
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
});

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
}

/** The environment variable that stands in for an option that was not given. */
const VARIABLES = {
  flows: 'MILLRACE_FLOWS',
  host: 'MILLRACE_HOST',
  port: 'MILLRACE_PORT',
  'known-hosts': 'MILLRACE_KNOWN_HOSTS',
} as const;

/** Options from the command line, else from the environment, else defaults. @throws UsageError with every fault */
export function readStartConfig(
  options: Readonly<Record<string, string | boolean | undefined>>,
  environment: Readonly<Record<string, string | undefined>>,
): StartConfig {
  const given: Record<string, unknown> = { ...options };
  for (const [option, variable] of Object.entries(VARIABLES)) {
    const value = environment[variable];
    if (value !== undefined && value !== '') given[option] ??= value;
  }
  const { success, data, error } = startConfig.safeParse(given);
  if (!success) {
    const faults = error.issues.map(({ path: [option], message }) => {
      const name = String(option);
      const variable = Object.entries(VARIABLES).find(([each]) => each === name)?.[1];
      const source = options[name] === undefined && variable !== undefined ? variable : `--${name}`;
      return `${source} is ${JSON.stringify(given[name])} and ${message}.`;
    });
    throw new UsageError(faults.join(' '));
  }
  const { flows, host, port, 'read-only': isReadOnly, 'known-hosts': knownHosts } = data;
  return { flows, host, port, isReadOnly, knownHosts };
}
