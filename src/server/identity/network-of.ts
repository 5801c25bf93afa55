import { isIPv4, isIPv6 } from 'node:net';

/** Groups of an IPv6 address that name the network: one customer is given at least all the addresses of a /64. */
const NETWORK_GROUPS = 4;

/**
 * Names the network that a client is counted by: an IPv4 address as it is, also where it is written as IPv6; of an IPv6
 * address the first 64 bits. Those whose address is not known are one.
 */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  const [plain = ''] = address.split('%', 1); // without the interface
  if (!isIPv6(plain)) return address;
  const [before = '', after] = plain.split('::');
  const groups = before === '' ? [] : before.split(':');
  if (after !== undefined) {
    const behind = after === '' ? 0 : after.split(':').length + (after.includes('.') ? 1 : 0);
    while (groups.length + behind < 8) groups.push('0');
    groups.push(...after.split(':'));
  }
  const network = groups.slice(0, NETWORK_GROUPS).map((group) => Number.parseInt(group, 16));
  return `${network.map((group) => group.toString(16)).join(':')}::/64`;
}
