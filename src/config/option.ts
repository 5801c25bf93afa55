import { z } from 'zod';

/**
 * How a value is written as text, on the command line and in the environment:
 *
 * - `text`, `url`: as it is; what a URL has of passwords and tokens is never shown
 * - `number`: a whole number in decimal digits
 * - `list`: with commas
 * - `on-off`: `on` or `off`
 * - `switch`: as `on-off`, but its flag stands alone and means `on`
 */
export type OptionKind = 'text' | 'url' | 'number' | 'list' | 'on-off' | 'switch';

/** One option of `millrace start`. Its name, flag and variable come from its key in the table. */
export interface Option<Value = unknown> {
  /** What it is, for people: a phrase that says units, without its default. */
  readonly description: string;
  readonly kind: OptionKind;
  /** What stands for its value in the help: `DIR`, `N`. */
  readonly placeholder: string;
  /** Checks a value and makes it uniform. Its messages go on after “… is 7 and”. */
  readonly schema: z.ZodType<unknown>;
  readonly default: Value;
  /** What holds where nothing is said, in words; where the default itself does not tell. */
  readonly defaultText?: string | undefined;
  /** Never shown, and has no flag: a command line can be read by everybody on the machine. Default false. */
  readonly isSecret?: boolean | undefined;
}

interface Words {
  readonly placeholder?: string;
  readonly defaultText?: string;
}

/** One of some words, or a text that `schema` takes. */
export function text<const Value extends string | undefined = undefined>(
  description: string,
  more: Words & {
    readonly schema?: z.ZodType<string>;
    readonly default?: Value;
    readonly kind?: 'text' | 'url';
    readonly isSecret?: boolean;
  } = {},
): Option<string | (undefined extends Value ? undefined : never)> {
  const { placeholder = 'TEXT', kind = 'text', schema = notEmpty('must not be empty') } = more;
  const { defaultText, isSecret } = more;
  const value = more.default as string | (undefined extends Value ? undefined : never); // not said is `undefined`
  return { description, kind, placeholder, schema, default: value, defaultText, isSecret };
}

/** A text of at least one character. */
export function notEmpty(message: string): z.ZodType<string> {
  return z.string(message).min(1, message);
}

/** One of a few words. */
export function choice<const Word extends string>(
  description: string,
  words: readonly [Word, ...Word[]],
  byDefault: NoInfer<Word>,
): Option<Word> {
  const schema = z.enum(words, `must be one of ${words.join(', ')}`);
  return { description, kind: 'text', placeholder: 'WORD', schema, default: byDefault };
}

/** A whole number from `least` to `most`. */
export function wholeNumber(
  description: string,
  range: Words & { readonly least: number; readonly most: number; readonly default: number },
): Option<number> {
  const { least, most, placeholder = 'N', defaultText } = range;
  const message = `must be a whole number from ${least} to ${most}`;
  const schema = z.int(message).min(least, message).max(most, message);
  return {
    description,
    kind: 'number',
    placeholder,
    schema,
    default: range.default,
    defaultText,
  };
}

/** Something that is on or off. */
export function onOff(
  description: string,
  byDefault: boolean,
  kind: 'on-off' | 'switch' = 'on-off',
): Option<boolean> {
  const schema = z.boolean('must be on or off');
  return { description, kind, placeholder: 'on|off', schema, default: byDefault };
}

/** Several texts, each of which `element` takes. */
export function list<const Value extends readonly string[] | undefined>(
  description: string,
  more: Words & { readonly element: z.ZodType<string>; readonly default: Value },
): Option<readonly string[] | (undefined extends Value ? undefined : never)> {
  const { placeholder = 'LIST', element, defaultText } = more;
  const schema = z.array(element, 'must be a list');
  const value = more.default as readonly string[] | (undefined extends Value ? undefined : never); // as it was said
  return { description, kind: 'list', placeholder, schema, default: value, defaultText };
}

/** The value that a text stands for. A text that stands for none is left as it is, for the schema to refuse. */
export function readText({ kind }: Option, written: string): unknown {
  switch (kind) {
    case 'number':
      return /^-?\d{1,15}$/.test(written) ? Number(written) : written;
    case 'on-off':
    case 'switch':
      return written === 'on' ? true : written === 'off' ? false : written;
    case 'list':
      return written
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '');
    default:
      return written;
  }
}

/** `--max-depth` of `maxDepth`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `MILLRACE_MAX_DEPTH` of `maxDepth`. */
export function variableOf(name: string): string {
  return `MILLRACE_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
