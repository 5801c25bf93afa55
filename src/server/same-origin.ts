import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * Whether a request comes from no web page at all, or from one of this very server. Browsers name the page's origin
 * in whatever could do harm from another site: POST requests and WebSockets.
 *
 * A page can make its own name point to this machine (DNS rebinding), and so be of the same origin by name. So the
 * name must be one that only this server's people can have given it: an address, `localhost`, or one of `knownHosts`.
 */
export function isSameOrigin(
  { headers: { origin, host } }: IncomingMessage,
  knownHosts: readonly string[],
): boolean {
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  if (page.host !== host) return false;
  const name = page.hostname.replace(/^\[|\]$/g, '');
  return isIP(name) > 0 || name === 'localhost' || knownHosts.includes(name);
}
