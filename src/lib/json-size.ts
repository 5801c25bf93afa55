/**
 * About how many characters a value has as JSON, counted no further than `limit`: the work is bounded by the limit,
 * however large the value is. Getters are not run and count as nothing.
 */
export function jsonSize(value: unknown, limit: number): number {
  let size = 0;
  const waiting: unknown[] = [value];
  try {
    while (waiting.length > 0 && size < limit) {
      const part = waiting.pop();
      if (typeof part === 'string') size += part.length + 2;
      else if (typeof part !== 'object' || part === null) size += 8;
      else if (ArrayBuffer.isView(part)) size += part.byteLength * 4;
      else {
        size += 2;
        for (const key in part) {
          if (size >= limit) break;
          size += key.length + 4;
          waiting.push(Object.getOwnPropertyDescriptor(part, key)?.value);
        }
      }
    }
  } catch {
    // A proxy that fights back: JSON can't write it either.
  }
  return size;
}

/** How deeply lists and objects are nested in a value that came from JSON: 0 for a text or a number. */
export function jsonDepth(value: unknown): number {
  let depth = 0;
  let level = [value].filter(isNested);
  while (level.length > 0) {
    depth++;
    level = level.flatMap((part) => Object.values(part)).filter(isNested);
  }
  return depth;
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
