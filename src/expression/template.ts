import { OwnKeys } from '../lib/own-keys.ts';
import { cutText, preview } from '../lib/preview.ts';
import { compilePart, SMALL_BUDGET } from './expression.ts';
import { ExpressionError } from './expression-error.ts';
import { type Budget, Run, type Scope } from './run.ts';
import { scanCode } from './scan-code.ts';

/** The longest text that a template gives, in UTF-16 characters, unless it is said otherwise. */
const LONGEST_MESSAGE = 2_000;
/** The longest template, in UTF-16 characters. */
const LONGEST_TEMPLATE = 10_000;
/** How much of a value that is no text is shown, in characters. */
const LONGEST_VALUE = 300;
/** How many keys of the objects that are shown are listed. */
const MOST_KEYS = 20_000;

/** A text with expressions in it, ready to be filled in any number of times. */
export interface Template {
  /** The names that it may read, each once. */
  readonly reads: readonly string[];
  /**
   * The text with the values of its expressions: texts as they are, others cut short. What is longer than
   * `maxLength` characters, 2000 unless given, is cut. `budget` is that of all its expressions together.
   * @throws ExpressionError
   */
  evaluateNow(scope: Scope, budget?: Budget, maxLength?: number): string;
}

/**
 * Reads a text with expressions: `Got {item.name} at {hits}`. A brace that is meant as such is written twice.
 *
 * @param names those that its expressions may read; any without
 * @throws ExpressionError
 */
export function compileTemplate(text: string, names?: Iterable<string>): Template {
  const known = names && new Set(names);
  const parts = readParts(text).map((part) =>
    typeof part === 'string' ? part : compilePart(text, part.from, part.to, known),
  );
  const expressions = parts.filter((part) => typeof part !== 'string');
  return {
    reads: [...new Set(expressions.flatMap(({ reads }) => reads))],
    evaluateNow(scope, budget = SMALL_BUDGET, maxLength = LONGEST_MESSAGE) {
      const run = new Run(text, scope, budget);
      const keys = new OwnKeys(MOST_KEYS);
      let message = '';
      for (const part of parts) {
        message += typeof part === 'string' ? part : show(part.evaluateIn(run), keys, maxLength);
        if (message.length > maxLength) break;
      }
      return cutText(message, maxLength);
    },
  };
}

function show(value: unknown, keys: OwnKeys, maxLength: number): string {
  return typeof value === 'string'
    ? value.slice(0, maxLength + 1)
    : preview(value, LONGEST_VALUE, keys).text;
}

type Part = string | { readonly from: number; readonly to: number };

function readParts(text: string): Part[] {
  const refuse = (position: number, message: string): never => {
    throw new ExpressionError('SYNTAX', message, { text, position });
  };
  if (text.length > LONGEST_TEMPLATE) {
    throw new ExpressionError(
      'TOO_LONG',
      `The text is longer than ${LONGEST_TEMPLATE} characters.`,
      {
        text,
        position: 0,
      },
    );
  }
  const parts: Part[] = [];
  let at = 0;
  while (at < text.length) {
    const next = text.slice(at).search(/[{}]/);
    const brace = next === -1 ? text.length : at + next;
    const char = text.charAt(brace);
    const isDoubled = char !== '' && text.charAt(brace + 1) === char;
    parts.push(text.slice(at, isDoubled ? brace + 1 : brace));
    if (isDoubled) at = brace + 2;
    else if (char === '') return parts;
    else if (char === '}') refuse(brace, 'Write "}}" for a brace.');
    else {
      const { end } = scanCode(text, brace + 1);
      if (end === undefined)
        return refuse(brace, 'There is no "}" to this "{". Write "{{" for a brace.');
      parts.push({ from: brace + 1, to: end });
      at = end + 1;
    }
  }
  return parts;
}
