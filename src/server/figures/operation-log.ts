import { type ExecutionArgs, getOperationAST } from 'graphql';
import type { Logger } from 'pino';
import { maskSecrets } from '../../lib/mask-secrets.ts';
import { maskUrl } from '../../lib/mask-url.ts';
import type { ConnectionInfo } from '../server.ts';

/** Names of operations are the client's words: longer ones are cut, in characters. */
export const MAX_NAME_LENGTH = 100;

/** How an operation went: answered without errors, with some, or never begun since something was wrong with it. */
export type OperationOutcome = 'ok' | 'errors' | 'refused';

/** How an operation was answered; `sse`: as server-sent events. */
export type OperationTransport = 'http' | 'sse' | 'websocket';

/** An operation that is over. */
export interface EndedOperation {
  readonly connection: ConnectionInfo;
  readonly transport: OperationTransport;
  /** Not known of what could not be parsed. */
  readonly type: 'query' | 'mutation' | 'subscription' | undefined;
  readonly name: string | null | undefined;
  readonly outcome: OperationOutcome;
  /** When it began, by `performance.now()`. */
  readonly startedMs: number;
  /** Those the client was told, masked. */
  readonly errors?: readonly ClientError[] | undefined;
  readonly variables?: unknown;
}

/** What is noted of the operation of an HTTP request while it is answered. */
export interface OperationNote {
  readonly type: EndedOperation['type'];
  readonly name: string | undefined;
  readonly variables: unknown;
  outcome: OperationOutcome;
  errors: readonly ClientError[] | undefined;
}

/** As much of an error as matters here. */
export interface ClientError {
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

/** See {@link OperationLog.begin}. */
export type EndOperation = (
  args: Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'> | undefined,
  answer?: { readonly data?: unknown; readonly errors?: readonly ClientError[] | undefined },
) => void;

/** What the log of a server tells. */
export interface OperationLogOptions {
  /** Whether variables are told, secrets among them masked. Default false. */
  readonly logVariables?: boolean;
  /** Is told each operation, whether or not the log is written: for metrics. */
  readonly onEnded?: (operation: EndedOperation, durationMs: number) => void;
}

/**
 * Tells which operations there were: one line at level `info` when one is over. Never told: the document, headers, what was
 * answered. Operations that are an HTTP
 * request of their own have no line here, as the line of the request tells the same.
 */
export class OperationLog {
  readonly #logger: Logger;
  readonly #options: OperationLogOptions;

  constructor(logger: Logger, options: OperationLogOptions = {}) {
    this.#logger = logger;
    this.#options = options;
  }

  /**
   * An operation begins that is not an HTTP request of its own.
   * @returns to be called once, when nothing more comes of it: with what it was executed with, if it was; and what it answered,
   * if that was one answer
   */
  begin(connection: ConnectionInfo, transport: OperationTransport): EndOperation {
    const startedMs = performance.now();
    return (args, { data, errors } = {}) => {
      const operation = args && getOperationAST(args.document, args.operationName);
      this.ended({
        connection,
        transport,
        type: operation?.operation,
        name: operation?.name?.value,
        outcome: outcomeOf(data, errors),
        startedMs,
        errors,
        variables: args?.variableValues,
      });
    };
  }

  /** To be called once for each operation, when nothing more comes of it. */
  ended(operation: EndedOperation): void {
    const durationMs = performance.now() - operation.startedMs;
    this.#options.onEnded?.(operation, durationMs);
    if (!this.#logger.isLevelEnabled('info')) return;
    const { transport, outcome, connection } = operation;
    this.#logger.info(
      {
        transport,
        outcome,
        durationMs: roundMs(durationMs),
        ...this.describe(operation),
        ...describeClient(connection),
      },
      'operation',
    );
  }

  /** What a line tells of an operation itself. */
  describe({
    type,
    name,
    errors,
    variables,
  }: Pick<EndedOperation, 'type' | 'name' | 'errors' | 'variables'>): object {
    return {
      operationType: type,
      operationName: name?.slice(0, MAX_NAME_LENGTH),
      errorIds: errorIdsOf(errors),
      variables:
        this.#options.logVariables === true
          ? maskUrls(maskSecrets(variables, secretsOf(variables)))
          : undefined,
    };
  }
}

/** Where variables have secrets that no name tells: values of headers, and keys of TLS connections. */
function secretsOf(variables: unknown): string[] {
  return Object.entries(variables ?? {}).flatMap(([name, value]) => {
    const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
    const paths = [name, ...keys.map((key) => `${name}.${key}`)];
    return paths.flatMap((path) => [
      ...(/headers$/i.test(path) ? [`${path}.value`] : []),
      ...(/(?:^|\.)tls$/i.test(path) ? [`${path}.key`] : []),
    ]);
  });
}

/** Hides what URLs have of passwords and tokens. @param value plain data, of no more levels than `maskSecrets` shows */
function maskUrls(value: unknown): unknown {
  if (typeof value === 'string') return /^\w[\w+.-]*:\/\/\S+$/.test(value) ? maskUrl(value) : value;
  if (Array.isArray(value)) return value.map(maskUrls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, maskUrls(part)]));
}

/** How an operation went that was answered so: without data nothing was executed. */
export function outcomeOf(
  data: unknown,
  errors: readonly ClientError[] | undefined,
): OperationOutcome {
  if (errors === undefined) return 'ok';
  return data === undefined ? 'refused' : 'errors';
}

/** What a line tells of whoever asked. */
export function describeClient({ requestId, identity, address }: ConnectionInfo): object {
  const { subject, tenant, scopes } = identity;
  const isLetIn = subject !== undefined || scopes.size > 0;
  return { requestId, subject, tenant: isLetIn ? tenant : undefined, address };
}

/** A duration as it is logged. */
export function roundMs(durationMs: number): number {
  return Math.round(durationMs * 10) / 10;
}

/** Under which the faults behind errors were logged; `undefined` when there are none. */
function errorIdsOf(errors: readonly ClientError[] = []): string[] | undefined {
  const ids = errors.flatMap(({ extensions: { errorId } = {} }) =>
    typeof errorId === 'string' ? [errorId] : [],
  );
  return ids.length === 0 ? undefined : ids;
}
