import { messageOf } from './domain-error.ts';

/**
 * A copy of a value that can be written as JSON, as `JSON.stringify` would write it. What that can't write (a cycle,
 * a BigInt) makes the whole value a text that says so.
 */
export function toJson(value: unknown): unknown {
  if (value === undefined) return null;
  try {
    const text = JSON.stringify(value);
    return text === undefined ? `[${typeof value}]` : JSON.parse(text);
  } catch (error) {
    return `[can't be shown as JSON: ${messageOf(error)}]`;
  }
}
