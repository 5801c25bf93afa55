import { type LookupAddress, lookup as lookUp } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { type Issue, ValidationError } from '../lib/domain-error.ts';
import { shareLookups } from './shared-lookup.ts';

/** Hosts and networks: `example.com`, `*.example.com`, `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`. */
export interface AddressLists {
  /** With a list, only these may be connected to. */
  readonly allow?: readonly string[] | undefined;
  /** These may not, whatever is allowed. */
  readonly deny?: readonly string[] | undefined;
}

/**
 * What health checks may connect to, so that they are no way into the network.
 *
 * What is denied is denied. Link-local and multicast addresses, those that stand for all or none, and those where clouds tell
 * machines their secrets are denied unless a network or address that is allowed contains them; that the name of a host is
 * allowed is not enough. Where there is a list of what is allowed all else is denied. An IPv4 address inside of an IPv6 one
 * (mapped, translated or tunnelled) is looked at as well.
 */
export interface AddressRules {
  /**
   * Why a host may not be connected to, for people: `169.254.169.254 (link-local)`. `undefined` when it may, which for a name
   * says nothing yet of its addresses.
   */
  check(host: string): string | undefined;
  /**
   * Finds the addresses of a name as Node does, without those that are denied. So what was checked is what is connected to,
   * whatever a name server says the next time. Fails with an `AddressDeniedError` where none is left.
   */
  readonly lookup: LookupFunction;
}

/** What is denied unless allowed, and what it is. */
const DENIED: readonly (readonly [network: string, what: string])[] = [
  ['169.254.169.254/32', 'cloud metadata'],
  ['100.100.100.200/32', 'cloud metadata'],
  ['192.0.0.192/32', 'cloud metadata'],
  ['168.63.129.16/32', 'cloud metadata'],
  ['fd00:ec2::254/128', 'cloud metadata'],
  ['fd20:ce::254/128', 'cloud metadata'],
  ['169.254.0.0/16', 'link-local'],
  ['fe80::/10', 'link-local'],
  ['0.0.0.0/8', 'unspecified'],
  ['::/128', 'unspecified'],
  ['224.0.0.0/4', 'multicast'],
  ['ff00::/8', 'multicast'],
  ['255.255.255.255/32', 'broadcast'],
];

/** A host that the rules deny. The message is for people. */
export class AddressDeniedError extends Error {
  readonly code = 'ERR_ADDRESS_DENIED';
  override readonly name = 'AddressDeniedError';
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

interface Network {
  readonly text: string;
  readonly address: Address;
  readonly bits: number;
}

/** Some entries of a list, read. */
interface Entries {
  readonly networks: readonly Network[];
  /** Lower case. */
  readonly names: ReadonlySet<string>;
  /** Such as `.example.com`. */
  readonly endings: readonly string[];
}

/**
 * @param resolve finds the addresses of a name; the system's way when left out
 * @throws ValidationError for entries that are none, at `allow[0]` and the like
 */
export function createAddressRules(
  { allow, deny = [] }: AddressLists = {},
  resolve: LookupFunction = lookUp,
): AddressRules {
  const issues: Issue[] = [];
  const allowed = allow && readEntries(allow, 'allow', issues);
  const denied = readEntries(deny, 'deny', issues);
  if (issues.length > 0) throw new ValidationError(issues);
  const byDefault = DENIED.map(([text, what]) => ({ network: readNetwork(text), what }));

  /** Why an address may not be connected to: what it is, or on which list. @param name that it was found by */
  const checkAddress = (written: string, name: string | undefined): string | undefined => {
    const address = readAddress(written);
    if (address === undefined) return 'no address';
    const all = [address, ...embeddedIn(address)];
    const isAllowed = isInside(meantBy(address), allowed?.networks ?? []);
    if (all.some((each) => isInside(each, denied.networks))) return 'on the deny list';
    if (!isAllowed) {
      const special = byDefault.find(
        ({ network }) => network !== undefined && all.some((each) => isInside(each, [network])),
      );
      if (special !== undefined) return special.what;
      if (allowed !== undefined && (name === undefined || !hasName(allowed, name))) {
        return 'not on the allow list';
      }
    }
    return undefined;
  };

  const check = (host: string): string | undefined => {
    const name = plainName(host);
    const why = isIP(name) === 0 ? checkName(name) : checkAddress(name, undefined);
    return why === undefined ? undefined : `${name} (${why})`;
  };

  const checkName = (name: string): string | undefined => {
    if (hasName(denied, name)) return 'on the deny list';
    const isOpen = allowed === undefined || allowed.networks.length > 0 || hasName(allowed, name);
    return isOpen ? undefined : 'not on the allow list';
  };

  const lookUpShared = shareLookups(resolve);

  const lookup: LookupFunction = (host, options, done) => {
    const name = plainName(host);
    lookUpShared(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return done(error, []);
      const addresses: readonly LookupAddress[] =
        typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found;
      const open: LookupAddress[] = [];
      let why: string | undefined;
      for (const each of addresses) {
        const reason = checkAddress(each.address, name);
        if (reason === undefined) open.push(each);
        else why ??= `${name} (${each.address}, ${reason})`;
      }
      const [first] = open;
      if (first === undefined) {
        done(new AddressDeniedError(why ?? `${name} (it has no address)`), []);
      } else if (options.all === true) done(null, open);
      else done(null, first.address, first.family);
    });
  };

  return { check, lookup };
}

function readEntries(list: readonly string[], key: string, issues: Issue[]): Entries {
  const networks: Network[] = [];
  const names = new Set<string>();
  const endings: string[] = [];
  for (const [at, written] of list.entries()) {
    const entry = typeof written === 'string' ? plainName(written.trim()) : '';
    const network = readNetwork(entry);
    const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
    if (network !== undefined) networks.push(network);
    else if (
      /^[\d.]+$/.test(entry) ||
      !new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`).test(entry)
    ) {
      const message =
        'Must be a host such as example.com or *.example.com, an address, or a network such as 10.0.0.0/8.';
      issues.push({ path: [key, at], message });
    } else if (entry.startsWith('*.')) endings.push(entry.slice(1));
    else names.add(entry);
  }
  return { networks, names, endings };
}

function hasName({ names, endings }: Entries, name: string): boolean {
  return names.has(name) || endings.some((ending) => name.endsWith(ending));
}

/** In lower case, without the brackets of an IPv6 address and without the dot at the end. */
function plainName(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\](?=$|\/)/, '$1')
    .replace(/\.$/, '');
}

function readNetwork(text: string): Network | undefined {
  const [start = '', length, ...rest] = text.split('/');
  if (isIP(start) === 0 || rest.length > 0 || start.includes('%')) return undefined;
  const address = ipaddr.parse(start);
  const most = address.kind() === 'ipv4' ? 32 : 128;
  if (length === undefined) return narrow({ text, address, bits: most });
  const bits = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  return bits <= most ? narrow({ text, address, bits }) : undefined;
}

/** IPv4 written as IPv6 is meant as IPv4. */
function narrow(network: Network): Network {
  const { address, bits } = network;
  if (!(address instanceof ipaddr.IPv6) || !address.isIPv4MappedAddress() || bits < 96)
    return network;
  return { ...network, address: address.toIPv4Address(), bits: bits - 96 };
}

/** An IPv4 address that is written as IPv6 is answered as IPv4. */
function readAddress(text: string): Address | undefined {
  return isIP(text) === 0 ? undefined : ipaddr.process(text);
}

function isInside(address: Address, networks: readonly Network[]): boolean {
  return networks.some(
    (network) =>
      network.address.kind() === address.kind() &&
      address.match(network.address as never, network.bits), // of the same kind
  );
}

/**
 * What has to be allowed: of an IPv4 address that is translated, that; of any other, itself. For what lies in a tunnel somebody
 * else carries it on, and who owns an IPv6 network can write any IPv4 address into its own.
 */
function meantBy(address: Address): Address {
  const isTranslated = ['rfc6052', 'rfc6145'].includes(address.range());
  const [only, ...others] = isTranslated ? embeddedIn(address) : [];
  return only === undefined || others.length > 0 ? address : only;
}

/** IPv4 addresses that what is sent to an IPv6 one may come to. */
function embeddedIn(address: Address): readonly ipaddr.IPv4[] {
  if (!(address instanceof ipaddr.IPv6)) return [];
  const bytes = address.toByteArray();
  const v4 = (from: number, flip = 0): ipaddr.IPv4 =>
    new ipaddr.IPv4(bytes.slice(from, from + 4).map((byte) => byte ^ flip));
  switch (address.range()) {
    case 'rfc6052': // translated: 64:ff9b::/96, and what networks choose for themselves
      return bytes[5] === 1 ? listTranslated(bytes) : [v4(12)];
    case 'rfc6145': // translated
      return [v4(12)];
    case '6to4':
      return [v4(2)];
    case 'teredo': // the server, and the client with its bits turned
      return [v4(4), v4(12, 0xff)];
    default: {
      const isOldForm = bytes.slice(0, 12).every((byte) => byte === 0) && bytes[12] !== 0;
      const isIsatap =
        (bytes[8] === 0 || bytes[8] === 2) &&
        bytes[9] === 0 &&
        bytes[10] === 0x5e &&
        bytes[11] === 0xfe;
      return isOldForm || isIsatap ? [v4(12)] : [];
    }
  }
}

/** By RFC 6052 the address stands in one of some places, around the byte 8; which is not told. One is not made of zeros. */
function listTranslated(bytes: readonly number[]): ipaddr.IPv4[] {
  return [6, 7, 8, 12]
    .map((from) => bytes.slice(from).filter((_, at) => from + at !== 8 || from === 12))
    .filter(([first]) => first !== 0)
    .map((rest) => new ipaddr.IPv4(rest.slice(0, 4)));
}
