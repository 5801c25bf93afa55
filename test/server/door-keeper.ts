import { expect, onTestFinished } from 'vitest';
import { UnauthenticatedError } from '../../src/lib/domain-error.ts';
import {
  ANYBODY,
  type Credentials,
  DEFAULT_TENANT,
  type Identity,
} from '../../src/lib/identity.ts';
import type { ServerLimits } from '../../src/server/limits.ts';
import { dial } from './dial.ts';
import { serve, until } from './serve.ts';
import { open } from './test-api.ts';

/** Somebody who has a token. */
export function identity(more: Partial<Identity> = {}): Identity {
  return { scopes: ANYBODY.scopes, tenant: DEFAULT_TENANT, subject: 'ann', ...more };
}

/** Who shows a token, and for how long that holds, in milliseconds from when it was asked. */
type Shown = Partial<Identity> & { readonly lastsMs?: number };

/** Lets those in whose tokens it knows, and remembers whom it was asked about. */
export class DoorKeeper {
  readonly tokens = new Map<string, Shown>();
  readonly asked: string[] = [];

  constructor(tokens: Readonly<Record<string, Shown>> = {}) {
    for (const [token, shown] of Object.entries(tokens)) this.tokens.set(token, shown);
  }

  readonly authenticate = async ({ transport, headers, connectionParams }: Credentials) => {
    const { authorization } = transport === 'http' ? headers : connectionParams;
    const token = String(authorization ?? '').replace('Bearer ', '');
    this.asked.push(token);
    const known = this.tokens.get(token);
    if (known === undefined) throw new UnauthenticatedError(`"${token}" is not valid here.`);
    const { lastsMs, ...who } = known;
    return identity(lastsMs === undefined ? who : { ...who, expiresAt: Date.now() + lastsMs });
  };
}

/** A bare socket whose client shows a token. */
export async function dialWith(url: string, token: string) {
  const dialled = await dial(url);
  const show = () =>
    dialled.say({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  return { ...dialled, show };
}

/** Headers that show a token. */
export function bearer(token: string, more: Readonly<Record<string, string>> = {}) {
  return { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...more };
}

/** A server that must have nothing left when it is closed, and have told no secret to its log. */
export async function serveBehind(
  authenticate: (credentials: Credentials) => Promise<Identity>,
  limits: Partial<ServerLimits> = {},
) {
  const served = await serve({ authenticate, limits });
  const counts = () => served.server.countConnections();
  onTestFinished(async () => {
    await served.server.close();
    await until(() => counts().eventStreams === 0);
    const nothing = { webSockets: 0, eventStreams: 0, operations: 0, subscriptions: 0, groups: 0 };
    expect(counts()).toMatchObject(nothing);
    expect(open.count).toBe(0);
    expect(JSON.stringify(served.logged)).not.toContain('s3cr3t');
  });
  return { ...served, counts };
}
