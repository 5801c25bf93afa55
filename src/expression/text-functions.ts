import { containsAtOnce, searchFor } from './containing.ts';
import { type FunctionSpec, long } from './function-spec.ts';
import type { Run, Work } from './run.ts';
import {
  CHARACTERS_PER_STEP_LOG2,
  checkTextLength,
  LONGEST_TEXT,
  textAtOnce,
  writeText,
} from './text-of.ts';
import { aType, BYTES } from './values.ts';

function requireText(run: Run, at: number, value: unknown, by: string): string {
  if (typeof value === 'string') return value;
  return run.fail('TYPE', at, `${by} needs a text, not ${aType(value)}.`);
}

/**
 * A function that makes another text of a text. Its work is bounded by the longest text that may be made.
 * @param growth how many times as long the text may get
 */
function change(
  name: string,
  description: string,
  growth: number,
  make: (text: string) => string,
): FunctionSpec {
  return long(name, 'text', description, function* (run, at, value) {
    const text = requireText(run, at, value, `${name}()`);
    checkTextLength(run, at, text.length);
    run.requireSteps(text.length >> CHARACTERS_PER_STEP_LOG2, at);
    run.allocate(BYTES.text + text.length * growth * BYTES.character, at);
    if (run.spend(text.length >> CHARACTERS_PER_STEP_LOG2, at)) yield;
    const made = make(text);
    checkTextLength(run, at, made.length);
    return made;
  });
}

function compareEnd(name: string, side: 'start' | 'end'): FunctionSpec {
  const description = `Whether the text ${side}s with the other.`;
  return long(name, 'text, other', description, function* (run, at, value, sought) {
    const text = requireText(run, at, value, `${name}()`);
    const other = requireText(run, at, sought, `${name}()`);
    if (other.length > LONGEST_TEXT) {
      run.fail('TYPE', at, `The other text of ${name}() is too long.`);
    }
    if (run.spend(other.length >> 7, at)) yield;
    return side === 'start' ? text.startsWith(other) : text.endsWith(other);
  });
}

function* contains(run: Run, at: number, container: unknown, sought: unknown): Work<boolean> {
  return (
    containsAtOnce(run, at, sought, container) ?? (yield* searchFor(run, at, sought, container))
  );
}

function* toText(run: Run, at: number, value: unknown): Work<string> {
  return textAtOnce(run, at, value) ?? (yield* writeText(run, at, value));
}

/** The functions that are about texts. */
export const TEXT_FUNCTIONS: readonly FunctionSpec[] = [
  long('str', 'value', 'The value as text; of a list or an object about as JSON has it.', toText),
  change('lower', 'The text in lower case.', 3, (text) => text.toLowerCase()),
  change('upper', 'The text in upper case.', 3, (text) => text.toUpperCase()),
  change('trim', 'The text without the spaces around it.', 1, (text) => text.trim()),
  compareEnd('startsWith', 'start'),
  compareEnd('endsWith', 'end'),
  long('contains', 'container, value', 'The same as `value in container`.', contains),
];
