const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  0: '\0',
};

/** The text that a text literal stands for: what is written between its quotes, with escapes as in JavaScript. */
export function readText(written: string): string {
  if (!written.includes('\\')) return written;
  return written.replace(
    /\\(?:u\{([\da-fA-F]{1,6})\}|u([\da-fA-F]{4})|x([\da-fA-F]{2})|(\r\n|[\s\S]))/g,
    (all, point?: string, unit?: string, byte?: string, other = '') => {
      const code = Number.parseInt(point ?? unit ?? byte ?? '', 16);
      if (code > 0x10ffff) return all;
      if (!Number.isNaN(code)) return String.fromCodePoint(code);
      return ESCAPES[other] ?? (/[\r\n]/.test(other) ? '' : other);
    },
  );
}

/** What follows the backslash of no escape: `x4`, `u00`, `u{110000}`, and octal numbers. */
const BAD_ESCAPE =
  /^(?:u(?!\{(?:10|0?[\da-fA-F])?[\da-fA-F]{1,4}\}|[\da-fA-F]{4})|x(?![\da-fA-F]{2})|[1-9]|0\d)/;

/** Where in a written text the first escape is that stands for nothing; `undefined` when there is none. */
export function findBadEscape(written: string): number | undefined {
  for (let at = written.indexOf('\\'); at !== -1; at = written.indexOf('\\', at + 2)) {
    if (BAD_ESCAPE.test(written.slice(at + 1, at + 20))) return at;
  }
  return undefined;
}
