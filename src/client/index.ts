/**
 * A client of Millrace's API for programs and browsers.
 *
 * @module
 */
export {
  type Client,
  type ClientOptions,
  createClient,
  type VariablesOf,
} from './client.ts';
export type {
  ClientStatus,
  ConnectionParams,
  StatusListener,
  TokenSource,
} from './connection.ts';
export {
  ClientClosedError,
  ConnectionLostError,
  ConnectionRefusedError,
  OperationError,
} from './errors.ts';
export type { SocketCloseEvent, SocketLike, WebSocketClass } from './socket.ts';
