import { listElements } from './elements.ts';
import { type FunctionSpec, long, quick } from './function-spec.ts';
import { compareOrder } from './ordering.ts';
import type { Run, Work } from './run.ts';
import { requireSmall } from './text-of.ts';
import { aType, isTrue } from './values.ts';

/** @throws ExpressionError when the value is no number */
export function requireNumber(run: Run, at: number, value: unknown, by: string): number {
  if (typeof value === 'number') return value;
  const advice = typeof value === 'bigint' ? ' Make it a number with float(…) or int(…).' : '';
  return run.fail('TYPE', at, `${by} needs a number, not ${aType(value)}.${advice}`);
}

const INTEGER = /^[+-]?\d{1,400}$/;
const DECIMAL = /^[+-]?(?:\d{1,400}\.?\d{0,400}|\.\d{1,400})(?:e[+-]?\d{1,4})?$/i;
const NO_DIGITS = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i;
/** What can be a number in a text is no longer; a longer one is not looked at. */
const LONGEST_NUMBER = 1_000;

function readNumber(run: Run, at: number, value: unknown, by: 'int' | 'float'): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') return Number(requireSmall(run, at, value));
  if (typeof value !== 'string') {
    return run.fail('TYPE', at, `${by}() can't make a number of ${aType(value)}.`);
  }
  const written = value.length > LONGEST_NUMBER ? '' : value.trim();
  const [, sign, nan] = (by === 'float' && NO_DIGITS.exec(written)) || [];
  if (sign !== undefined) return Number(`${sign}${nan === undefined ? 'Infinity' : 'NaN'}`);
  if ((by === 'int' ? INTEGER : DECIMAL).test(written)) return Number(written);
  const shown = JSON.stringify(value.slice(0, 40));
  const what = by === 'int' ? 'a whole number' : 'a number';
  return run.fail('TYPE', at, `${by}() can't read ${what} from the text ${shown}.`);
}

function toInteger(run: Run, at: number, value: unknown): number {
  const number = readNumber(run, at, value, 'int');
  if (Number.isFinite(number)) return Math.trunc(number) + 0;
  return run.fail('TYPE', at, `int() can't make a whole number of ${number}.`);
}

function round(run: Run, at: number, value: unknown, digits: unknown = 0): number {
  const number = requireNumber(run, at, value, 'round()');
  const places = requireNumber(run, at, digits, 'round()');
  if (!Number.isInteger(places) || Math.abs(places) > 15) {
    run.fail('TYPE', at, 'The digits of round() must be a whole number from -15 to 15.');
  }
  const factor = 10 ** Math.abs(places);
  const scaled = places < 0 ? number / factor : number * factor;
  if (!Number.isFinite(scaled)) return number;
  const rounded = Math.sign(scaled) * Math.round(Math.abs(scaled)) + 0; // no -0
  return places < 0 ? rounded * factor : rounded / factor;
}

function* extreme(run: Run, at: number, values: readonly unknown[], sign: 1 | -1): Work<unknown> {
  const by = sign === 1 ? 'max()' : 'min()';
  const elements = values.length === 1 ? yield* listElements(run, at, values[0]) : values;
  if (elements.length === 0) return run.fail('TYPE', at, `${by} of nothing: it is empty.`);
  let best = elements[0];
  // Also of one alone, so that it is told when it can't be compared.
  for (const element of elements) {
    if (run.spend(1, at)) yield;
    if (sign * compareOrder(run, at, element, best) > 0) best = element;
  }
  return best;
}

function* sum(run: Run, at: number, list: unknown): Work<number> {
  let total = 0;
  for (const element of yield* listElements(run, at, list)) {
    if (run.spend(1, at)) yield;
    total += requireNumber(run, at, element, 'sum()');
  }
  return total;
}

/** The functions that give numbers and booleans. */
export const NUMBER_FUNCTIONS: readonly FunctionSpec[] = [
  quick('abs', 'number', 'The number without its sign.', (run, at, value) =>
    Math.abs(requireNumber(run, at, value, 'abs()')),
  ),
  quick(
    'round',
    'number, digits?',
    'The nearest number with so many decimals, 0 unless given.',
    round,
  ),
  quick('floor', 'number', 'The next whole number below.', (run, at, value) =>
    Math.floor(requireNumber(run, at, value, 'floor()')),
  ),
  quick(
    'ceil',
    'number',
    'The next whole number above.',
    (run, at, value) => Math.ceil(requireNumber(run, at, value, 'ceil()')) + 0, // no -0
  ),
  quick(
    'int',
    'value',
    'A whole number from a number, a text or a boolean. Decimals are cut off.',
    toInteger,
  ),
  quick('float', 'value', 'A number from a text, a boolean or a number.', (run, at, value) =>
    readNumber(run, at, value, 'float'),
  ),
  quick(
    'bool',
    'value',
    'Whether a condition takes the value for true. What is empty is false.',
    (run, at, value) => isTrue(run, at, value),
  ),
  quick('now', '', 'The time in milliseconds since the Unix epoch.', (run) => run.now()),
  long(
    'min',
    'list, ...others',
    'The least element of a list, or of several values.',
    (run, at, ...values) => extreme(run, at, values, -1),
  ),
  long(
    'max',
    'list, ...others',
    'The greatest element of a list, or of several values.',
    (run, at, ...values) => extreme(run, at, values, 1),
  ),
  long('sum', 'list', 'The sum of the numbers of a list.', sum),
];
