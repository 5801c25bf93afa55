import type { IncomingMessage } from 'node:http';

/**
 * Whether a request comes from no web page at all, or from one of this very server. Browsers name the page's origin
 * in whatever could do harm from another site: POST requests and WebSockets.
 */
export function isSameOrigin({ headers: { origin, host } }: IncomingMessage): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
