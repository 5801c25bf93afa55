/**
 * The codes with which the server closes a WebSocket. Those from 4400 on that are not ours (4410, 4413) are of the
 * graphql-transport-ws protocol. `ws` sends two more by itself: 1002 for a malformed frame, 1007 for text that is no UTF-8.
 */
export const CLOSE_CODES = {
  /** The server goes away. The reason says when to come back: `Going away, retry in 1234 ms`. */
  goingAway: 1001,
  /** The client goes on asking for more than it may have at once, although it is refused. */
  floods: 1008,
  /** A message is larger than `maxFrameBytes`. Sent by `ws`. */
  messageTooLarge: 1009,
  /** The server, or this client, has as many sockets as it may. */
  tryAgainLater: 1013,
  /** The client sent something that is no message of the protocol, or an id that is too long. */
  invalidMessage: 4400,
  /** An operation came before `connection_init` was answered. Sent by graphql-ws. */
  unauthorized: 4401,
  /** No other sub-protocol is spoken here. Sent by graphql-ws. */
  protocolNotSpoken: 4406,
  /** `connection_init` did not come in time. Sent by graphql-ws. */
  notInitialised: 4408,
  /** Two operations at once have the same id. Sent by graphql-ws. */
  duplicateId: 4409,
  /** Own: no operation was going on for too long. */
  idle: 4410,
  /** Own: the client did not read what it was sent for too long. */
  tooSlow: 4413,
  /** `connection_init` came a second time. Sent by graphql-ws. */
  initialisedTwice: 4429,
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
