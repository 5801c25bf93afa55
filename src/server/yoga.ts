import { useDeferStream } from '@graphql-yoga/plugin-defer-stream';
import {
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  getOperationAST,
  getVariableValues,
  parse,
} from 'graphql';
import {
  createLRUCache,
  createYoga,
  isAsyncIterable,
  type Plugin,
  type YogaLogger,
} from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Connections } from './connections.ts';
import { comesInParts, useAnswersInParts } from './documents/defer-stream.ts';
import { checkLength, checkNesting, noDocument, refusal } from './documents/document-limits.ts';
import { type DocumentRequest, Documents } from './documents/documents.ts';
import { createExecutor } from './documents/executor.ts';
import { OperationRules } from './documents/operation-rules.ts';
import { validateBy } from './documents/validate-by.ts';
import { useCompression } from './door/compression.ts';
import { useOperationNotes } from './figures/note-operations.ts';
import { useTracing } from './figures/telemetry.ts';
import type { ServerLimits } from './limits.ts';
import type { ConnectionInfo, ServerOptions } from './server.ts';
import { LimitedSubscriptions } from './subscriptions/limited-subscriptions.ts';
import { SharedSubscriptions } from './subscriptions/shared-subscriptions.ts';
import type { Subscriber } from './subscriptions/subscriber.ts';

/** Where GraphQL is served, over HTTP and WebSocket alike. */
export const GRAPHQL_PATH = '/graphql';

/** How many documents are remembered parsed, validated and compiled. */
const REMEMBERED_DOCUMENTS = 500;

/** Documents longer than this, in characters, are not remembered: 500 of them must not fill the memory. */
const REMEMBERED_LENGTH = 20_000;

/** So many faults of variables are told, as graphql-js does. */
const MOST_MISFITS = 50;

/** What a transport tells about itself with each operation. */
export interface TransportContext {
  readonly connection: ConnectionInfo;
}

/** What parses, validates and executes for every transport; it also answers the requests that no other part does. */
export type Yoga = ReturnType<typeof createGraphQLYoga>;

/** Where the results of subscriptions go whose contexts are in it; all others are read from their iterators. */
export type Subscribers = WeakMap<object, Subscriber>;

/** Sets up how operations are parsed, validated, executed and their errors shown: the same for all transports. */
export function createGraphQLYoga(
  options: ServerOptions,
  limits: ServerLimits,
  subscribers: Subscribers,
  connections: Connections,
) {
  const { schema, createContext, logger, maskError, trustedDocuments } = options;
  const documents = new Documents(trustedDocuments);
  const yoga = createYoga<TransportContext>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ connection }) => createContext(connection),
    plugins: [
      useOperationNotes(),
      useDocuments(documents),
      useOwnEngine(options, limits, documents, subscribers, connections),
      useDeferStream(),
      useAnswersInParts(maskError),
      useErrorCodes(),
      useRelease(),
      useCompression(),
      useTracing(),
    ],
    maskedErrors: { maskError, isDev: false },
    maxRequestBodySize: limits.maxBodyBytes,
    parserAndValidationCache: { documentCache: createCache(), errorCache: createCache() },
    logging: quietLogger(logger),
    batching: false,
    multipart: false,
    cors: false,
    graphiql: false,
    landingPage: false,
    extraParamNames: ['documentId'],
  });
  return Object.assign(yoga, { documents });
}

/** Puts the text of a document in place of its id. Who does not come through yoga's own door does so himself. */
function useDocuments(documents: Documents): Plugin<TransportContext> {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (requestParser === undefined) return;
      setRequestParser(async (request) => {
        try {
          return await requestParser(request);
        } catch (error) {
          // Of JSON in a URL yoga takes that for a fault of the server.
          if (!(error instanceof SyntaxError)) throw error;
          throw refusal('BAD_REQUEST', 'Variables and extensions must be written as JSON.');
        }
      });
    },
    onParams({ request, params, setParams }) {
      if (typeof params !== 'object' || params === null) return; // yoga says what is wrong
      // Of a URL yoga itself reads no ids.
      const { searchParams } = new URL(request.url);
      const documentId = request.method === 'GET' ? searchParams.get('documentId') : null;
      const asked: DocumentRequest = { documentId, ...params };
      const query = documents.find(asked);
      if (query instanceof GraphQLError) throw query;
      if (query === undefined && !Array.isArray(params)) throw noDocument();
      if (query !== undefined && query !== params.query) setParams({ ...params, query });
    },
  };
}

/** What answers in parts is left to yoga's own executor, which is slower but can do that. */
function useOwnEngine(
  options: ServerOptions,
  limits: ServerLimits,
  documents: Documents,
  subscribers: Subscribers,
  { clients, counters, rateLimiter }: Connections,
): Plugin<TransportContext> {
  const { measureCost, maskError, sharingKey = () => undefined } = options;
  const { introspection = true, suggestions = true } = options;
  const { maxVariablesDepth } = limits;
  const rules = new OperationRules({ measureCost, maskError, rateLimiter, maxVariablesDepth });
  const execute = createExecutor({ hideSuggestions: !suggestions });
  const shared = new SharedSubscriptions({ execute, maskError, sharingKey, counters });
  const subscriptions = new LimitedSubscriptions(shared, clients, counters);
  const validate = validateBy({ introspection, suggestions }, limits);
  return {
    onParse({ params: { source }, setParseFn }) {
      const text = typeof source === 'string' ? source : source.body;
      documents.check(text);
      checkLength(text, limits);
      setParseFn((given, parseOptions) => {
        checkNesting(text, limits);
        return parse(given, { ...parseOptions, maxTokens: limits.maxDocumentTokens });
      });
    },
    onValidate({ context: { connection }, setValidationFn }) {
      // A refusal is thrown: what is returned is remembered with the document.
      const charge = (fields: number) => rules.chargeValidation(fields, connection);
      setValidationFn((ofSchema, document, given) => validate(ofSchema, document, given, charge));
    },
    onExecute({ args, setExecuteFn, setResultAndStopExecution }) {
      const { connection } = args.contextValue;
      const admitted = rules.admit(args, connection);
      if (admitted instanceof GraphQLError) {
        return setResultAndStopExecution({ errors: [admitted] });
      }
      if (!comesInParts(args.document, connection)) setExecuteFn(execute);
      else if (!suggestions) {
        const errors = findMisfits(args); // that executor can't hold back what it suggests
        if (errors !== undefined) return setResultAndStopExecution(withInputCode({ errors }));
      }
      const { cost } = admitted;
      if (cost === undefined) return;
      const tell = (result: ExecutionResult): ExecutionResult => {
        const extensions = { ...result.extensions, cost: rules.tell(cost, connection) };
        return { ...result, extensions };
      };
      return {
        onExecuteDone({ result, setResult }) {
          if (!isAsyncIterable(result)) return setResult(tell(result));
          let isFirst = true;
          return {
            onNext(part) {
              if (isFirst) part.setResult(tell(part.result));
              isFirst = false;
            },
          };
        },
      };
    },
    onSubscribe: ({ setSubscribeFn }) =>
      setSubscribeFn((args) => {
        const { contextValue } = args;
        const subscriber = subscribers.get(contextValue);
        const admitted = rules.admit(args, contextValue.connection);
        if (admitted instanceof GraphQLError) {
          subscriber?.end();
          return { errors: [admitted] };
        }
        const known = { ...args, hideSuggestions: !suggestions };
        return subscriptions.subscribe(known, contextValue.connection, subscriber);
      }),
  };
}

/** What is wrong with the variables, with no word of what the schema has. */
function findMisfits({ schema, document, operationName, variableValues }: ExecutionArgs) {
  const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? [];
  const options = { hideSuggestions: true, maxErrors: MOST_MISFITS };
  return getVariableValues(schema, definitions, variableValues ?? {}, options).errors;
}

/** Gives the errors of a request that never ran a code, also where yoga does so for HTTP only. */
function useErrorCodes(): Plugin {
  return {
    onParse() {
      return ({ result }) => {
        if (result instanceof GraphQLError && !('code' in result.extensions)) {
          const http = { spec: true, status: 400 };
          Object.assign(result.extensions, { code: 'GRAPHQL_PARSE_FAILED', http });
        }
      };
    },
    onExecute: () => ({
      onExecuteDone({ result, setResult }) {
        if ('errors' in result && result.data === undefined) setResult(withInputCode(result));
      },
    }),
    onSubscribe: () => ({
      onSubscribeResult({ result, setResult }) {
        if ('errors' in result && result.data === undefined) setResult(withInputCode(result));
      },
    }),
  };
}

/** Lets go of a subscription whose events the client does not accept in any form there is. */
function useRelease(): Plugin {
  return {
    async onResultProcess({ result, resultProcessor }) {
      if (resultProcessor !== undefined || !isAsyncIterable(result)) return;
      await result[Symbol.asyncIterator]().return?.();
    },
  };
}

/** A result without data: the variables did not fit what the operation declares, or it could not be subscribed to. */
function withInputCode<R extends { readonly errors?: readonly GraphQLError[] }>(result: R): R {
  const errors = result.errors?.map((error) => {
    if (error.path !== undefined || 'code' in error.extensions) return error; // a resolver's, or our own
    const { message, nodes } = error;
    const extensions = { code: 'BAD_USER_INPUT', http: { spec: true, status: 400 } };
    return new GraphQLError(message, { nodes: nodes ?? null, extensions });
  });
  return { ...result, errors };
}

function createCache<T extends object>() {
  const cache = createLRUCache<T>({ max: REMEMBERED_DOCUMENTS });
  return {
    get: (document: string) => cache.get(document),
    set(document: string, value: T) {
      if (document.length <= REMEMBERED_LENGTH) cache.set(document, value);
    },
  };
}

/** `maskError` logs what is unexpected; yoga would log every error once more. */
function quietLogger(logger: Logger): YogaLogger {
  const ignore = () => undefined;
  return {
    debug: ignore,
    info: ignore,
    warn: (message: unknown) => logger.warn({ detail: message }, 'yoga'),
    error: ignore,
  };
}
