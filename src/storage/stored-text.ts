/*
 * PostgreSQL takes no NUL in a text, and neither database takes a surrogate that stands alone. Both are written as
 * U+E000 (private use) and four hexadecimal digits; so is U+E000 itself. All other text is stored as it is.
 */

const UNSTORABLE = /[\0\ue000\p{Cs}]/gu;
const WRITTEN = /\ue000([0-9a-f]{4})/g;

/** A text in a form that both databases give back as it was; equal texts stay equal, others different. */
export function toStoredText(text: string): string {
  return text.replace(
    UNSTORABLE,
    (unit) => `\ue000${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The text that `toStoredText` was given. */
export function fromStoredText(stored: string): string {
  if (!stored.includes('\ue000')) return stored;
  return stored.replace(WRITTEN, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
