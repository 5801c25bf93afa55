/** What one client may ask of the server. Above a limit it is told so; the server goes on. */
export interface ServerLimits {
  /** The largest body of a request, in bytes. Default 1 MiB. */
  readonly maxBodyBytes: number;
  /** The largest message that a WebSocket client may send, in bytes. Default 1 MiB. */
  readonly maxFrameBytes: number;
  /** The most tokens (names, punctuation, values) of a GraphQL document. Default 2,000. */
  readonly maxDocumentTokens: number;
  /** The most operations that may go on at once on one WebSocket. Default 100. */
  readonly maxOperationsPerSocket: number;
  /** How often each WebSocket is pinged; one that has not answered by the next ping is cut, in milliseconds. Default 30,000. */
  readonly heartbeatMs: number;
  /** How long a stream of server-sent events may be reserved without being opened, in milliseconds. Default 30,000. */
  readonly sseReservedMs: number;
  /** How long a reader of server-sent events may take nothing of what waits for it, in milliseconds; it is cut after one to two times that. Default 30,000. */
  readonly stalledReaderMs: number;
  /** How long a client may take nothing of what it was sent before its socket is closed, in milliseconds. Default 30,000. */
  readonly stallMs: number;
  /** How long requests that are being answered may take when the server closes, in milliseconds. Default 5,000. */
  readonly closeGraceMs: number;
}

/** The limits that hold where none is given. */
export const DEFAULT_LIMITS: ServerLimits = {
  maxBodyBytes: 1024 * 1024,
  maxFrameBytes: 1024 * 1024,
  maxDocumentTokens: 2000,
  maxOperationsPerSocket: 100,
  heartbeatMs: 30_000,
  stallMs: 30_000,
  sseReservedMs: 30_000,
  stalledReaderMs: 30_000,
  closeGraceMs: 5_000,
};
