/** A value as people are shown it: JSON text, cut where it would get long. */
export interface Preview {
  /** JSON, except where `…` stands for what was left out. */
  readonly text: string;
  /** Whether anything was left out. */
  readonly isTruncated: boolean;
}

const MAX_DEPTH = 4;
const MAX_ENTRIES = 20;

/**
 * Writes a value as text of about `maxLength` characters at most. The work is bounded by the length of the text,
 * however large the value is; nothing of the value is run: neither its getters nor its `toJSON`.
 */
export function preview(value: unknown, maxLength = 300): Preview {
  let text = '';
  let isTruncated = false;
  const cut = () => {
    isTruncated = true;
    text += '…';
  };

  const writeString = (string: string) => {
    const room = Math.max(0, maxLength - text.length);
    if (string.length <= room) {
      text += JSON.stringify(string);
    } else {
      isTruncated = true;
      text += `${JSON.stringify(string.slice(0, room)).slice(0, -1)}…"`;
    }
  };

  const writeEntries = (
    [open, close]: readonly [string, string],
    entries: Iterable<readonly [key: unknown, value: unknown]>,
    depth: number,
    writeKey: (key: unknown) => void,
  ) => {
    text += open;
    let count = 0;
    for (const [key, entry] of entries) {
      if (count > 0) text += ',';
      if (count === MAX_ENTRIES || depth >= MAX_DEPTH || text.length >= maxLength) {
        cut();
        break;
      }
      count++;
      writeKey(key);
      write(entry, depth + 1);
    }
    text += close;
  };

  const write = (part: unknown, depth: number): void => {
    switch (typeof part) {
      case 'string':
        writeString(part);
        return;
      case 'number':
      case 'boolean':
      case 'undefined':
        text += String(part);
        return;
      case 'bigint':
        text += `${part}n`;
        return;
      case 'symbol':
      case 'function':
        text += `[${typeof part}]`;
        return;
      case 'object':
        writeObject(part, depth);
    }
  };

  const writeKeyed = (key: unknown) => {
    writeString(String(key));
    text += ':';
  };

  const writeObject = (part: object | null, depth: number) => {
    if (part === null) text += 'null';
    else if (part instanceof Date) text += Number.isNaN(+part) ? 'null' : `"${part.toISOString()}"`;
    else if (part instanceof Error) writeString(`${part.name}: ${part.message}`);
    else if (ArrayBuffer.isView(part)) text += `[${part.byteLength} bytes]`;
    else if (Array.isArray(part)) writeEntries(['[', ']'], part.entries(), depth, () => undefined);
    else if (part instanceof Map) writeEntries(['{', '}'], part, depth, writeKeyed);
    else if (part instanceof Set) writeEntries(['[', ']'], part.entries(), depth, () => undefined);
    else writeEntries(['{', '}'], ownEntries(part), depth, writeKeyed);
  };

  try {
    write(value, 0);
  } catch {
    // A proxy, or an object that fights back.
    cut();
  }
  return { text, isTruncated };
}

function* ownEntries(object: object): Iterable<readonly [string, unknown]> {
  for (const key in object) {
    const property = Object.getOwnPropertyDescriptor(object, key);
    if (property === undefined) continue;
    yield [key, 'value' in property ? property.value : '[getter]'];
  }
}

/** The longest message of an error or a log line that is kept, in characters. */
const LONGEST_TEXT = 10_000;

/** The text, cut where it gets longer than `maxLength` characters. */
export function cutText(text: string, maxLength = LONGEST_TEXT): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
}
