import type { Run, Work } from './run.ts';

interface Parameter {
  readonly name: string;
  readonly isOptional?: boolean;
  /** It takes all arguments from here on. */
  readonly isRest?: boolean;
}

interface Described {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** One sentence. */
  readonly description: string;
}

/** `at` is where the call is written. Arguments that are left out are undefined. */
type Values = readonly unknown[];

/** A function of the language. */
export type FunctionSpec =
  | (Described & {
      readonly takes: 'a moment';
      call(run: Run, at: number, ...values: Values): unknown;
    })
  | (Described & {
      readonly takes: 'long';
      call(run: Run, at: number, ...values: Values): Work<unknown>;
    });

/** Reads parameters written as people read them: `list, key?, ...others`. */
function readParameters(written: string): readonly Parameter[] {
  if (written === '') return [];
  return written.split(', ').map((name) => ({
    name: name.replace(/^\.\.\.|\?$/g, ''),
    isOptional: name.endsWith('?'),
    isRest: name.startsWith('...'),
  }));
}

/** A function that is done at once: it looks at a few values, not at all of their parts. */
export function quick(
  name: string,
  parameters: string,
  description: string,
  call: (run: Run, at: number, ...values: Values) => unknown,
): FunctionSpec {
  return { name, parameters: readParameters(parameters), description, takes: 'a moment', call };
}

/** A function that takes the longer, the more parts its values have. */
export function long(
  name: string,
  parameters: string,
  description: string,
  call: (run: Run, at: number, ...values: Values) => Work<unknown>,
): FunctionSpec {
  return { name, parameters: readParameters(parameters), description, takes: 'long', call };
}

/** How a call of it is written: `sorted(list, key?, reverse?)`. */
export function signatureOf({ name, parameters }: FunctionSpec): string {
  const written = parameters.map(
    (parameter) =>
      `${parameter.isRest ? '...' : ''}${parameter.name}${parameter.isOptional ? '?' : ''}`,
  );
  return `${name}(${written.join(', ')})`;
}
