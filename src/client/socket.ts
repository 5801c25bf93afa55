/** What the client needs of a WebSocket. Those of browsers and of the package `ws` have it. */
export interface SocketLike {
  readonly readyState: number;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'error', listener: () => void): void;
  /** Only `ws`: cuts the connection without a farewell. */
  terminate?(): void;
}

/** A WebSocket class: that of a browser, of Node from 22 on, or of the package `ws`. */
export type WebSocketClass = new (url: string, protocols: string) => SocketLike;

/** `readyState` of a WebSocket that can be used. */
export const OPEN = 1;

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
  return class extends Base {
    constructor(url: string, protocols: string) {
      super(url, protocols);
      // A socket of `ws` that is given up while it connects throws where nobody listens.
      this.addEventListener('error', () => undefined);
      onMade(this);
    }
  };
}
