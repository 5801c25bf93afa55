import { cutText, preview } from '../lib/preview.ts';
import { compilePart, type Expression, SMALL_BUDGET } from './expression.ts';
import { ExpressionError } from './expression-error.ts';
import type { Budget, Scope } from './run.ts';

/** The longest text that a template gives, in UTF-16 characters, unless it is said otherwise. */
const LONGEST_MESSAGE = 2_000;
/** The longest template, in UTF-16 characters. */
const LONGEST_TEMPLATE = 10_000;
/** How much of a value that is no text is shown, in characters. */
const LONGEST_VALUE = 300;

/** A text with expressions in it, ready to be filled in any number of times. */
export interface Template {
  /** The names that it may read, each once. */
  readonly reads: readonly string[];
  /**
   * The text with the values of its expressions: texts as they are, others cut short. What is longer than
   * `maxLength` characters, 2000 unless given, is cut. `budget` is that of each expression.
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
      let message = '';
      for (const part of parts) {
        message += typeof part === 'string' ? part : show(part, scope, budget, maxLength);
        if (message.length > maxLength) break;
      }
      return cutText(message, maxLength);
    },
  };
}

function show(expression: Expression, scope: Scope, budget: Budget, maxLength: number): string {
  const value = expression.evaluateNow(scope, budget);
  return typeof value === 'string'
    ? value.slice(0, maxLength + 1)
    : preview(value, LONGEST_VALUE).text;
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
      const end = findEnd(text, brace + 1);
      if (end === undefined)
        return refuse(brace, 'There is no "}" to this "{". Write "{{" for a brace.');
      parts.push({ from: brace + 1, to: end });
      at = end + 1;
    }
  }
  return parts;
}

/** The place of the brace that ends an expression: not one in a text, nor of an object. */
function findEnd(text: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '"' || char === "'" || char === '`') {
      for (at++; at < text.length && text.charAt(at) !== char; at++) {
        if (text.charAt(at) === '\\') at++;
      }
    } else if (char === '{') depth++;
    else if (char === '}' && depth-- === 0) return at;
  }
  return undefined;
}
