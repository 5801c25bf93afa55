import type { EndedOperation } from './operation-log.ts';

/** Ends of the ranges in which durations are counted, in seconds. */
export const DURATION_BUCKETS = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60,
];

/** Why requests and operations are refused, by the code that the client is told. All others are `other`. */
const REFUSAL_REASONS: Readonly<Record<string, string>> = {
  RATE_LIMITED: 'rate_limit',
  TOO_MANY_OPERATIONS: 'too_many',
  TOO_MANY_SUBSCRIPTIONS: 'too_many',
  TOO_MANY_RESERVATIONS: 'too_many',
  UNAUTHENTICATED: 'auth',
  FORBIDDEN: 'auth',
  TOO_MANY_ATTEMPTS: 'auth',
  AUTHENTICATION_UNAVAILABLE: 'auth',
  CSRF_REFUSED: 'csrf',
  FORBIDDEN_ORIGIN: 'origin',
  UNKNOWN_HOST: 'origin',
  REQUEST_ENTITY_TOO_LARGE: 'too_large',
  URI_TOO_LONG: 'too_large',
  TOO_MANY_HEADERS: 'too_large',
  UNSUPPORTED_MEDIA_TYPE: 'media_type',
  UNSUPPORTED_CONTENT_ENCODING: 'media_type',
  GRAPHQL_PARSE_FAILED: 'document',
  GRAPHQL_VALIDATION_FAILED: 'document',
  DOCUMENT_NOT_TRUSTED: 'document',
  DOCUMENT_TOO_LARGE: 'too_costly',
  TOO_MANY_ALIASES: 'too_costly',
  TOO_MANY_DIRECTIVES: 'too_costly',
  TOO_COSTLY: 'too_costly',
};

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);

/** How often something happened, by the values of its labels. */
export interface Tally {
  readonly labels: Readonly<Record<string, string>>;
  count: number;
}

/** How long something took, by the values of its labels. */
export interface DurationTally extends Tally {
  /** How many took no longer than the end of each range, and longer than that of the one before. */
  readonly inBuckets: number[];
  sumSeconds: number;
}

/** Counts what one server answered, for its metrics. All labels have few values, whatever clients send. */
export class Tallies {
  readonly #requests = new Map<string, Tally>();
  readonly #refusals = new Map<string, Tally>();
  readonly #operations = new Map<string, DurationTally>();

  get requests(): Iterable<Tally> {
    return this.#requests.values();
  }

  get refusals(): Iterable<Tally> {
    return this.#refusals.values();
  }

  get operations(): Iterable<DurationTally> {
    return this.#operations.values();
  }

  /** Counts an HTTP request. @param status that of its answer; `undefined` when it got none */
  countRequest(method = '', status: number | undefined): void {
    const shown = METHODS.has(method) ? method : 'other';
    const statusClass = status === undefined ? 'none' : `${Math.floor(status / 100)}xx`;
    count(this.#requests, `${shown} ${statusClass}`, () => ({
      method: shown,
      status: statusClass,
    }));
  }

  /** Counts what was refused, by the code of the error. */
  countRefusal(code: unknown): void {
    const reason = (typeof code === 'string' ? REFUSAL_REASONS[code] : undefined) ?? 'other';
    count(this.#refusals, reason, () => ({ reason }));
  }

  /** Counts an operation that is over; one that was refused also as a refusal. */
  countOperation(operation: Omit<EndedOperation, 'connection'>, durationMs: number): void {
    const { type = 'unknown', transport, outcome, errors } = operation;
    const { code } = errors?.[0]?.extensions ?? {};
    if (outcome === 'refused') this.countRefusal(code);
    const key = `${type} ${transport} ${outcome}`;
    let tally = this.#operations.get(key);
    if (tally === undefined) {
      const inBuckets = DURATION_BUCKETS.map(() => 0);
      tally = { labels: { type, transport, outcome }, count: 0, inBuckets, sumSeconds: 0 };
      this.#operations.set(key, tally);
    }
    const seconds = durationMs / 1000;
    tally.count++;
    tally.sumSeconds += seconds;
    const at = DURATION_BUCKETS.findIndex((end) => seconds <= end);
    if (at >= 0) tally.inBuckets[at] = (tally.inBuckets[at] ?? 0) + 1;
  }
}

function count(
  tallies: Map<string, Tally>,
  key: string,
  labels: () => Readonly<Record<string, string>>,
): void {
  const tally = tallies.get(key);
  if (tally === undefined) tallies.set(key, { labels: labels(), count: 1 });
  else tally.count++;
}
