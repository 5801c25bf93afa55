import type { ServerResponse } from 'node:http';
import type { Readiness } from '../server.ts';

/**
 * Where orchestrators and load balancers ask how the server is. `/health/live` answers 200 as long as the process can
 * answer at all; `/health/ready` 200 when it should be sent requests, else 503 with the causes.
 */
export const PROBE_PATHS = { live: '/health/live', ready: '/health/ready' } as const;

/** Whether a path is that of a probe. */
export function isProbe(path: string): boolean {
  return path === PROBE_PATHS.live || path === PROBE_PATHS.ready;
}

/** Answers that the process can answer. */
export function answerLive(response: ServerResponse): void {
  write(response, 200, { status: 'live' });
}

/** Answers whether the server should be sent requests. @param mayKnow whether problems are told, or only which parts have some */
export function answerReady(
  response: ServerResponse,
  { causes }: Readiness,
  mayKnow: boolean,
): void {
  const told = mayKnow ? causes : causes.map(({ part }) => ({ part }));
  if (causes.length === 0) write(response, 200, { status: 'ready', causes: [] });
  else write(response, 503, { status: 'not ready', causes: told });
}

function write(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
