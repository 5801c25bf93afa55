import type { Logger } from 'pino';
import { decideAuthMode } from '../auth/auth-mode.ts';
import { createAuthenticator } from '../auth/authenticator.ts';
import type { Keyring } from '../auth/keyring.ts';
import { createContexts, type Services, sharingKey } from '../graphql/context.ts';
import { measureCost } from '../graphql/measure-cost.ts';
import type { Clock } from '../lib/clock.ts';
import type { Identity } from '../lib/identity.ts';
import { createServer } from '../server/create-server.ts';
import { OPEN_LIMITS } from '../server/limits.ts';
import type { Figure, Readiness, Server, ServerOptions } from '../server/server.ts';
import type { AuthOptions, ServeOptions } from './app-options.ts';

interface ServerParts {
  readonly schema: ServerOptions['schema'];
  readonly services: Services;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Who asks, with no more scopes than the app gives. */
  readonly limitScopes: (identity: Identity) => Identity;
  readonly maskError: (error: unknown) => Error;
  readonly readiness: () => Readiness;
  readonly figures: () => readonly Figure[];
}

/** A server, and whether people have to prove to it who they are. */
export interface AssembledServer {
  readonly server: Server;
  readonly isOpen: boolean;
}

/**
 * Puts together what serves the API, and decides whether people have to prove who they are.
 * @throws OpenServerError when it would be open to others though nobody said so
 */
export async function assembleServer(
  parts: ServerParts,
  { jwt: jwtOptions, hook }: AuthOptions,
  options: ServeOptions,
): Promise<AssembledServer> {
  const { schema, services, keyring, clock, logger, limitScopes } = parts;
  const {
    examples = [],
    limits,
    host,
    port,
    isInsecure = false,
    graphiql = true,
    ...web
  } = options;
  const mode = decideAuthMode({
    host: host ?? '127.0.0.1',
    hasKeys: await keyring.hasAny(),
    hasJwt: jwtOptions !== undefined,
    hasHook: hook !== undefined,
    isInsecure,
  });
  const isOpen = mode === 'OFF';
  // Its library is loaded where it is needed: that costs megabytes.
  const jwt =
    jwtOptions && (await import('../auth/jwt.ts')).createJwtVerifier(jwtOptions, { clock, logger });
  const authenticator = createAuthenticator({ keyring, jwt, hook, clock, logger });
  const makeContext = createContexts(services);
  const server = createServer({
    ...web,
    schema,
    logger,
    isOpen,
    ...(isOpen
      ? {}
      : { authenticate: async (shown) => limitScopes(await authenticator.authenticate(shown)) }),
    limits: { ...(isOpen ? OPEN_LIMITS : {}), ...limits },
    createContext: (connection) =>
      makeContext(
        // Where nobody is asked everybody is the same, and has what the app gives.
        { ...limitScopes(connection.identity), address: connection.address },
        connection,
      ),
    sharingKey,
    measureCost,
    maskError: parts.maskError,
    readiness: parts.readiness,
    metrics: parts.figures,
    graphiql: graphiql && { operations: examples },
  });
  return {
    isOpen,
    server: {
      ...server,
      async close() {
        await server.close();
        authenticator.close();
      },
    },
  };
}
