/** What is found by going through the text of an expression that need not be complete. */
export interface Scan {
  /** Whether it ends inside of a text literal; in the expressions that a template text has in it, it does not. */
  readonly isInText: boolean;
  /** The place of the first `}` that closes nothing. */
  readonly end: number | undefined;
}

/** Goes through the text of an expression, from a place up to its end or to a brace that closes nothing. */
export function scanCode(text: string, from: number): Scan {
  /** The quotes and braces that are open. */
  const open: string[] = [];
  for (let at = from; at < text.length; at++) {
    const char = text.charAt(at);
    const around = open.at(-1);
    if (around !== undefined && around !== '{') {
      if (char === '\\') at++;
      else if (char === around) open.pop();
      else if (around === '`' && char === '$' && text.charAt(at + 1) === '{') {
        open.push('{');
        at++;
      }
    } else if (char === '"' || char === "'" || char === '`' || char === '{') open.push(char);
    else if (char === '}' && open.pop() === undefined) return { isInText: false, end: at };
  }
  const last = open.at(-1);
  return { isInText: last !== undefined && last !== '{', end: undefined };
}
