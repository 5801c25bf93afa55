import { z } from 'zod';
import { UsageError } from './command.ts';

/**
 * Options from the command line, else from the environment, else defaults.
 * @param variables the environment variable that stands in for an option that was not given
 * @throws UsageError with every fault
 */
export function readOptions<Shape extends z.ZodRawShape>(
  shape: Shape,
  variables: Readonly<Record<string, string>>,
  options: Readonly<Record<string, string | boolean | undefined>>,
  environment: Readonly<Record<string, string | undefined>>,
): z.output<z.ZodObject<Shape>> {
  const given: Record<string, unknown> = { ...options };
  for (const [option, variable] of Object.entries(variables)) {
    const value = environment[variable];
    if (value !== undefined && value !== '') given[option] ??= value;
  }
  const { success, data, error } = z.object(shape).safeParse(given);
  if (success) return data;
  const faults = error.issues.map(({ path: [option], message }) => {
    const name = String(option);
    const variable = variables[name];
    const source = options[name] === undefined && variable !== undefined ? variable : `--${name}`;
    // A URL may hold a password.
    const value = JSON.stringify(given[name]).replace(/:\/\/[^@]*@/, '://…@');
    return `${source} is ${value} and ${message}.`;
  });
  throw new UsageError(faults.join(' '));
}
