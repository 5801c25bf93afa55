import { hasReadableStack, walkMap } from '../lib/intrinsics.ts';
import { typeName } from '../lib/type-name.ts';
import { compileExpression } from './expression.ts';
import { type FunctionSpec, signatureOf } from './function-spec.ts';
import { FUNCTIONS } from './functions.ts';
import { scanCode } from './scan-code.ts';
import { LONGEST_EXPRESSION } from './syntax.ts';
import { isKeyed, isMap, isProxy } from './values.ts';
import { LANGUAGE_WORDS } from './words.ts';

/** A name that can be put in an expression. */
export interface Completion {
  readonly text: string;
  /** Variable, part of a value, function, or word of the language. */
  readonly kind: 'VARIABLE' | 'PROPERTY' | 'FUNCTION' | 'WORD';
  /** What it is: a type, or what the function answers. */
  readonly detail: string;
  /** The part of the text that it takes the place of: from, and up to. */
  readonly from: number;
  readonly to: number;
}

/** A name that the expression may read. */
export interface NameToComplete {
  readonly name: string;
  readonly description: string;
}

const MOST_COMPLETIONS = 100;
/** Keys of a value that are looked at. */
const MOST_KEYS = 10_000;
/** A text of a key that is longer is not offered. */
const LONGEST_KEY = 200;
/** How far back from the place a chain of members may begin. */
const LONGEST_CHAIN = 500;

const WORD_CHARACTER = /[\w$\u0080-\uffff]/;
const WORD_REST = /^[\w$\u0080-\uffff]*/;
const NAME = /^[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*$/;
const PART = String.raw`[\w$\u0080-\uffff]+|\[(?:-?\d{1,10}|'[^'\\]*'|"[^"\\]*")\]`;
/** A chain of members that ends with a dot: `item.list[0]?.`. Nothing is called to complete a text. */
const CHAIN = new RegExp(
  String.raw`(?<![\w$.\]\u0080-\uffff])[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*(?:\s{0,9}\??\.\s{0,9}(?:${PART})|\[(?:-?\d{1,10}|'[^'\\]*'|"[^"\\]*")\])*(?=\s{0,9}(\??\.\s*)$)`,
);

/**
 * What can stand at a place of an expression, whose text need not be complete: after `a.b.` the parts of that value,
 * else names, functions and words. At most 100, the likeliest first; none in a text that is too long. `read` is called for names before a dot only;
 * nothing of the values is run.
 */
export function completionsAt(
  text: string,
  position: number,
  names: readonly NameToComplete[],
  read: (name: string) => unknown,
): readonly Completion[] {
  if (text.length > LONGEST_EXPRESSION) return [];
  const at = Math.max(0, Math.min(position, text.length));
  if (isInText(text.slice(0, at))) return [];
  let from = at;
  while (from > 0 && WORD_CHARACTER.test(text.charAt(from - 1))) from--;
  const typed = text.slice(from, at);
  const before = text.slice(0, from);
  const to = at + (WORD_REST.exec(text.slice(at))?.[0].length ?? 0);
  if (/^\d/.test(typed)) return [];
  const found = before.trimEnd().endsWith('.')
    ? completeMember(before, names, read)
    : completeName(names);
  return found
    .map((offer) => ({ offer, rank: rankOf(offer.text, typed) }))
    .filter(({ rank }) => rank < NO_MATCH)
    .sort((one, other) => one.rank - other.rank)
    .slice(0, MOST_COMPLETIONS)
    .map(({ offer: { offset = 0, ...offer } }) => ({ ...offer, from: from - offset, to }));
}

interface Offer extends Pick<Completion, 'text' | 'kind' | 'detail'> {
  /** How many characters before what was typed it takes the place of as well. */
  readonly offset?: number;
}

function completeName(names: readonly NameToComplete[]): Offer[] {
  return [
    ...names.map(
      ({ name, description }): Offer => ({ text: name, kind: 'VARIABLE', detail: description }),
    ),
    ...[...FUNCTIONS.values()].map(offerFunction),
    ...LANGUAGE_WORDS.map((text): Offer => ({ text, kind: 'WORD', detail: 'word' })),
  ];
}

function offerFunction(spec: FunctionSpec): Offer {
  return { text: spec.name, kind: 'FUNCTION', detail: `${signatureOf(spec)}: ${spec.description}` };
}

function completeMember(
  before: string,
  names: readonly NameToComplete[],
  read: (name: string) => unknown,
): Offer[] {
  const [chain, dot = '.'] = CHAIN.exec(before.slice(-LONGEST_CHAIN)) ?? [];
  if (chain === undefined) return [];
  const known = names.map(({ name }) => name);
  try {
    return offerParts(compileExpression(chain, known).evaluateNow({ read }), dot);
  } catch {
    // The chain leads nowhere: there is nothing to offer.
    return [];
  }
}

function offerParts(value: unknown, dot: string): Offer[] {
  if (typeof value === 'string') return [{ text: 'length', kind: 'PROPERTY', detail: 'number' }];
  if (typeof value !== 'object' || value === null || isProxy(value)) return [];
  if (Array.isArray(value)) return [{ text: 'length', kind: 'PROPERTY', detail: 'number' }];
  return readParts(value).map(([key, type]): Offer => {
    if (NAME.test(key)) return { text: key, kind: 'PROPERTY', detail: type };
    const text = `${dot.startsWith('?') ? '?.' : ''}[${JSON.stringify(key)}]`;
    return { text, kind: 'PROPERTY', detail: type, offset: dot.length };
  });
}

function readParts(object: object): (readonly [key: string, type: string])[] {
  const parts: (readonly [string, string])[] = [];
  const add = (key: unknown, type: string) => {
    if (typeof key === 'string' && key.length <= LONGEST_KEY) parts.push([key, type]);
  };
  if (isMap(object)) {
    const next = walkMap(object);
    let entry = next();
    for (let count = 0; entry !== undefined && count < MOST_KEYS; count++, entry = next()) {
      add(entry[0], typeName(entry[1]));
    }
  } else if (isKeyed(object)) {
    for (const key of Object.keys(object).slice(0, MOST_KEYS)) {
      if (key === 'stack' && !hasReadableStack(object)) continue;
      const property = Object.getOwnPropertyDescriptor(object, key);
      if (property !== undefined && 'value' in property) add(key, typeName(property.value));
    }
  }
  return parts;
}

const NO_MATCH = 3;

/** 0 for a beginning, 1 for one but for capitals, 2 for a part. */
function rankOf(text: string, typed: string): number {
  if (text.startsWith(typed)) return 0;
  const [offered, wanted] = [text.toLowerCase(), typed.toLowerCase()];
  if (offered.startsWith(wanted)) return 1;
  return offered.includes(wanted) ? 2 : NO_MATCH;
}

/** Whether a text ends inside a text literal. Braces that close nothing are passed over. */
function isInText(before: string): boolean {
  let scan = scanCode(before, 0);
  while (scan.end !== undefined) scan = scanCode(before, scan.end + 1);
  return scan.isInText;
}
