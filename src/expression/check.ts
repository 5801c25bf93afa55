import { nearestName } from '../lib/nearest-name.ts';
import { ExpressionError, type ExpressionFailure } from './expression-error.ts';
import { type FunctionSpec, signatureOf } from './function-spec.ts';
import { FUNCTIONS } from './functions.ts';
import { type CallSyntax, partsOf, type Syntax } from './syntax.ts';

/** What an expression is made of, as far as can be told without working it out. */
export interface Uses {
  /** The names it reads, in the order in which they are written, each once. */
  readonly names: readonly string[];
  /** The functions it calls, likewise. */
  readonly functions: readonly string[];
  /** How many parts it has; each is worked out once at most. */
  readonly partCount: number;
}

/** What an expression uses, whether it is there or not. */
export function readUses(syntax: Syntax): Uses {
  const names = new Set<string>();
  const functions = new Set<string>();
  let partCount = 0;
  visit(syntax, (part) => {
    partCount++;
    if (part.kind === 'name') names.add(part.name);
    else if (part.kind === 'call') functions.add(part.name);
  });
  return { names: [...names], functions: [...functions], partCount };
}

/**
 * Checks that all names and functions are there, and that functions get as many arguments as they take.
 * @throws ExpressionError
 */
export function checkUses(
  text: string,
  syntax: Syntax,
  known: ReadonlySet<string> | undefined,
): void {
  const refuse = (reason: ExpressionFailure, position: number, message: string): never => {
    throw new ExpressionError(reason, message, { text, position });
  };
  visit(syntax, (part) => {
    if (part.kind === 'name') checkName(part.name, part.at, known, refuse);
    else if (part.kind === 'call') checkCall(part, refuse);
  });
}

/** Calls `look` with each part of an expression, in the order in which they are written. */
function visit(syntax: Syntax, look: (part: Syntax) => void): void {
  look(syntax);
  for (const part of partsOf(syntax)) visit(part, look);
}

type Refuse = (reason: ExpressionFailure, position: number, message: string) => never;

function checkName(
  name: string,
  at: number,
  known: ReadonlySet<string> | undefined,
  refuse: Refuse,
): void {
  if (known?.has(name) === true) return;
  const spec = FUNCTIONS.get(name);
  if (spec !== undefined) {
    refuse('UNKNOWN_NAME', at, `"${name}" is a function. To call it, write ${signatureOf(spec)}.`);
  }
  if (known === undefined) return;
  const nearest = nearestName(name, known);
  const all = known.size === 0 ? 'There are none here.' : `There are: ${[...known].join(', ')}.`;
  const advice = nearest === undefined ? all : `Did you mean "${nearest}"?`;
  refuse('UNKNOWN_NAME', at, `Unknown name "${name}". ${advice}`);
}

function checkCall({ name, at, arguments: given }: CallSyntax, refuse: Refuse): void {
  const spec = FUNCTIONS.get(name) ?? refuseFunction(name, at, refuse);
  const { least, most } = countParameters(spec);
  if (given.length >= least && given.length <= most) return;
  const few = given.length < least ? 'more' : 'fewer';
  refuse('ARGUMENTS', at, `${name}() takes ${few} values: ${signatureOf(spec)}.`);
}

function refuseFunction(name: string, at: number, refuse: Refuse): never {
  const nearest = nearestName(name, FUNCTIONS.keys());
  const all = `There are: ${[...FUNCTIONS.keys()].join(', ')}.`;
  const advice = nearest === undefined ? all : `Did you mean "${nearest}"?`;
  return refuse('UNKNOWN_FUNCTION', at, `Unknown function "${name}". ${advice}`);
}

function countParameters({ parameters }: FunctionSpec): {
  readonly least: number;
  readonly most: number;
} {
  const needed = parameters.filter(({ isOptional, isRest }) => !isOptional && !isRest).length;
  const hasRest = parameters.some(({ isRest }) => isRest);
  return { least: needed, most: hasRest ? Number.POSITIVE_INFINITY : parameters.length };
}
