import { plainJson } from '../lib/plain-json.ts';

/** The longest details of a check that are kept, in characters of JSON. */
export const LONGEST_DETAILS = 16_384;

/** Details as JSON text; `undefined` when there are none, they are no plain data, or too long. Runs nothing of the value. */
export function writeDetails(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const plain = plainJson(value, LONGEST_DETAILS);
  return plain && JSON.stringify(plain.value);
}
