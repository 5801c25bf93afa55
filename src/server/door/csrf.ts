import type { IncomingMessage } from 'node:http';
import type { Refusal } from './refusal.ts';

/** Headers that a page of another site can send only after the server has said that it may. */
export const PREFLIGHTED_HEADERS = [
  'authorization',
  'x-millrace-csrf',
  'apollo-require-preflight',
  'graphql-require-preflight',
  'x-apollo-operation-name',
  'x-graphql-event-stream-token',
] as const;

/** What forms send; so a page may send it without asking. */
const FORM_TYPES: ReadonlySet<string> = new Set([
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
]);

/** How a request that may be forged is refused. */
export const CSRF_REFUSAL: Refusal = {
  status: 403,
  code: 'CSRF_REFUSED',
  message:
    'A page of another site could have sent this in the name of whoever reads it. Send "content-type: application/json", or a header "x-millrace-csrf" with any text.',
};

/**
 * Whether a request that names no page may all the same have been sent by one of another site, without the server being asked
 * before (cross-site request forgery): a GET with something to do, or what a form could send. A stream is no protection, as
 * `EventSource` may be opened anywhere.
 */
export function isForgeable({ method, url = '', headers }: IncomingMessage): boolean {
  const isRead = method === 'GET' || method === 'HEAD';
  if (isRead ? !url.includes('?') : method !== 'POST') return false;
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type !== '' && !FORM_TYPES.has(type)) return false;
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return false;
  for (const name of PREFLIGHTED_HEADERS) if (headers[name]) return false;
  return true;
}
