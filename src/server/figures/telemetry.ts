import {
  type Context,
  context,
  ProxyTracerProvider,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { type ExecutionArgs, GraphQLError, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { DomainError } from '../../lib/domain-error.ts';
import type { ConnectionInfo } from '../server.ts';
import { MAX_NAME_LENGTH } from './operation-log.ts';

const TRACER = 'millrace';

/** An operation, as far as a tracer is told of it. */
interface TracedOperation {
  readonly type: 'query' | 'mutation' | 'subscription';
  readonly name: string | undefined;
  readonly connection: ConnectionInfo;
}

/**
 * Traces the operations of all transports, if there is a tracer. To be the last of the plugins: what it traces is what the others
 * have set.
 */
export function useTracing(): Plugin<{ readonly connection: ConnectionInfo }> {
  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      const tracer = findTracer();
      if (tracer === undefined) return;
      const operation = describe(args);
      setExecuteFn((each) => runTraced(tracer, operation, () => executeFn(each)));
    },
    onSubscribe({ args, subscribeFn, setSubscribeFn }) {
      const tracer = findTracer();
      if (tracer === undefined) return;
      const operation = describe(args);
      setSubscribeFn((each) => runTraced(tracer, operation, () => subscribeFn(each)));
    },
  };
}

function describe({ document, operationName, contextValue }: ExecutionArgs): TracedOperation {
  const operation = getOperationAST(document, operationName);
  const { connection } = contextValue as { readonly connection: ConnectionInfo }; // every transport's
  return { type: operation?.operation ?? 'query', name: operation?.name?.value, connection };
}

/** As much of what an operation answered as matters here. */
interface Answer {
  readonly errors?: readonly GraphQLError[];
}

/**
 * The tracer that the host of this process has set up with OpenTelemetry; `undefined` when it has not. The API answers a
 * provider that does nothing then, and is asked what is behind it.
 */
function findTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  return provider instanceof ProxyTracerProvider
    ? provider.getDelegateTracer(TRACER)
    : provider.getTracer(TRACER);
}

/**
 * Runs an operation within a span of its own, which continues the trace that the request's headers name. The span of a
 * subscription ends when it has begun. Told are its type and name, and whether it had errors, with the code of the first; no
 * document, variables or messages.
 */
function runTraced<T>(tracer: Tracer, operation: TracedOperation, run: () => T): T {
  const { type, name, connection } = operation;
  const parent = propagation.extract(context.active(), connection.headers);
  const shownName = name?.slice(0, MAX_NAME_LENGTH);
  const attributes = {
    'graphql.operation.type': type,
    ...(shownName === undefined ? {} : { 'graphql.operation.name': shownName }),
    'http.route': '/graphql',
    'network.protocol.name': connection.transport,
  };
  const span = tracer.startSpan(`graphql.${type}`, { kind: SpanKind.SERVER, attributes }, parent);
  return runWithin(trace.setSpan(parent, span), span, run);
}

function runWithin<T>(within: Context, span: Span, run: () => T): T {
  try {
    const answer = context.with(within, run);
    if (!(answer instanceof Promise)) {
      end(span, answer);
      return answer;
    }
    const ended = answer.then(
      (settled) => {
        end(span, settled);
        return settled;
      },
      (error: unknown) => {
        fail(span, undefined);
        throw error;
      },
    );
    return ended as T; // the same promise, seen to its end
  } catch (error) {
    fail(span, undefined);
    throw error;
  }
}

function end(span: Span, answer: unknown): void {
  const { errors = [] } = typeof answer === 'object' && answer !== null ? (answer as Answer) : {};
  const [first] = errors;
  if (first === undefined) span.end();
  else fail(span, codeOf(first));
}

/** The code that the client will be told: here the error is still as it was thrown. */
function codeOf(error: unknown): unknown {
  if (error instanceof DomainError) return error.code;
  if (!(error instanceof GraphQLError)) return undefined;
  const { originalError, extensions } = error;
  if (originalError !== undefined) return codeOf(originalError);
  const { code } = extensions;
  return code;
}

function fail(span: Span, code: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR');
  span.end();
}
