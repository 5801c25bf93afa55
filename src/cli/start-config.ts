import type { Logger } from 'pino';
import type { AppOptions, ServeOptions } from '../app.ts';
import { readKeepLimits } from '../config/keep-limits.ts';
import { operationLimitsOf, serverLimitsOf } from '../config/limits-of.ts';
import type { Config } from '../config/options.ts';
import type { FoundConfig } from '../config/read-config.ts';
import { databaseOf } from './database-config.ts';

/** What an app is made of, as a configuration says it; all but its flows. */
export function appOptionsOf(
  {
    config,
    authenticate,
    services,
    alertRules,
  }: Pick<FoundConfig, 'config' | 'authenticate' | 'services' | 'alertRules'>,
  logger: Logger,
): Omit<AppOptions, 'flows'> {
  const { readOnly, evaluation, maxRunningJobs, checkpointIntervalMs } = config;
  const { pauseTtlMs, leaseMs, codeGraceMs, keep } = config;
  const { healthAllow: allow, healthDeny: deny, healthParts: parts } = config;
  const { maxServices, maxChecksPerSecond } = config;
  return {
    auth: { jwt: jwtOptionsOf(config), hook: authenticate },
    logger,
    isReadOnly: readOnly,
    database: databaseOf(config),
    retention: readKeepLimits(keep) ?? {},
    engine: { maxRunningJobs },
    checkpointIntervalMs,
    debugger: { evaluation, pauseTtlMs, leaseMs },
    closeGraceMs: codeGraceMs,
    limits: operationLimitsOf(config),
    health: {
      services: services.services,
      allow,
      deny,
      parts,
      maxServices,
      maxChecksPerSecond,
    },
    alerts: { rules: alertRules.rules },
  };
}

/** How an app is served, as a configuration says it. */
export function serveOptionsOf({
  config,
  settings,
  trustedDocuments: documents,
}: Pick<FoundConfig, 'config' | 'settings' | 'trustedDocuments'>): ServeOptions {
  const { host, port, knownHosts, insecureNoAuth, corsOrigins: origins, corsCredentials } = config;
  const { trustProxy, graphiql, introspection, suggestions, logVariables } = config;
  const cors = origins && {
    origins: origins.includes('*') ? ('*' as const) : origins,
    credentials: corsCredentials,
  };
  return {
    host,
    port,
    knownHosts,
    isInsecure: insecureNoAuth,
    ...(cors && { cors }),
    trustProxy,
    graphiql,
    introspection,
    suggestions,
    ...(documents && { trustedDocuments: { documents, mode: 'only' } }),
    logVariables,
    limits: serverLimitsOf(settings),
  };
}

function jwtOptionsOf(config: Config): NonNullable<AppOptions['auth']>['jwt'] {
  const { jwtSecret: secret, jwksUrl, jwtIssuer: issuer, jwtAudience: audience } = config;
  if (secret === undefined && jwksUrl === undefined) return undefined;
  const { jwtScopesClaim: scopesClaim, jwtTenantClaim: tenantClaim } = config;
  const clockToleranceSec = config.jwtClockToleranceSec;
  return { secret, jwksUrl, issuer, audience, scopesClaim, tenantClaim, clockToleranceSec };
}
