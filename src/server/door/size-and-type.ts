import type { IncomingMessage } from 'node:http';
import type { ServerLimits } from '../limits.ts';
import type { Refusal } from './refusal.ts';

/** What a body may be. Text is UTF-8, as JSON is. */
const SERVED_TYPE = /^application\/(graphql\+)?json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i;

/** Of which Node drops all but the first, and which decide who asks and for what. */
const SINGLE_HEADERS: ReadonlySet<string> = new Set(['host', 'authorization', 'content-type']);

/** A name or address with a port or none, by its characters (RFC 3986, 3.2.2). */
const HOST = /^[\w.~!$&'()*+,;=%[\]:-]+$/;

/** What is wrong with the head of any request, if anything is. */
export function findHeadFault(
  { url = '', rawHeaders, headers: { host = '' } }: IncomingMessage,
  { maxUrlLength, maxHeaders }: ServerLimits,
): Refusal | undefined {
  if (url.length > maxUrlLength) {
    const message = `The URL is longer than ${maxUrlLength} characters. Send the operation as JSON in a POST.`;
    return { status: 414, code: 'URI_TOO_LONG', message };
  }
  if (rawHeaders.length > 2 * maxHeaders) {
    const message = `The request has more than ${maxHeaders} headers.`;
    return { status: 431, code: 'TOO_MANY_HEADERS', message };
  }
  const twice = findTwice(rawHeaders);
  if (twice !== undefined) {
    const message = `The request has the header "${twice}" more than once.`;
    return { status: 400, code: 'DUPLICATE_HEADER', message };
  }
  // What handles the request makes a URL of it, and would fail, or take part of it for the path.
  if (host === '' || (HOST.test(host) && URL.canParse(`http://${host}`))) return undefined;
  const message = 'The header "host" must be a name or an address, with a port or none.';
  return { status: 400, code: 'INVALID_HOST', message };
}

/** Which of the headers that can be there once only is there again: Node takes the first, a proxy before it perhaps another. */
function findTwice(rawHeaders: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? '';
    if (!SINGLE_HEADERS.has(name)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/** What is wrong with a body, as far as its headers tell. */
export function findBodyFault(
  { method, headers }: IncomingMessage,
  { maxBodyBytes }: ServerLimits,
): Refusal | undefined {
  const { 'content-length': length, 'content-encoding': encoding, 'content-type': type } = headers;
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    const message = 'The body must not be encoded. Send it as it is, without "content-encoding".';
    return { status: 415, code: 'UNSUPPORTED_CONTENT_ENCODING', message };
  }
  if (method === 'POST' && (type === undefined || !SERVED_TYPE.test(type))) {
    const message = 'The body must be JSON in UTF-8. Send "content-type: application/json".';
    return { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', message };
  }
  return length !== undefined && Number(length) > maxBodyBytes
    ? bodyTooLarge(maxBodyBytes)
    : undefined;
}

/** How a body is refused that is too large. */
export function bodyTooLarge(maxBodyBytes: number): Refusal {
  const message = `The body is larger than ${maxBodyBytes} bytes.`;
  return { status: 413, code: 'REQUEST_ENTITY_TOO_LARGE', message };
}
