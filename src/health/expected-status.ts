/** A status that no answer has stands for none. */
const MOST = 1_000;

/** How people may write statuses that they expect, said in an error. */
export const STATUS_FORM =
  'Must be a status such as 404, a range such as 200-299, or a class such as 2xx, from 200 to 599.';

/**
 * The uniform way to write a status or a range of them: `404`, `200-299`; `2xx` becomes `200-299`. `undefined` for what
 * is neither.
 */
export function readExpectedStatus(written: string | number): string | undefined {
  const range = readRange(String(written).trim().toLowerCase());
  if (range === undefined) return undefined;
  const [from, to] = range;
  return from === to ? String(from) : `${from}-${to}`;
}

/** Tells quickly whether a status is among those expected. @param expected as `readExpectedStatus` answers */
export function createStatusCheck(expected: readonly string[]): (status: number) => boolean {
  const isExpected = new Uint8Array(MOST);
  for (const written of expected) {
    const [from, to] = readRange(written) ?? [1, 0];
    isExpected.fill(1, from, to + 1);
  }
  return (status) => isExpected[status] === 1;
}

function readRange(written: string): readonly [from: number, to: number] | undefined {
  const inClass = /^([2-5])xx$/.exec(written);
  const parts = /^(\d{3})(?:\s*-\s*(\d{3}))?$/.exec(written);
  const from = inClass === null ? Number(parts?.[1]) : Number(inClass[1]) * 100;
  const to = inClass === null ? Number(parts?.[2] ?? parts?.[1]) : from + 99;
  return from >= 200 && to <= 599 && from <= to ? [from, to] : undefined;
}
