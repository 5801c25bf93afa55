/** How a service is. Which is worse than which is told by `SEVERITY`. */
export type ServiceStatus = 'HEALTHY' | 'DEGRADED' | 'UNHEALTHY' | 'UNKNOWN';

export const SERVICE_STATUSES: readonly ServiceStatus[] = [
  'UNHEALTHY',
  'DEGRADED',
  'UNKNOWN',
  'HEALTHY',
];

/** The higher, the worse. */
export const SEVERITY: Readonly<Record<ServiceStatus, number>> = {
  HEALTHY: 0,
  UNKNOWN: 1,
  DEGRADED: 2,
  UNHEALTHY: 3,
};

/**
 * What a service is. HTTP: something that answers requests. AGENT: a program that tells its own state, or is asked for it by a
 * function. PART: a part of this server.
 */
export type ServiceKind = 'HTTP' | 'AGENT' | 'PART';

/**
 * Who said that there is such a service. CONFIGURATION: the configuration, which wins and can't be changed live. API:
 * somebody, live. REPORT: an agent, by its first report. LIBRARY: the program that Millrace is part of. SERVER: itself.
 */
export type ServiceOrigin = 'CONFIGURATION' | 'API' | 'REPORT' | 'LIBRARY' | 'SERVER';

/** When results make a status; see `HealthState`. */
export interface Thresholds {
  /** So many results in a row that are not good make it worse. */
  readonly failureThreshold: number;
  /** So many good results in a row make it better. */
  readonly successThreshold: number;
  /** How many of the latest results are looked at for changes. */
  readonly windowSize: number;
  /** So many changes among them, and it flaps. */
  readonly flapThreshold: number;
}

/** The TLS part of a check; all may be left out. */
export interface TlsOptions {
  /** Certificates, as PEM, that are trusted besides nobody else. Default: those that Node trusts. */
  readonly ca?: string | undefined;
  /** The name that the certificate must have. Default: the host of the URL. */
  readonly serverName?: string | undefined;
  /** With false any certificate is taken. Default true. */
  readonly verify?: boolean | undefined;
  /** Certificate and key, as PEM, that prove to the service who asks. */
  readonly cert?: string | undefined;
  /** Secret. */
  readonly key?: string | undefined;
}

export const HTTP_METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST'] as const;

/** A service that is checked over HTTP, with every default filled in. Plain data. */
export interface ServiceDefinition extends Thresholds {
  /** Unique in its tenant. Letters, digits, `.`, `_`, `/`, `-`. */
  readonly name: string;
  readonly description: string | undefined;
  readonly url: string;
  readonly method: (typeof HTTP_METHODS)[number];
  /** Values may be secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly intervalMs: number;
  /** Whether `intervalMs` may be more than 1,000. */
  readonly extendedInterval: boolean;
  readonly timeoutMs: number;
  /** Statuses and ranges, such as `200-299` and `404`. */
  readonly expectedStatus: readonly string[];
  /** Expressions that must be true; they read `body`, `status`, `responseTimeMs`. */
  readonly conditions: readonly string[];
  /** An answer that takes longer is DEGRADED. */
  readonly degradedAboveMs: number | undefined;
  readonly maxBodyBytes: number;
  readonly tls: TlsOptions | undefined;
  /** Names of services that this one needs. */
  readonly dependsOn: readonly string[];
}

/** Why a check did not find a service healthy. */
export type CheckFailure =
  | 'HTTP_STATUS'
  | 'TIMEOUT'
  | 'CONNECTION_REFUSED'
  | 'CONNECTION_RESET'
  | 'NAME_NOT_RESOLVED'
  | 'UNREACHABLE'
  | 'TLS'
  | 'CONDITION'
  | 'NOT_JSON'
  | 'BODY_TOO_LARGE'
  | 'PROTOCOL'
  | 'ADDRESS_DENIED'
  | 'SLOW'
  | 'REPORTED'
  | 'FAILED';

/** What one check found (H2). */
export interface CheckResult {
  readonly status: ServiceStatus;
  /** When it ended; milliseconds since the Unix epoch. */
  readonly at: number;
  /** How long the service took to answer, or not to; `undefined` for what was reported. */
  readonly responseTimeMs: number | undefined;
  readonly httpStatus: number | undefined;
  readonly failure: CheckFailure | undefined;
  /** For people: `HTTP 503`, `Request timeout`. There whenever `failure` is. */
  readonly error: string | undefined;
  /** The body, when it is JSON: its text, parsed only when somebody looks. Or what an agent reported, as JSON text. */
  readonly details: string | undefined;
}

/** What happened that a status changed, or stayed as it is against appearances. */
export type TransitionRule =
  /** The first result after nothing was known. */
  | 'FIRST_RESULT'
  | 'FAILURES_IN_A_ROW'
  | 'NOT_HEALTHY_IN_A_ROW'
  /** It did not say how it is. */
  | 'UNKNOWN_IN_A_ROW'
  | 'SUCCESSES_IN_A_ROW'
  /** Too many changes in the window. */
  | 'FLAPPING'
  /** It does no longer flap. */
  | 'STEADY_AGAIN'
  /** An agent did not report when it should have. */
  | 'REPORT_MISSED';

/** Why a status changed: enough to check the decision by hand. */
export interface Explanation {
  readonly rule: TransitionRule;
  /** A sentence for people: `3 checks in a row failed (threshold 3). The last: HTTP 503.` */
  readonly text: string;
  /** What it took. */
  readonly threshold: number;
  /** What there was: results in a row, or changes in the window. */
  readonly observed: number;
  /** The check that tipped the scales; `undefined` where that was a missed report. */
  readonly result: Omit<CheckResult, 'details'> | undefined;
}

/** A change of status. */
export interface Transition {
  readonly from: ServiceStatus;
  readonly to: ServiceStatus;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly explanation: Explanation;
}

/** A transition as it is kept. */
export interface KeptTransition extends Transition {
  /** UUID version 7. */
  readonly id: string;
  readonly tenant: string;
  readonly service: string;
}

/** A time in which a service is not counted: somebody is at it. */
export interface Maintenance {
  readonly startedAt: number;
  /** It ends by itself then. */
  readonly until: number;
  readonly reason: string | undefined;
  readonly startedBy: string | undefined;
}

/** A service as it is now. Plain data. */
export interface ServiceReading {
  readonly tenant: string;
  /** Such as `payments`, `agent:crawler`, `millrace:database`. */
  readonly name: string;
  readonly kind: ServiceKind;
  readonly origin: ServiceOrigin;
  readonly description: string | undefined;
  /** How it is checked, where it is over HTTP. Headers and keys in it are secret. */
  readonly definition: ServiceDefinition | undefined;
  readonly thresholds: Thresholds;
  readonly status: ServiceStatus;
  /** Since when it has that status; of one that never had another, since it is there. */
  readonly since: number;
  /** Why it has that status; `undefined` while nothing is known. */
  readonly explanation: Explanation | undefined;
  readonly lastResult: CheckResult | undefined;
  /** Of the window: how many results there are, failed, and how often they changed. */
  readonly window: WindowReading;
  readonly isFlapping: boolean;
  readonly maintenance: Maintenance | undefined;
  /** How often it is checked, or should report; `undefined` for an agent that reports when it likes. */
  readonly intervalMs: number | undefined;
  readonly dependsOn: readonly string[];
  /** Services that are down and that it needs, directly or not, which themselves need nothing that is down. */
  readonly causedBy: readonly string[];
  /** Checks and reports since the process began. */
  readonly checkCount: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface WindowReading {
  readonly count: number;
  readonly failedCount: number;
  readonly changeCount: number;
}
