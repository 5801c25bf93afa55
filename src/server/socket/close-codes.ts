/**
 * The codes with which our own code closes a WebSocket; `ws` and graphql-ws close with others by themselves
 * (docs/subscriptions.md). 4410 and 4413 are ours, the rest are of WebSocket and of the graphql-transport-ws protocol.
 */
export const CLOSE_CODES = {
  /** The server goes away. The reason says when to come back: `Going away, retry in 1234 ms`. */
  goingAway: 1001,
  /** The client sent something else than text. */
  binary: 1003,
  /** The client goes on asking for more than it may have at once, although it is refused; or sends pings without end. */
  floods: 1008,
  /** The server, or this client, has as many sockets as it may; or who the client is can't be found out now. */
  tryAgainLater: 1013,
  /** The client sent something that is no message of the protocol, or an id that is too long. */
  invalidMessage: 4400,
  /** Who the client is was not proved, or is not any more. */
  forbidden: 4403,
  /** Two operations at once have the same id. Sent by graphql-ws. */
  duplicateId: 4409,
  /** Own: no operation was going on for too long. */
  idle: 4410,
  /** Own: the client did not read what it was sent for too long. */
  tooSlow: 4413,
  /** A fault of the server. */
  serverFault: 4500,
} as const;

/** What a close frame has room for besides the code, in bytes (RFC 6455, 5.5). */
const LONGEST_REASON_BYTES = 123;

/** The reason as it is, or as much of it as a close frame has room for. */
export function fitReason(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= LONGEST_REASON_BYTES) return reason;
  const cut = bytes.subarray(0, LONGEST_REASON_BYTES - Buffer.byteLength('…'));
  return `${new TextDecoder().decode(cut, { stream: true })}…`; // leaves out half a character at the end
}
