import type { ServerResponse } from 'node:http';
import type { Readiness } from './server.ts';

/**
 * Where orchestrators and load balancers ask how the server is. `/health/live` answers 200 as long as the process can
 * answer at all; `/health/ready` 200 when it should be sent requests, else 503 with the reason.
 */
export const PROBE_PATHS = { live: '/health/live', ready: '/health/ready' } as const;

/** Answers a probe; false when the path is none. */
export function answerProbe(
  path: string,
  response: ServerResponse,
  readiness: () => Readiness,
): boolean {
  if (path === PROBE_PATHS.live) {
    write(response, 200, { status: 'live' });
    return true;
  }
  if (path !== PROBE_PATHS.ready) return false;
  const { isReady, problem } = readiness();
  if (isReady) write(response, 200, { status: 'ready' });
  else write(response, 503, { status: 'not ready', problem });
  return true;
}

function write(response: ServerResponse, status: number, body: object): void {
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  };
  response.writeHead(status, headers).end(JSON.stringify(body));
}
