import type { Logger } from 'pino';
import type { AlertOptions } from '../alerts/alert-options.ts';
import type { AuthHook } from '../auth/auth-hook.ts';
import type { JwtOptions } from '../auth/jwt-options.ts';
import type { DebuggerOptions } from '../debug-sessions/create-debug-sessions.ts';
import type { EngineOptions, Flow } from '../engine/index.ts';
import type { OperationLimits } from '../graphql/context.ts';
import type { HealthOptions } from '../health/health-options.ts';
import type { RecoveryOptions } from '../jobs/job-recovery.ts';
import type { RetentionOptions } from '../jobs/retention.ts';
import type { Clock } from '../lib/clock.ts';
import type { JobMonitorOptions } from '../monitoring/job-monitor.ts';
import type { TrustedDocuments } from '../server/documents/documents.ts';
import type { ExampleOperation } from '../server/graphiql.ts';
import type { ServerLimits } from '../server/limits.ts';
import type { CorsOptions, ListenOptions } from '../server/server.ts';
import type { OpenDatabaseOptions } from '../storage/open-database.ts';

/** How people prove who they are, besides by API keys. */
export interface AuthOptions {
  /** JSON Web Tokens. Default: none is taken. */
  readonly jwt?: JwtOptions | undefined;
  /** Says who somebody is, in the way of the program that Millrace is part of. Default: nobody is asked. */
  readonly hook?: AuthHook | undefined;
}

/** What a running system is made of. Only `flows` has to be given. */
export interface AppOptions {
  /** The flows that jobs can be started of. */
  readonly flows: readonly Flow[];
  /** How people prove who they are, besides by API keys. */
  readonly auth?: AuthOptions;
  /** Where faults of the system itself are written. Default: JSON lines on standard error, from level `warn`. */
  readonly logger?: Logger;
  /** With true nobody may start or change jobs through the API. Default false. */
  readonly isReadOnly?: boolean;
  /** Where time comes from, for the engine too. Default: the machine's clock. */
  readonly clock?: Clock;
  /** How many jobs run at once, and for how long code may keep the event loop or outlive its job. */
  readonly engine?: Omit<EngineOptions, 'clock'>;
  /** How much of each job's trace and log is remembered. */
  readonly monitor?: JobMonitorOptions;
  /**
   * Where jobs are kept: `sqlite:<path>`, `postgres://…`, or `sqlite::memory:`, which forgets them when the app is
   * closed. With an object more can be said. Default: in memory.
   */
  readonly database?: string | (OpenDatabaseOptions & { readonly url: string });
  /** How often a running job that changes is checkpointed, in milliseconds. Default 5,000. */
  readonly checkpointIntervalMs?: number;
  /** When jobs that were running at crashes are given up. */
  readonly recovery?: RecoveryOptions;
  /** Whether people may evaluate expressions in jobs, and how long what they debug waits for them. */
  readonly debugger?: DebuggerOptions;
  /** Which services are looked at besides those that people add live. Default: the server's own parts. */
  readonly health?: HealthOptions;
  /** Rules of alerts besides those that people add live, and how long alerts are kept. Default: no rules. */
  readonly alerts?: AlertOptions;
  /** What is removed when. */
  readonly retention?: RetentionOptions;
  /** How long running code may go on when the app is closed, in milliseconds. Default 10,000. */
  readonly closeGraceMs?: number;
  /** How many job events are held in memory for subscribers that come back; older ones are read from the database. Default 10,000. */
  readonly heldEvents?: number;
  /** What one operation may cost. Default: 250,000 fields in the answer, 15 levels, 500 fields as written. */
  readonly limits?: Partial<OperationLimits>;
}

/** Where and how the API is served. */
export interface ServeOptions extends ListenOptions {
  /** What one client may ask of the server. Each has a default of its own. */
  readonly limits?: Partial<ServerLimits>;
  /** Names besides addresses and `localhost` that browsers may reach the server by. */
  readonly knownHosts?: readonly string[];
  /**
   * Lets everybody do everything, also those on other machines. Refused where there is a way to prove who one is. Default:
   * then nobody has to prove anything on this machine alone, and there is no other `host`.
   */
  readonly isInsecure?: boolean;
  /** Web pages of other sites that may use the server. Default: those of this machine, at any port. */
  readonly cors?: CorsOptions;
  /** How many proxies stand before the server, each of which can be trusted to add to `X-Forwarded-For`. Default 0. */
  readonly trustProxy?: number;
  /** Whether browsers are shown GraphiQL. Default true. */
  readonly graphiql?: boolean;
  /** Whether the schema can be asked for. Default true. */
  readonly introspection?: boolean;
  /** Whether errors tell what of the schema may have been meant. Default true. */
  readonly suggestions?: boolean;
  /** The only documents that are answered. Default: all are. */
  readonly trustedDocuments?: TrustedDocuments;
  /** Whether the log tells the variables of operations, secrets among them masked. Default false. */
  readonly logVariables?: boolean;
  /** Operations that GraphiQL offers in tabs. */
  readonly examples?: readonly ExampleOperation[];
}
