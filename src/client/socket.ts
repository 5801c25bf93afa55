/** What the client needs of a WebSocket. Those of browsers and of the package `ws` have it. */
export interface SocketLike {
  readonly readyState: number;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'error', listener: () => void): void;
  addEventListener(type: 'close', listener: (event: SocketCloseEvent) => void): void;
  /** Only `ws`: cuts the connection without a farewell. */
  terminate?(): void;
}

/** Tells how a WebSocket ended. */
export interface SocketCloseEvent {
  readonly code: number;
  readonly reason: string;
}

/** A WebSocket class: that of a browser, of Node from 22 on, or of the package `ws`. */
export type WebSocketClass = new (url: string, protocols: string) => SocketLike;

/** `readyState` of a WebSocket that can be used. */
export const OPEN = 1;
const CLOSED = 3;

/**
 * The same class, whose sockets are handed to `onMade` while they still connect.
 * @throws TypeError when none is given and the platform has none
 */
export function handOver(
  given: WebSocketClass | undefined,
  onMade: (socket: SocketLike) => void,
): WebSocketClass {
  // The types of a platform may or may not know of it.
  const { WebSocket: builtIn } = globalThis as { WebSocket?: WebSocketClass };
  const Base = given ?? builtIn;
  if (Base === undefined) {
    throw new TypeError(
      'There is no WebSocket here: pass the one of the package "ws" as webSocketImpl.',
    );
  }
  return new Proxy(Base, {
    construct(_, [url, protocols]: [string, string]) {
      let socket: SocketLike;
      try {
        socket = new Base(url, protocols);
      } catch (error) {
        return unmade(error);
      }
      // A socket of `ws` that is given up while it connects throws where nobody listens.
      socket.addEventListener('error', () => undefined);
      onMade(socket);
      return socket;
    },
  });
}

/**
 * Stands for a socket that could not be made, as when a page that came by https asks for `ws:`. The transport does not
 * expect that to throw: its operations would wait for ever.
 */
function unmade(error: unknown) {
  return {
    readyState: CLOSED,
    close: () => undefined,
    set onerror(tell: ((error: unknown) => void) | null) {
      queueMicrotask(() => tell?.(error));
    },
  };
}
