/** What one client may ask of the server. Above a limit it is told so; the server goes on. */
export interface ServerLimits {
  /** The largest body of a request, in bytes. Default 1 MiB. */
  readonly maxBodyBytes: number;
  /** The largest message that a WebSocket client may send, in bytes. Default 1 MiB. */
  readonly maxFrameBytes: number;
  /** The most tokens (names, punctuation, values) of a GraphQL document. Default 2,000. */
  readonly maxDocumentTokens: number;
  /** The most WebSockets that may be open at once; one more is closed at once, with code 1013. Default 20,000. */
  readonly maxSockets: number;
  /**
   * The most WebSockets that may be open at once from one network address. All who come through the same proxy have one
   * address, so by default it is as many as there may be at all: 20,000.
   */
  readonly maxSocketsPerClient: number;
  /**
   * The most subscriptions that may go on at once from one network address, over all its connections. As for sockets,
   * all behind a proxy are one. Default 20,000.
   */
  readonly maxSubscriptionsPerClient: number;
  /** The most operations that may go on at once on one WebSocket. Default 100. */
  readonly maxOperationsPerSocket: number;
  /** How long a WebSocket may take to send `connection_init`, in milliseconds. Default 3,000. */
  readonly initTimeoutMs: number;
  /**
   * How often each WebSocket is pinged, and who watches `connectionStatus` gets a message, in milliseconds. A socket that
   * has not answered by the next ping is cut. Default 30,000.
   */
  readonly heartbeatMs: number;
  /** A WebSocket without operations for so long is closed at its next heartbeat, in milliseconds. Default 300,000. */
  readonly idleMs: number;
  /** The most streams of server-sent events that may be reserved without being opened yet: that costs clients nothing. Default 1,000. */
  readonly maxSseReserved: number;
  /** How long a stream of server-sent events may be reserved without being opened, in milliseconds. Default 30,000. */
  readonly sseReservedMs: number;
  /**
   * How long a client may take nothing of what it was sent before its socket is closed, in milliseconds. A stream of
   * server-sent events may live up to twice as long. Default 30,000.
   */
  readonly stallMs: number;
  /** When the server closes: the shortest time after which clients are to come back, in milliseconds. Default 1,000. */
  readonly comeBackMinMs: number;
  /** The longest, in milliseconds. Default 30,000. */
  readonly comeBackMaxMs: number;
  /** How many of them are to come back in one second, as far as the longest time allows. Default 500. */
  readonly comeBackPerSecond: number;
  /** How long requests that are being answered may take when the server closes, in milliseconds. Default 5,000. */
  readonly closeGraceMs: number;
}

/** The limits that hold where none is given. */
export const DEFAULT_LIMITS: ServerLimits = {
  maxBodyBytes: 1024 * 1024,
  maxFrameBytes: 1024 * 1024,
  maxDocumentTokens: 2000,
  maxSockets: 20_000,
  maxSocketsPerClient: 20_000,
  maxSubscriptionsPerClient: 20_000,
  maxOperationsPerSocket: 100,
  initTimeoutMs: 3_000,
  heartbeatMs: 30_000,
  idleMs: 300_000,
  stallMs: 30_000,
  maxSseReserved: 1000,
  sseReservedMs: 30_000,
  comeBackMinMs: 1_000,
  comeBackMaxMs: 30_000,
  comeBackPerSecond: 500,
  closeGraceMs: 5_000,
};
