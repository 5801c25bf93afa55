import type { IncomingHttpHeaders } from 'node:http';

/**
 * What somebody may be allowed. Each stands alone: none of them includes another.
 *
 * - `read`: see flows and jobs, and subscribe to them
 * - `control`: start, pause, resume, cancel, retry and delete jobs
 * - `debug`: breakpoints, stops, steps and edits in jobs
 * - `evaluate`: evaluate expressions in jobs that stand still
 * - `ingest`: send what happened elsewhere
 * - `admin`: the audit log, and figures of the whole server
 */
export const SCOPES = ['read', 'control', 'debug', 'evaluate', 'ingest', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

/** Where everything belongs that nobody said a tenant of. */
export const DEFAULT_TENANT = 'default';

/** Whoever asks, as far as that was proved. */
export interface Identity {
  readonly scopes: ReadonlySet<Scope>;
  /** Sees and changes what belongs to this tenant, and never learns of any other. */
  readonly tenant: string;
  /** Who it is; `undefined` for anybody. */
  readonly subject?: string | undefined;
  /** Until when this holds, in milliseconds since the Unix epoch; `undefined` for always. */
  readonly expiresAt?: number | undefined;
  /**
   * Whether this still holds: asked from time to time for as long as its client is connected, so it must be cheap. Rejected
   * when that can't be found out now, which ends nothing. Default: it holds until it expires.
   */
  readonly recheck?: (() => Promise<boolean>) | undefined;
}

/** Who asks where nobody has to say who they are: may do everything, in the tenant of those who belong to none. */
export const ANYBODY: Identity = { scopes: new Set(SCOPES), tenant: DEFAULT_TENANT };

/** What somebody sent to prove who they are: the same for all transports. */
export interface Credentials {
  readonly transport: 'http' | 'websocket';
  /** Of the HTTP request; of a WebSocket those of the one it began with. */
  readonly headers: IncomingHttpHeaders;
  /** What a WebSocket client sent when it connected; empty for HTTP. */
  readonly connectionParams: Readonly<Record<string, unknown>>;
  /** Network address of the client, if known. */
  readonly address: string | undefined;
}

/**
 * Finds out who asks.
 * @throws UnauthenticatedError when that was not proved
 */
export type Authenticate = (credentials: Credentials) => Promise<Identity>;
