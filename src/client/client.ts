import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { type OperationTypeNode, print } from 'graphql';
import type { BackOff } from '../lib/back-off.ts';
import {
  type ClientStatus,
  type ConnectionOptions,
  createConnection,
  type StatusListener,
  type TokenSource,
} from './connection.ts';
import { ClientClosedError, ConnectionLostError, OperationError } from './errors.ts';
import { openStream, readMessage } from './open-stream.ts';
import { makeResumable, onlyOperation } from './resume-document.ts';

/** What a client is made of. Only `url` has to be given. */
export interface ClientOptions {
  /** Where the API is, such as `http://127.0.0.1:4000/graphql`. `http:` and `ws:` mean the same, `https:` and `wss:` too. */
  readonly url: string;
  /** The WebSocket class, where the platform has none: on Node below 22, that of the package `ws`. */
  readonly webSocketImpl?: ConnectionOptions['webSocketImpl'];
  /** Sent to the server with each new connection. A function is asked each time; when it fails, so do the operations. */
  readonly connectionParams?: ConnectionOptions['connectionParams'];
  /**
   * What proves who the client is: an API key or a token. A function is asked with each new connection, once more when the server
   * would not have what it said, and before that expires; when it fails while connecting, so do the operations. Over `https:`
   * or `wss:` nobody on the way can read it.
   */
  readonly token?: TokenSource;
  /**
   * The waits before a lost connection is tried for again: from `delayMs` (default 1,000 milliseconds), doubled each time, to
   * `maxDelayMs` (default 30,000), each by chance up to a half shorter.
   */
  readonly backOff?: Partial<Pick<BackOff, 'delayMs' | 'maxDelayMs'>>;
  /** How often the server is asked whether it is still there, in milliseconds. Default 10,000. */
  readonly keepAliveMs?: number;
  /** How long it may take to answer that, or to connect, before the connection is made anew, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}

/** The variables of an operation; one that has none needs none. */
export type VariablesOf<Variables> =
  Record<string, never> extends Variables ? [variables?: Variables] : [variables: Variables];

/**
 * Talks to a Millrace server over one WebSocket, which is open while an operation is, and comes back by itself when it is
 * lost. Documents are typed ones, of one operation each.
 */
export interface Client {
  /** See `onStatus`. */
  readonly status: ClientStatus;
  /**
   * Calls the listener at each change of the status, until what it returns is called.
   */
  onStatus(listener: StatusListener): () => void;
  /**
   * The data of a query. It waits for the connection as long as that takes, and is sent again when it is lost.
   * @throws OperationError when the answer has errors
   * @throws ConnectionRefusedError when to come back can't help
   * @throws ClientClosedError when the client is closed
   */
  query<Data, Variables>(
    document: TypedDocumentNode<Data, Variables>,
    ...variables: VariablesOf<Variables>
  ): Promise<Data>;
  /**
   * The data of a mutation. It waits for the connection as long as that takes, and is sent once.
   * @throws ConnectionLostError when the connection is lost before the answer came
   * @throws OperationError when the answer has errors, which those that a mutation's union has are not
   * @throws ConnectionRefusedError when to come back can't help
   * @throws ClientClosedError when the client is closed
   */
  mutate<Data, Variables>(
    document: TypedDocumentNode<Data, Variables>,
    ...variables: VariablesOf<Variables>
  ): Promise<Data>;
  /**
   * The data of a subscription, message by message, from now on until it ends or `return()` is called, which works at once.
   * It outlives connections. A stream of *events* goes on after the last event that came, so that each is given once, in
   * order; what the server no longer holds is told by a `GapEvent`. A stream of *states* begins anew with the present state.
   *
   * Reading throws what `query` would throw, and then the stream has ended. One that is not read is left at 10,000 messages
   * and taken up again when they were.
   * @throws ClientClosedError when the client is closed
   */
  subscribe<Data, Variables>(
    document: TypedDocumentNode<Data, Variables>,
    ...variables: VariablesOf<Variables>
  ): AsyncIterableIterator<Data>;
  /**
   * Ends all operations: queries and mutations fail, subscriptions end. Kept when the connection is gone. To call it again
   * answers the same promise.
   */
  close(): Promise<void>;
}

/**
 * Makes a client, which connects with its first operation.
 * @throws TypeError when the address is none, or there is no WebSocket here
 */
export function createClient(options: ClientOptions): Client {
  const { backOff = {}, keepAliveMs = 10_000, timeoutMs = 10_000 } = options;
  const connection = createConnection({
    url: toWebSocket(options.url),
    webSocketImpl: options.webSocketImpl,
    connectionParams: options.connectionParams,
    token: options.token,
    backOff: { delayMs: 1000, jitter: 0.5, ...backOff, backoff: 'exponential' },
    keepAliveMs,
    timeoutMs,
  });

  /** One answer. The errors of the connection are those of the operation. */
  const ask = <Data, Variables>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables | undefined,
    isRepeatable: boolean,
  ) =>
    new Promise<Data>((resolve, reject) => {
      const query = print(document);
      const leave = connection.start(
        { query, variables: { ...variables } },
        {
          next(result) {
            const message = readMessage<Data>(result);
            if ('error' in message) reject(message.error);
            else resolve(message.data);
          },
          error: reject,
          // Without an answer before.
          complete: () =>
            reject(connection.isClosed ? new ClientClosedError() : new OperationError([])),
          lost(reason) {
            if (isRepeatable) return;
            leave();
            reject(new ConnectionLostError(reason));
          },
        },
      );
    });

  return {
    get status() {
      return connection.status;
    },
    onStatus: connection.onStatus,
    async query(document, ...[variables]) {
      expectKind(document, 'query');
      return ask(document, variables, true);
    },
    async mutate(document, ...[variables]) {
      expectKind(document, 'mutation');
      return ask(document, variables, false);
    },
    subscribe(document, ...[variables]) {
      expectKind(document, 'subscription');
      if (connection.isClosed) throw new ClientClosedError();
      const resume = makeResumable(document);
      const query = print(resume?.document ?? document);
      return openStream(connection, { query, variables: { ...variables }, resume });
    },
    close: connection.close,
  };
}

function toWebSocket(url: string): string {
  const address = new URL(url);
  if (!/^(http|ws)s?:$/.test(address.protocol)) {
    throw new TypeError(`"${url}" is no address of a server.`);
  }
  address.hash = ''; // WebSockets refuse one
  return address.href.replace(/^http/, 'ws');
}

/** @throws TypeError when a document is of another kind, or has several operations */
function expectKind(
  document: Parameters<typeof onlyOperation>[0],
  wanted: `${OperationTypeNode}`,
): void {
  const { operation } = onlyOperation(document);
  if (operation !== wanted) throw new TypeError(`This takes a ${wanted}, and not a ${operation}.`);
}
