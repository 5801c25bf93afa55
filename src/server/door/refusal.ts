import type { ServerResponse } from 'node:http';
import { RATE_LIMITED, rateRefusal, toSeconds } from '../documents/operation-rules.ts';
import type { RateLimiter } from '../documents/rate-limiter.ts';
import type { ConnectionInfo } from '../server.ts';

/** Why a request is not answered, as its client is told. */
export interface Refusal {
  /** The HTTP status. */
  readonly status: number;
  readonly code: string;
  /** What was shown to prove who somebody is, is never in it. */
  readonly message: string;
  /** How long to wait before the next try, in milliseconds. Default: that can't be said. */
  readonly retryAfterMs?: number | undefined;
}

/** Charges a client for a request; or answers how it is refused when it has sent too many. */
export function chargeRequest(client: ConnectionInfo, limiter: RateLimiter): Refusal | undefined {
  const waitMs = limiter.take(client, 'requests', 1);
  if (waitMs === undefined) return undefined;
  const { message } = rateRefusal('requests', waitMs);
  return { status: 429, code: RATE_LIMITED, message, retryAfterMs: waitMs };
}

/** The headers that go with a refusal: how to prove who one is (RFC 6750, 3), and when to try again. */
export function headersOf({ status, retryAfterMs }: Refusal): Readonly<Record<string, string>> {
  return {
    ...(status === 401 ? { 'WWW-Authenticate': 'Bearer realm="millrace"' } : {}),
    ...(retryAfterMs === undefined ? {} : { 'Retry-After': String(toSeconds(retryAfterMs)) }),
  };
}

/** Answers a request with why it is refused, in the form of GraphQL errors. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  const { status, code, message } = refusal;
  const text = JSON.stringify({ errors: [{ message, extensions: { code } }] });
  response.writeHead(status, {
    ...headersOf(refusal),
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
