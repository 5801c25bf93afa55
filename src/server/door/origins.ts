import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { CorsOptions } from '../server.ts';
import { ServerError } from '../server-error.ts';
import type { Refusal } from './refusal.ts';

/** Which pages may use a server, and by which names. */
export interface OriginRules {
  /** Default: pages of this machine, at any port. */
  readonly cors: CorsOptions | undefined;
  /** Names besides addresses and `localhost` that the server has, in lower case. */
  readonly knownHosts: readonly string[];
  /** Whether everything is answered to anybody. */
  readonly isOpen: boolean;
}

/** Where a request comes from: no page that says so, one that may use the server, or one that may not. */
export type Provenance =
  | { readonly kind: 'UNTOLD' }
  | { readonly kind: 'ALLOWED'; readonly origin: string }
  | { readonly kind: 'REFUSED'; readonly refusal: Refusal };

const UNTOLD: Provenance = { kind: 'UNTOLD' };

/** Pages of this machine. */
const LOCAL_ORIGIN = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;

/** A name or address, and a port, as they stand in `Host`. */
const HOST = /^(?:\[([0-9a-f:.]+)\]|([^\s:@/\\[\]]+))(?::\d*)?$/;

/**
 * Says which requests may come in, by where they come from. A browser names the page behind a request (`Origin`) in whatever
 * could do harm from another site: POST requests, WebSockets, and all that a script of another site wants to read.
 *
 * - A page of the server itself may use it, if it came by a name that only this server's people can have given it: an address,
 *   `localhost`, or one of the known hosts. A page can make its own name point to this machine (DNS rebinding), and so be of the
 *   same origin by name.
 * - Pages of other sites may use it if their origin is listed, letter by letter. `null`, which pages have that hide where they
 *   are from, never is.
 * - Where no page is named, it may be no browser at all, or a page's GET to its own name, which may have been made to point
 *   here. That is harmless where everybody has to prove who they are, which such a page can't. Where everything is answered to
 *   anybody, the name that the request was sent to (`Host`) must be one of the server's as well.
 */
export class Origins {
  readonly #isListed: (origin: string) => boolean;
  readonly #knownHosts: ReadonlySet<string>;
  readonly #isOpen: boolean;

  /** @throws ServerError when an origin is none, or when every page could send what browsers keep for this server */
  constructor({ cors, knownHosts, isOpen }: OriginRules) {
    this.#isListed = listedBy(cors);
    this.#knownHosts = new Set(knownHosts);
    this.#isOpen = isOpen;
  }

  /** Says where a request comes from. */
  judge({ headers: { origin, host } }: IncomingMessage): Provenance {
    if (origin === undefined) {
      return this.#isOpen && !this.#isOwnName(host) ? misdirected(host) : UNTOLD;
    }
    const isSameHost = URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
    const isAllowed = (isSameHost && this.#isOwnName(host)) || this.#isListed(origin);
    return isAllowed ? { kind: 'ALLOWED', origin } : forbidden(origin, isSameHost);
  }

  #isOwnName(host = ''): boolean {
    const [, address, name = ''] = HOST.exec(host.toLowerCase()) ?? [];
    if (address !== undefined) return isIP(address) === 6;
    return name === 'localhost' || this.#knownHosts.has(name) || isIP(name) === 4;
  }
}

function listedBy({ origins, credentials = false }: Partial<CorsOptions> = {}) {
  if (origins === undefined) return (origin: string) => LOCAL_ORIGIN.test(origin);
  if (origins !== '*' && !origins.includes('*')) {
    const listed = new Set(origins.map(normalOrigin));
    return (origin: string) => listed.has(origin);
  }
  if (credentials) {
    const message =
      'Pages of all sites (*) may not send credentials. Name the origins that may, or turn credentials off.';
    throw new ServerError('INVALID_CORS', message);
  }
  return (origin: string) => origin !== 'null';
}

/** An origin as browsers write it. */
function normalOrigin(text: string): string {
  const { origin, pathname = '' } = URL.canParse(text) ? new URL(text) : {};
  if (origin === undefined || origin === 'null' || pathname.length > 1) {
    const message = `"${text}" is no origin. One looks like https://flows.example or http://localhost:3000.`;
    throw new ServerError('INVALID_CORS', message);
  }
  return origin;
}

/** @param isSameHost whether the request was sent to the name that the page came by */
function forbidden(origin: string, isSameHost: boolean): Provenance {
  const option = isSameHost ? '--known-hosts' : '--cors-origins';
  const message = `Web pages of ${origin.slice(0, 200)} may not use this server. Its operator may allow them with ${option}.`;
  return { kind: 'REFUSED', refusal: { status: 403, code: 'FORBIDDEN_ORIGIN', message } };
}

function misdirected(host = ''): Provenance {
  const message = `This server is not known as "${host.slice(0, 200)}". Use its address, or tell it the name with --known-hosts.`;
  return { kind: 'REFUSED', refusal: { status: 421, code: 'UNKNOWN_HOST', message } };
}
