import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The header by which a request is named, in both directions. */
export const REQUEST_ID = 'x-request-id';

/** What a client may call its request: nothing that could break a line of a log or of an answer. */
const WELL_FORMED = /^[A-Za-z0-9._-]{1,64}$/;

/** Names a request, and writes the name into its headers: the client's own if it is well-formed, else a new one. */
export function nameRequest({ headers }: IncomingMessage): string {
  const own = headers[REQUEST_ID];
  const id = typeof own === 'string' && WELL_FORMED.test(own) ? own : randomUUID(); // each request has one, and this is the cheapest
  headers[REQUEST_ID] = id;
  return id;
}
