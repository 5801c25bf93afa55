/** What one client may ask of the server. Above a limit it is told so; the server goes on. */
export interface ServerLimits {
  /** The largest body of a request, in bytes. Default 256 KiB. */
  readonly maxBodyBytes: number;
  /** The longest URL of a request, in characters. Default 16,384. */
  readonly maxUrlLength: number;
  /** The largest head of a request, URL and headers, in bytes. Default 32 KiB. */
  readonly maxHeaderBytes: number;
  /** The most headers of a request. Default 100. */
  readonly maxHeaders: number;
  /** How long a client may take to send the head of a request, in milliseconds. Default 10,000. */
  readonly headersTimeoutMs: number;
  /** How long a client may take to send a whole request, in milliseconds. Default 30,000. */
  readonly requestTimeoutMs: number;
  /**
   * The most connections that may be open at once besides WebSockets; one more than these and `maxSockets` together is cut.
   * Default 5,000.
   */
  readonly maxHttpConnections: number;
  /** The largest message that a WebSocket client may send, in bytes. Default 64 KiB. */
  readonly maxFrameBytes: number;
  /** The longest GraphQL document, in characters. Default 65,536. */
  readonly maxDocumentLength: number;
  /** The most tokens (names, punctuation, values) of a GraphQL document. Default 2,000. */
  readonly maxDocumentTokens: number;
  /**
   * The most fields of an operation, those of introspection too, those of a fragment counted wherever it is used. What
   * validation takes grows with its square. Default 500.
   */
  readonly maxDocumentFields: number;
  /** The deepest nesting of fields, those of introspection too. Default 20. */
  readonly maxDocumentDepth: number;
  /** The most aliases of an operation, those of a fragment counted wherever it is used. Default 100. */
  readonly maxAliases: number;
  /** The most directives of a document. Default 100. */
  readonly maxDirectives: number;
  /** The most directives in one place of a document. Default 10. */
  readonly maxDirectivesPerNode: number;
  /** The deepest nesting of objects and lists in a variable. Default 100. */
  readonly maxVariablesDepth: number;
  /**
   * The most requests of one client in a minute: a subject of a tenant, where it is known, else a network address (of IPv6 its
   * first 64 bits). An operation over WebSocket is a request. 0 for any number. Default 12,000; 0 on a server that is open.
   */
  readonly requestsPerMinute: number;
  /** What the operations of one client may cost in a minute, in points; 0 for any cost. Default 3,000,000; 0 on a server that is open. */
  readonly costPerMinute: number;
  /**
   * How much of that one client may spend at once, in points: what is spent at once, others wait for. Default 300,000: a little
   * more than one operation may cost.
   */
  readonly costAtOnce: number;
  /** The most WebSockets that may be open at once; one more is closed at once, with code 1013. Default 20,000. */
  readonly maxSockets: number;
  /**
   * The most WebSockets that one client may have open at once: one subject of a tenant, or, where no subject is known, one
   * network address (of IPv6 one /64). Default 2,000; on a server that is open, where all who come through the same proxy
   * may be one client, 20,000.
   */
  readonly maxSocketsPerClient: number;
  /**
   * The most subscriptions of one client that may go on at once, over all its connections. Default 10,000; on a server that is
   * open 20,000.
   */
  readonly maxSubscriptionsPerClient: number;
  /**
   * How many tokens that are not valid may come from one network address within a minute; others that were not known to be good
   * before are refused then without a look at them. Default 600.
   */
  readonly maxFailedAuthPerMinute: number;
  /** The most operations that may go on at once on one WebSocket. Default 100. */
  readonly maxOperationsPerSocket: number;
  /**
   * How long a WebSocket may take to send `connection_init`, in milliseconds; and how long it may take, over whatever transport,
   * to find out who a client is. Default 3,000.
   */
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
  /** The most of them that one client may have reserved. Default 100. */
  readonly maxSseReservedPerClient: number;
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
  maxBodyBytes: 256 * 1024,
  maxUrlLength: 16_384,
  maxHeaderBytes: 32 * 1024,
  maxHeaders: 100,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  maxHttpConnections: 5_000,
  maxFrameBytes: 64 * 1024,
  maxDocumentLength: 65_536,
  maxDocumentTokens: 2000,
  maxDocumentFields: 500,
  maxDocumentDepth: 20,
  maxAliases: 100,
  maxDirectives: 100,
  maxDirectivesPerNode: 10,
  maxVariablesDepth: 100,
  requestsPerMinute: 12_000,
  costPerMinute: 3_000_000,
  costAtOnce: 300_000,
  maxSockets: 20_000,
  maxSocketsPerClient: 2_000,
  maxSubscriptionsPerClient: 10_000,
  maxFailedAuthPerMinute: 600,
  maxOperationsPerSocket: 100,
  initTimeoutMs: 3_000,
  heartbeatMs: 30_000,
  idleMs: 300_000,
  stallMs: 30_000,
  maxSseReserved: 1000,
  maxSseReservedPerClient: 100,
  sseReservedMs: 30_000,
  comeBackMinMs: 1_000,
  comeBackMaxMs: 30_000,
  comeBackPerSecond: 500,
  closeGraceMs: 5_000,
};

/** What holds besides where none is given and everything is open to anybody: who comes from one address may be many. */
export const OPEN_LIMITS = {
  requestsPerMinute: 0,
  costPerMinute: 0,
  maxSocketsPerClient: 20_000,
  maxSubscriptionsPerClient: 20_000,
} satisfies Partial<ServerLimits>;
