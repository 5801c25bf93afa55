import type { Figure } from '../server.ts';
import type { ConnectionCounters, ConnectionCounts } from './connection-counters.ts';

/** Why the server closed a socket; the field that counts it. All others are `other`. */
const CLOSED: Readonly<Record<string, keyof ConnectionCounters>> = {
  idle: 'idleTotal',
  dead: 'deadTotal',
  too_slow: 'tooSlowTotal',
};

/** The counts of connections, as figures. */
export function connectionFigures(counts: ConnectionCounts): readonly Figure[] {
  const gauge = (name: string, help: string, value: number): Figure => {
    return { name: `millrace_${name}`, help, kind: 'gauge', value };
  };
  const counter = (name: string, help: string, value: number): Figure => {
    return { name: `millrace_${name}`, help, kind: 'counter', value };
  };
  return [
    gauge('websockets', 'WebSockets that are open.', counts.webSockets),
    gauge('event_streams', 'Streams of server-sent events that are open.', counts.eventStreams),
    gauge('websocket_operations', 'Operations that go on over WebSocket.', counts.operations),
    gauge('subscriptions', 'Subscriptions that go on, over any transport.', counts.subscriptions),
    gauge(
      'subscription_groups',
      'Groups of subscriptions that are served by one execution.',
      counts.groups,
    ),
    counter('websockets_opened_total', 'WebSockets that were opened.', counts.openedTotal),
    counter(
      'websockets_refused_total',
      'WebSockets that were closed at once since there were too many.',
      counts.tooManyTotal,
    ),
    counter('messages_total', 'Results handed to subscriptions.', counts.messagesTotal),
    counter(
      'fell_behind_total',
      'Subscriptions to events that ended since the client was too slow.',
      counts.fellBehindTotal,
    ),
    ...closedFigures(counts),
  ];
}

function closedFigures(counts: ConnectionCounts): Figure[] {
  const figure = (reason: string, value: number): Figure => ({
    name: 'millrace_websockets_closed_total',
    help: 'WebSockets that were closed, by reason; other: by the client, for misuse, or since the server goes away.',
    kind: 'counter',
    labels: { reason },
    value,
  });
  let other = counts.closedTotal;
  const figures = Object.entries(CLOSED).map(([reason, field]) => {
    other -= counts[field];
    return figure(reason, counts[field]);
  });
  return [...figures, figure('other', other)];
}
