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
    /\\(?:u\{([\da-f]{1,6})\}|u([\da-f]{4})|x([\da-f]{2})|(\r\n|[\s\S]))/gi,
    (all, point?: string, unit?: string, byte?: string, other = '') => {
      const code = Number.parseInt(point ?? unit ?? byte ?? '', 16);
      if (code > 0x10ffff) return all;
      if (!Number.isNaN(code)) return String.fromCodePoint(code);
      return ESCAPES[other] ?? (/[\r\n]/.test(other) ? '' : other);
    },
  );
}
