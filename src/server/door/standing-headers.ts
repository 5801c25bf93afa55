import type { IncomingMessage, ServerResponse } from 'node:http';
import { PREFLIGHTED_HEADERS } from './csrf.ts';
import { REQUEST_ID } from './request-id.ts';

/** What every answer says to browsers: take it for nothing but what it is, show it nowhere, keep it nowhere. */
const STANDING: readonly (readonly [name: string, value: string])[] = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['x-frame-options', 'DENY'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['cross-origin-resource-policy', 'same-origin'],
  ['cache-control', 'no-store'],
  ['vary', 'Origin, Accept-Encoding'],
];

const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, DELETE';

const ALLOWED_HEADERS = ['content-type', ...PREFLIGHTED_HEADERS, 'last-event-id', REQUEST_ID].join(
  ', ',
);

/** How long browsers may remember what a preflight said, in seconds. */
const PREFLIGHT_MAX_AGE = 600;

/** Sets what stands in every answer. */
export function setStandingHeaders(response: ServerResponse, requestId: string): void {
  for (const [name, value] of STANDING) response.setHeader(name, value);
  response.setHeader(REQUEST_ID, requestId);
}

/** Lets a page read the answer. */
export function allowOrigin(response: ServerResponse, origin: string, credentials: boolean): void {
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', `retry-after, ${REQUEST_ID}`);
  if (credentials) response.setHeader('access-control-allow-credentials', 'true');
}

/** Whether a browser asks what a page may send, before it sends it. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

/** Says what a page may send whose origin is allowed. */
export function answerPreflight(response: ServerResponse): void {
  response.setHeader('access-control-allow-methods', ALLOWED_METHODS);
  response.setHeader('access-control-allow-headers', ALLOWED_HEADERS);
  response.setHeader('access-control-max-age', PREFLIGHT_MAX_AGE);
  response.writeHead(204).end();
}
