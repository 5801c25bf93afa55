import { BlockList, isIP } from 'node:net';
import { DomainError } from '../lib/domain-error.ts';

/** `ON`: everybody has to prove who they are. `OFF`: nobody, and everybody may do everything. */
export type AuthMode = 'ON' | 'OFF';

/** What decides it. */
export interface AuthCircumstances {
  /** What the server listens on: an address or a name. */
  readonly host: string;
  /** Whether a key was ever made. */
  readonly hasKeys: boolean;
  readonly hasJwt: boolean;
  readonly hasHook: boolean;
  /** Whether whoever starts it said that nobody has to prove anything. */
  readonly isInsecure: boolean;
}

/** A server would be open to others though nobody said so; or was told to be, and not to be. */
export class OpenServerError extends DomainError {
  readonly code = 'OPEN_SERVER';
}

/**
 * Whether people have to prove who they are: they have to as soon as there is a way to. Without one, whoever can reach
 * the server may do everything; so it must be this machine alone, or have been asked for.
 * @throws OpenServerError when the server must not be started like this
 */
export function decideAuthMode(circumstances: AuthCircumstances): AuthMode {
  const { host, hasKeys, hasJwt, hasHook, isInsecure } = circumstances;
  if (hasKeys || hasJwt || hasHook) {
    if (!isInsecure) return 'ON';
    throw new OpenServerError(
      hasKeys
        ? 'API keys were made in this database, and --insecure-no-auth says that nobody has to show one. Leave that out, or name another database.'
        : 'It was set up how people prove who they are, and --insecure-no-auth says that nobody has to. Leave out one of the two.',
    );
  }
  if (isInsecure || isLoopback(host)) return 'OFF';
  throw new OpenServerError(
    `On "${host}" others than this machine can reach the server, and nobody would have to prove who they are. Make an API key with \`millrace keys create --subject NAME\`, or set up JWT; or listen on 127.0.0.1; or say --insecure-no-auth where something else keeps strangers away.`,
  );
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether only this machine can reach a host: `localhost`, 127.0.0.0/8, `::1`, in brackets or not. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1');
  if (name.toLowerCase() === 'localhost') return true;
  const version = isIP(name);
  // IPv6 also has all of IPv4 in it, as ::ffff:127.0.0.1.
  return version !== 0 && LOOPBACK.check(name, version === 4 ? 'ipv4' : 'ipv6');
}
