import { useDeferStream } from '@graphql-yoga/plugin-defer-stream';
import { GraphQLError, parse } from 'graphql';
import {
  createLRUCache,
  createYoga,
  isAsyncIterable,
  type Plugin,
  type YogaLogger,
} from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Connections } from './connections.ts';
import { comesInParts, useAnswersInParts } from './defer-stream.ts';
import { createExecutor } from './executor.ts';
import { LimitedSubscriptions } from './limited-subscriptions.ts';
import type { ServerLimits } from './limits.ts';
import type { ConnectionInfo, ServerOptions } from './server.ts';
import { SharedSubscriptions } from './shared-subscriptions.ts';
import type { Subscriber } from './subscriber.ts';

/** Where GraphQL is served, over HTTP and WebSocket alike. */
export const GRAPHQL_PATH = '/graphql';

/** How many documents are remembered parsed, validated and compiled. */
const REMEMBERED_DOCUMENTS = 500;

/** Documents longer than this, in characters, are not remembered: 500 of them must not fill the memory. */
const REMEMBERED_LENGTH = 20_000;

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
  const { schema, createContext, logger, maskError } = options;
  return createYoga<TransportContext>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ connection }) => createContext(connection),
    plugins: [
      useOwnEngine(options, limits, subscribers, connections),
      useDeferStream(),
      useAnswersInParts(maskError),
      useErrorCodes(),
      useRelease(),
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
  });
}

/** What answers in parts is left to yoga's own executor, which is slower but can do that. */
function useOwnEngine(
  { maskError, sharingKey = () => undefined }: ServerOptions,
  { maxDocumentTokens }: ServerLimits,
  subscribers: Subscribers,
  { clients, counters }: Connections,
): Plugin<TransportContext> {
  const execute = createExecutor();
  const shared = new SharedSubscriptions({ execute, maskError, sharingKey, counters });
  const subscriptions = new LimitedSubscriptions(shared, clients, counters);
  const parseWithin: typeof parse = (source, options) =>
    parse(source, { ...options, maxTokens: maxDocumentTokens });
  return {
    onParse: ({ setParseFn }) => setParseFn(parseWithin),
    onExecute({ args: { document, contextValue }, setExecuteFn }) {
      if (!comesInParts(document, contextValue.connection)) setExecuteFn(execute);
    },
    onSubscribe: ({ setSubscribeFn }) =>
      setSubscribeFn((args) => {
        const { contextValue } = args;
        return subscriptions.subscribe(
          args,
          contextValue.connection,
          subscribers.get(contextValue),
        );
      }),
  };
}

/** Gives the errors of a request that never ran a code, also where yoga does so for HTTP only. */
function useErrorCodes(): Plugin {
  return {
    onParse() {
      return ({ result }) => {
        if (result instanceof GraphQLError) {
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
