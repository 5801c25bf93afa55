import { type ExecutionArgs, GraphQLError } from 'graphql';
import type { ConnectionInfo, OperationCost, ServerOptions } from '../server.ts';
import { isDeeperThan } from './nesting.ts';
import type { Budget, RateLimiter } from './rate-limiter.ts';

/** Code of the error with which a request or an operation is refused whose client asks for too much in a short time. */
export const RATE_LIMITED = 'RATE_LIMITED';

/** What is told in `extensions.cost` of an answer. */
export interface ToldCost {
  /** What this operation was charged. */
  readonly operation: number;
  /** The most that one operation may cost. */
  readonly operationLimit: number;
  /** What the client may spend in a minute, where that is limited. */
  readonly budget?: {
    readonly limit: number;
    readonly remaining: number;
    readonly resetAt: string;
  };
}

/** An operation that may be executed. */
export interface Admitted {
  /** `undefined` when nobody knows what it costs. */
  readonly cost: OperationCost | undefined;
}

/**
 * What it costs to validate a document for the first time, in points, for each field and each other field: as much as an
 * answer that takes as long.
 */
const POINTS_PER_PAIR_OF_FIELDS = 0.4;

interface OperationRulesDeps {
  readonly measureCost: ServerOptions['measureCost'];
  readonly maskError: ServerOptions['maskError'];
  readonly rateLimiter: RateLimiter;
  readonly maxVariablesDepth: number;
}

/** Decides whether a validated operation is executed: the same for all transports. */
export class OperationRules {
  readonly #deps: OperationRulesDeps;

  constructor(deps: OperationRulesDeps) {
    this.#deps = deps;
  }

  /**
   * Charges a client for a document that was not validated before, which takes time even if nothing comes of it.
   * @throws GraphQLError with code `RATE_LIMITED` when it has not enough left
   */
  chargeValidation(fields: number, connection: ConnectionInfo): void {
    const points = Math.ceil(POINTS_PER_PAIR_OF_FIELDS * fields * fields);
    const waitMs = this.#deps.rateLimiter.take(connection, 'cost', points);
    if (waitMs !== undefined) throw rateRefusal('cost', waitMs);
  }

  /** Charges its client for an operation; or answers why it must not be executed. Never fails. */
  admit(args: ExecutionArgs, connection: ConnectionInfo): Admitted | GraphQLError {
    const { measureCost, maskError, rateLimiter, maxVariablesDepth } = this.#deps;
    // One level more for the object that holds them.
    if (isDeeperThan(maxVariablesDepth + 1, args.variableValues)) {
      const message = `The variables are nested too deeply: more than ${maxVariablesDepth} levels.`;
      const extensions = { code: 'BAD_USER_INPUT', http: { status: 400 } };
      return new GraphQLError(message, { extensions });
    }
    let cost: OperationCost | undefined;
    try {
      cost = measureCost?.(args);
    } catch (error) {
      const { message, extensions } = asGraphQLError(maskError(error, 'Unexpected error.'));
      return new GraphQLError(message, { extensions: { ...extensions, http: { status: 400 } } });
    }
    if (cost === undefined) return { cost };
    const waitMs = rateLimiter.take(connection, 'cost', cost.operation);
    return waitMs === undefined ? { cost } : rateRefusal('cost', waitMs);
  }

  /** What the client is told of what it was charged. */
  tell({ operation, limit: operationLimit }: OperationCost, connection: ConnectionInfo): ToldCost {
    const { rateLimiter } = this.#deps;
    const budget = rateLimiter.isOn ? rateLimiter.read(connection).cost : undefined;
    return { operation, operationLimit, ...(budget && { budget: showBudget(budget) }) };
  }
}

/** The error of a client that has asked for too much, with status 429 and when to come back. */
export function rateRefusal(what: 'requests' | 'cost', retryAfterMs: number): GraphQLError {
  const seconds = toSeconds(retryAfterMs);
  const asked =
    what === 'requests' ? 'You sent too many requests' : 'Your operations cost too much';
  const http = { status: 429, headers: { 'Retry-After': String(seconds) } };
  return new GraphQLError(`${asked} in a short time. Try again in ${seconds} s.`, {
    extensions: { code: RATE_LIMITED, retryAfterMs, http },
  });
}

/** A time to wait, as `Retry-After` has it. */
export function toSeconds(waitMs: number): number {
  return Math.max(1, Math.ceil(waitMs / 1000));
}

function showBudget({ limit, remaining, resetAt }: Budget) {
  return { limit, remaining, resetAt: new Date(resetAt).toISOString() };
}

function asGraphQLError(error: Error): GraphQLError {
  return error instanceof GraphQLError ? error : new GraphQLError(error.message);
}
