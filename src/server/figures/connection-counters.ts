/**
 * Counts what goes on over the connections of one server: present numbers, and totals (`…Total`) since it was made. Plain
 * fields, which those who send and receive count up and down.
 */
export class ConnectionCounters {
  /** WebSockets that are open. */
  webSockets = 0;
  /** Operations that go on over WebSocket: subscriptions, and queries and mutations that are being answered. */
  operations = 0;
  /** Subscriptions that go on, over whatever transport. */
  subscriptions = 0;
  /** Groups of subscriptions that are served by one execution. */
  groups = 0;
  openedTotal = 0;
  closedTotal = 0;
  /** Closed since no operation was going on. */
  idleTotal = 0;
  /** Cut since a ping was not answered. */
  deadTotal = 0;
  /** Closed since the client did not read. */
  tooSlowTotal = 0;
  /** Closed at once since there were too many; not among those that were opened. */
  tooManyTotal = 0;
  /** Results handed to subscriptions. */
  messagesTotal = 0;
  /** Subscriptions to events that ended since the client was too slow. */
  fellBehindTotal = 0;
}

/** What goes on over the connections of one server, at one moment. */
export type ConnectionCounts = Readonly<ConnectionCounters> & {
  /** Responses that are streams of server-sent events and are open. */
  readonly eventStreams: number;
};

/** Of a server that has not begun to serve. */
export const NO_CONNECTIONS: ConnectionCounts = { ...new ConnectionCounters(), eventStreams: 0 };
