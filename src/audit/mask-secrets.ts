import { isCount, isNameOfPair, isSecretName, isValueOfPair, MASK } from '../lib/secret-names.ts';

/**
 * Hides secrets inside a text: who logs in by a URL (`scheme://user:password@host`), what follows the name of a secret
 * (`password=…`, `"token": "…"`, `Authorization: …`, `--api-key …`, parameters of URLs), what follows the word `Bearer`
 * and looks like a login after `Basic`, private keys in PEM, keys of this API, and JWTs. In doubt more is hidden than has
 * to be.
 *
 * The text is anybody's, so each step takes time in proportion to it: an expression has one unbounded part at most
 * between two places where it can begin, or that part ends in `$` and so takes what it has read; all else is bounded.
 */
export function maskText(text: string): string {
  const masked = text
    .replace(PRIVATE_KEY, MASK)
    .replace(/(mr_[a-z2-7]{12}_)[\w-]+/g, `$1${MASK}`) // what comes before the secret only names the key
    .replace(/(?<![\w-])eyJ[\w-]{5,}\.[\w-]{2,}\.[\w-]*/g, MASK)
    // Runs of characters, each cut at its last `@`: looking for `@` from each `://` on would take squared time.
    .replace(/[^\s?#"]+/g, (run) => maskLogin(run, /:\/\/[^/:@]*:(?!\d{1,5}\/@)[\s\S]*$/))
    .replace(/[^\s"]+/g, (run) => maskLogin(run, /:\/\/[^/?#:@]*:(?!\d{1,5}[/?#])[\s\S]*$/))
    .replace(/:\/\/[^\s/?#]*@/g, `://${MASK}@`)
    .replace(/([?&#]([^\s?&#=]{1,100})=)[^\s&#"]+/g, (whole, before: string, name: string) =>
      isSecretName(name) ? `${before}${MASK}` : whole,
    );
  return maskPairs(masked)
    .replace(/(?<!\S)(--[\w-]+[ \t]+)(?!-)\S+/g, (whole, flag: string) =>
      isSecretName(flag) ? `${flag}${MASK}` : whole,
    )
    .replace(/\b(Bearer) +[^\s"',;]+/gi, `$1 ${MASK}`)
    .replace(/\b(Basic) +([\w+/=-]+)/gi, (whole, scheme: string, login: string) =>
      Buffer.from(login, 'base64').includes(':') ? `${scheme} ${MASK}` : whole,
    );
}

/**
 * Masks a text of which no more than `most` characters are kept. More than that is looked at, and what is close to where
 * that ends is left out: what is cut in the middle could not be seen to be a secret.
 */
export function maskStart(text: string, most: number): string {
  if (text.length <= 2 * most) return maskText(text).slice(0, most);
  const masked = maskText(text.slice(0, 2 * most));
  return masked.slice(0, Math.max(0, Math.min(most, masked.length - Math.ceil(most / 2))));
}

/** Up to its end; or, where that is missing, up to the end of the text. */
const PRIVATE_KEY =
  /-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[\s\S]*?(?:-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,20}-{4,5}|$)/g;

/**
 * Hides from the first login in a text without spaces to its last `@`: a password may have `/` and `@` in it, and there
 * is no telling. A login has a colon that a port does not follow.
 */
function maskLogin(run: string, login: RegExp): string {
  const end = run.lastIndexOf('@') + 1;
  return end === 0 ? run : run.slice(0, end).replace(login, `://${MASK}@`) + run.slice(end);
}

/**
 * A name and what comes between it and its value. Two words for `API key: …` and `password is: …`. It begins only where
 * a word does, so that each word is read as the first and as the second one, and no more often. A host is no name.
 */
const NAME = /(?<![\w.-])(?<!:\/\/)((?:[\w.-]+ )?([\w.-]+))[\\"'`\]]{0,20}[ \t]*(?:=>|:=|[:=])\s*/g;
const SECOND_WORDS = /^(?:key|id|string|phrase|code|value|is|was)$/i;

/** Goes from name to name, and behind each value that it hides: never back. */
function maskPairs(text: string): string {
  let masked = '';
  let done = 0;
  let isPairSecret = false;
  const names = new RegExp(NAME);
  for (let found = names.exec(text); found !== null; found = names.exec(text)) {
    const [, both = '', name = ''] = found;
    const at = names.lastIndex;
    if (isNameOfPair(name)) {
      const [, called = ''] = matchAt(/[\\"'`]{0,20}([\w.-]{1,200})/y, text, at);
      isPairSecret = isSecretName(called);
    }
    const isSecret =
      isSecretName(name) ||
      (SECOND_WORDS.test(name) && isSecretName(both)) ||
      (isPairSecret && isValueOfPair(name));
    if (!isSecret) continue;
    const [scheme = ''] = /auth|token/i.test(name) ? matchAt(SCHEME, text, at) : [];
    const from = at + scheme.length;
    const [digits = ''] = matchAt(/\d{1,9}(?![^\s,;)}\]])/y, text, from);
    if (digits !== '' && isCount(name, Number(digits))) continue;
    const { end, quote } = findValue(text, from, name);
    if (end === from) continue;
    masked += `${text.slice(done, from)}${quote}${MASK}${quote}`;
    done = end;
    names.lastIndex = end;
  }
  return masked + text.slice(done);
}

const SCHEME = /(?:basic|bearer|digest|token|apikey|negotiate)[ \t]+/iy;

/**
 * What is not in quotes: up to a space, or to what looks like the next pair. With `=`, spaces are part of it where a `;`
 * follows: so are connection strings written.
 */
const UNQUOTED =
  /(?:[^\s,;&"]|"(?!\s{0,20}[,}\]])|[,;&](?!\s|$|["'\\]{0,4}[\w. -]{1,60}["'\\]{0,4}[=:]))+/y;
const UP_TO_SEMICOLON = /[^;="'\r\n]{0,200}(?=;)/y;
const LINE = /[^\r\n]*/y;
/** What is joined to a quoted value. */
const JOINED = /[^\s,;:&}\])\\]*/y;

/** Where a value ends, and in which quotes it is. */
function findValue(text: string, from: number, name: string): { end: number; quote: string } {
  const lengthOf = (pattern: RegExp, at: number) => matchAt(pattern, text, at)[0]?.length ?? 0;
  // In JSON inside of JSON quotes are escaped, those at both ends alike.
  const [escapes = ''] = matchAt(/\\{1,32}(?=["'`])/y, text, from);
  const opening = from + escapes.length;
  if (/["'`]/.test(text.charAt(opening))) {
    const quote = escapes + text.charAt(opening);
    let end = opening + 1 - quote.length;
    do {
      const closing = findClosing(text, quote, end + quote.length);
      if (closing < 0) return { end: text.length, quote };
      end = closing + quote.length;
    } while (text.startsWith(quote, end)); // `'it''s'`
    return { end: end + lengthOf(JOINED, end), quote };
  }
  // Where a list or an object ends can't be told without reading it.
  if ('[{'.includes(text.charAt(from) || ' ')) return { end: text.length, quote: '' };
  if (/authorization|cookie|phrase/i.test(name))
    return { end: from + lengthOf(LINE, from), quote: '' };
  const end = from + lengthOf(UNQUOTED, from);
  const isAssigned = /=\s*$/.test(text.slice(Math.max(0, from - 10), from));
  return { end: end + (isAssigned ? lengthOf(UP_TO_SEMICOLON, end) : 0), quote: '' };
}

/** Where a quote stands next that is escaped just so, and no further: the end of what one like it began. */
function findClosing(text: string, quote: string, from: number): number {
  let at = text.indexOf(quote, from);
  while (at > 0 && text[at - 1] === '\\') at = text.indexOf(quote, at + quote.length);
  return at;
}

function matchAt(pattern: RegExp, text: string, at: number): readonly (string | undefined)[] {
  const sticky = new RegExp(pattern);
  sticky.lastIndex = at;
  return sticky.exec(text) ?? [];
}
