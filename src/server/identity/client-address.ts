import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * The network address of a client. Each proxy writes into `X-Forwarded-For`, at the right, from whom it got the request; what
 * stands further left is whatever the client made up. So behind `trustProxy` proxies that can be trusted it is that many from the
 * right. When what stands there is no address, it is the one of the connection.
 */
export function clientAddress(
  { headers, socket }: IncomingMessage,
  trustProxy: number,
): string | undefined {
  const forwarded = trustProxy > 0 ? headers['x-forwarded-for'] : undefined;
  if (forwarded === undefined) return socket.remoteAddress;
  const address = String(forwarded).split(',').at(-trustProxy)?.trim();
  return address !== undefined && isIP(address) > 0 ? address : socket.remoteAddress;
}
