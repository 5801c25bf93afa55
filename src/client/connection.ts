import type { GraphQLFormattedError } from 'graphql';
import {
  createClient as createTransport,
  type FormattedExecutionResult,
  type SubscribePayload,
} from 'graphql-ws/client';
import type { BackOff } from '../lib/back-off.ts';
import { type CancelTimer, systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/domain-error.ts';
import { ComeBack } from './come-back.ts';
import { ConnectionRefusedError, OperationError } from './errors.ts';
import { Renewal } from './renewal.ts';
import {
  handOver,
  OPEN,
  type SocketCloseEvent,
  type SocketLike,
  type WebSocketClass,
} from './socket.ts';

/**
 * - `CONNECTED`: the server has the operations.
 * - `RECONNECTING`: the connection was lost, or could not be made, and is tried for again.
 * - `DISCONNECTED`: no operation needs a connection, the first one is being made, or the server refused it for good.
 */
export type ClientStatus = 'CONNECTED' | 'RECONNECTING' | 'DISCONNECTED';

/** Is told of each change of the status. `reason` says, while reconnecting, what happened to the connection. */
export type StatusListener = (status: ClientStatus, reason: string | undefined) => void;

/** What a client tells the server when it connects. */
export type ConnectionParams = Record<string, unknown>;

/** What proves who the client is: an API key or a token, or where to get one. */
export type TokenSource = string | (() => string | Promise<string>);

/** What a connection is made of. */
export interface ConnectionOptions {
  /** Where the API is: `ws:` or `wss:`. */
  readonly url: string;
  readonly webSocketImpl?: WebSocketClass | undefined;
  readonly connectionParams?:
    | ConnectionParams
    | (() => ConnectionParams | Promise<ConnectionParams>)
    | undefined;
  readonly token?: TokenSource | undefined;
  readonly backOff: BackOff;
  /** How often the server is asked whether it is there, in milliseconds. */
  readonly keepAliveMs: number;
  /** How long the answer may take, and to connect, in milliseconds. */
  readonly timeoutMs: number;
}

/** An answer, or a message of a stream. */
export type OperationResult = FormattedExecutionResult<Record<string, unknown>, unknown>;

/** What becomes of an operation. After `error` or `complete` nothing more is told. */
export interface OperationSink {
  next(result: OperationResult): void;
  error(error: Error): void;
  /** It ended, or the connection was closed from here. */
  complete(): void;
  /** The server may have got it, and the connection was lost. It is sent again, unless it is left now. */
  lost?(reason: string): void;
}

const NORMAL_CLOSURE = 1000;
/** Who the client is was not proved, or is not any more. */
const FORBIDDEN = 4403;

/** How long the other side may take to say farewell, in milliseconds. */
const FAREWELL_MS = 1000;

interface OpenOperation {
  readonly sink: OperationSink;
  /** Whether the server may have got it on the present connection. */
  isSent: boolean;
  leave(): void;
}

/**
 * A connection that is there while operations need it, and comes back by itself. On each new connection every operation
 * is sent again, as its payload is then.
 */
export function createConnection(options: ConnectionOptions) {
  const { url, connectionParams, token, backOff, keepAliveMs, timeoutMs } = options;
  const comeBack = new ComeBack(backOff);
  const operations = new Set<OpenOperation>();
  const listeners = new Set<StatusListener>();
  let status: ClientStatus = 'DISCONNECTED';
  let closing: Promise<void> | undefined;

  /** There from its making until its close; then `whenGone` is called. */
  let socket: SocketLike | undefined;
  let whenGone: () => void = () => undefined;
  /** When the server accepted it. */
  let acceptedAtMs: number | undefined;
  /** Nothing needed it any more, so it is closed from here. */
  let isLeft = false;
  let heardAtMs = 0;
  let endedAtMs = 0;
  /** Connections in a row that the server would not have, since the last one it had. */
  let forbidden = 0;
  /** What happened to the connection, if something did. */
  let problem: string | undefined;
  /** Ends the wait before the next try, if there is one. */
  let endWait: () => void = () => undefined;
  let cancelDeadline: CancelTimer = () => undefined;
  let cancelFarewell: CancelTimer = () => undefined;

  const setStatus = (next: ClientStatus) => {
    if (next === status) return;
    status = next;
    const reason = next === 'RECONNECTING' ? problem : undefined;
    for (const listener of [...listeners]) {
      try {
        listener(next, reason);
      } catch (error) {
        queueMicrotask(() => {
          throw error; // it is not ours
        });
      }
    }
  };

  /** Gives the connection up without waiting for the other side. */
  const drop = (reason: string) => {
    const dropped = socket;
    problem ??= reason;
    transport.terminate();
    dropped?.terminate?.();
  };

  /** Drops the connection unless something is heard within this time. */
  const setDeadline = (reason: string) => {
    cancelDeadline();
    const setAtMs = systemClock.monotonicMs();
    const look = () => {
      if (heardAtMs > setAtMs) setDeadline(reason);
      else drop(reason);
    };
    cancelDeadline = systemClock.setTimer(timeoutMs, look);
  };

  const makeParams = async (): Promise<ConnectionParams | undefined> => {
    const params =
      typeof connectionParams === 'function' ? await connectionParams() : connectionParams;
    if (token === undefined) return params;
    const shown = typeof token === 'function' ? await token() : token;
    return { ...params, authorization: `Bearer ${shown}` };
  };

  /** Whether another try may be answered in another way. Where something is asked anew for each it may, once. */
  const mayRetry = (fault: unknown): boolean => {
    if (!isCloseEvent(fault)) return !(fault instanceof Error);
    if (fault.code !== FORBIDDEN) return true;
    const asksAnew = typeof token === 'function' || typeof connectionParams === 'function';
    return asksAnew && forbidden <= 1;
  };

  const isServing = () => acceptedAtMs !== undefined && socket?.readyState === OPEN;

  /** No operation needs the connection any more. An open one is closed by the transport. */
  const becomeIdle = () => {
    setStatus('DISCONNECTED');
    endWait();
    isLeft = true;
    if (socket === undefined) return;
    if (acceptedAtMs === undefined) drop('nobody needs it');
    else cancelFarewell = systemClock.setTimer(FAREWELL_MS, () => drop('nobody needs it'));
  };

  const transport = createTransport({
    url,
    connectionParams: makeParams,
    webSocketImpl: handOver(options.webSocketImpl, (made) => {
      socket = made;
      problem = undefined;
      isLeft = false;
      // The transport takes this code for an answer to its own, and would dial again without a wait.
      made.addEventListener('close', (event) => {
        if (event.code === NORMAL_CLOSURE && !isLeft && made === socket) drop(describe(event));
      });
      setDeadline('it could not be made in time');
    }),
    keepAlive: keepAliveMs,
    retryAttempts: Number.POSITIVE_INFINITY,
    // What sockets tell are events. An error comes from code: of the connection's parameters, or it can't read the server.
    shouldRetry: mayRetry,
    retryWait: () =>
      new Promise((resolve) => {
        if (operations.size === 0) return resolve();
        setStatus('RECONNECTING');
        // Counted from when the connection was lost: who begins something later has waited already.
        const sinceMs = systemClock.monotonicMs() - endedAtMs;
        const delayMs = Math.max(0, comeBack.nextDelayMs() - sinceMs);
        const cancel = systemClock.setTimer(delayMs, () => endWait());
        endWait = () => {
          cancel();
          resolve();
        };
      }),
    on: {
      connected(_socket, payload) {
        acceptedAtMs = systemClock.monotonicMs();
        forbidden = 0;
        cancelDeadline();
        renewal?.begin(payload);
        for (const operation of operations) operation.isSent = true;
        setStatus('CONNECTED');
      },
      message() {
        heardAtMs = systemClock.monotonicMs();
      },
      ping(isReceived) {
        if (!isReceived) setDeadline('the server was silent');
      },
      pong(isReceived) {
        if (isReceived) cancelDeadline();
      },
      error(fault) {
        problem ??= describe(fault);
      },
      closed(event) {
        cancelDeadline();
        cancelFarewell();
        renewal?.stop();
        if (isCloseEvent(event) && event.code === FORBIDDEN) forbidden++;
        endedAtMs = systemClock.monotonicMs();
        const upMs = acceptedAtMs === undefined ? undefined : endedAtMs - acceptedAtMs;
        socket = undefined;
        acceptedAtMs = undefined;
        comeBack.ended(upMs, isCloseEvent(event) ? event.reason : '');
        const reason = problem ?? describe(event);
        problem = reason;
        for (const operation of [...operations]) {
          if (!operation.isSent) continue;
          operation.isSent = false;
          operation.sink.lost?.(reason);
        }
        if (status === 'CONNECTED' && operations.size > 0) setStatus('RECONNECTING');
        whenGone();
      },
    },
  });

  /** Tokens that can be asked for anew are, before they expire. */
  const renewal =
    typeof token === 'function'
      ? new Renewal(token, (payload, sink) =>
          isServing() ? transport.subscribe(payload, sink) : undefined,
        )
      : undefined;

  return {
    get status() {
      return status;
    },
    get isClosed() {
      return closing !== undefined;
    },

    /** Calls the listener at each change of the status, until what it returns is called. */
    onStatus(listener: StatusListener): () => void {
      const own: StatusListener = (...change) => listener(...change);
      listeners.add(own);
      return () => void listeners.delete(own);
    },

    /** Begins an operation, and connects if need be. To leave it, call what it returns. */
    start(payload: SubscribePayload, sink: OperationSink): () => void {
      if (closing !== undefined) {
        sink.complete();
        return () => undefined;
      }
      const end = (tell: () => void) => {
        if (!operations.delete(operation)) return;
        if (operations.size === 0) becomeIdle();
        tell();
      };
      let isTelling = false;
      const operation: OpenOperation = {
        sink,
        isSent: isServing(),
        leave() {
          // The operation's end may have come in the same packet as what is being told. The transport counts an operation
          // twice that is left before it sees its end; so it is left after it.
          end(() => (isTelling ? queueMicrotask(stop) : stop()));
        },
      };
      operations.add(operation);
      const stop = transport.subscribe(payload, {
        next(result) {
          if (!operations.has(operation)) return;
          isTelling = true;
          sink.next(result);
          isTelling = false;
        },
        error: (fault) => end(() => sink.error(errorOf(fault))),
        complete: () => end(() => sink.complete()),
      });
      if (isServing()) {
        isLeft = false;
        cancelFarewell();
        setStatus('CONNECTED');
      }
      return operation.leave;
    },

    /** Ends every operation and the connection, and is kept when it is gone. To call it again answers the same promise. */
    close(): Promise<void> {
      if (closing !== undefined) return closing;
      // First, since those who listen to the status may close it too.
      closing = new Promise((resolve) => {
        whenGone = resolve;
      });
      for (const { leave, sink } of [...operations]) {
        leave();
        sink.complete();
      }
      if (socket === undefined) whenGone();
      return closing;
    },
  };
}

export type Connection = ReturnType<typeof createConnection>;

function isCloseEvent(fault: unknown): fault is SocketCloseEvent {
  return typeof fault === 'object' && fault !== null && 'code' in fault && 'reason' in fault;
}

function describe(fault: unknown): string {
  if (isCloseEvent(fault)) return `closed with code ${fault.code} ${fault.reason}`.trim();
  const { message } = fault as { message?: unknown }; // of `ws`; those of browsers tell nothing
  return typeof message === 'string' && message !== '' ? message : 'it could not be made';
}

function errorOf(fault: unknown): Error {
  // The errors of an operation, as the protocol has them.
  if (Array.isArray(fault)) return new OperationError(fault as GraphQLFormattedError[]);
  if (isCloseEvent(fault)) return new ConnectionRefusedError(fault.code, fault.reason);
  return new ConnectionRefusedError(undefined, messageOf(fault), { cause: fault });
}
