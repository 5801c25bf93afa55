import type { ServerResponse } from 'node:http';
import type * as Metrics from 'prom-client';
import type { ConnectionCounters, ConnectionCounts } from './connection-counters.ts';

/** Where Prometheus, and what reads as it does, finds the counts of the server. */
export const METRICS_PATH = '/metrics';

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly read: (counts: ConnectionCounts) => number;
}

const GAUGES: readonly Metric[] = [
  {
    name: 'millrace_websockets',
    help: 'WebSockets that are open.',
    read: ({ webSockets }) => webSockets,
  },
  {
    name: 'millrace_event_streams',
    help: 'Streams of server-sent events that are open.',
    read: ({ eventStreams }) => eventStreams,
  },
  {
    name: 'millrace_websocket_operations',
    help: 'Operations that go on over WebSocket.',
    read: ({ operations }) => operations,
  },
  {
    name: 'millrace_subscriptions',
    help: 'Subscriptions that go on, over any transport.',
    read: ({ subscriptions }) => subscriptions,
  },
  {
    name: 'millrace_subscription_groups',
    help: 'Groups of subscriptions that are served by one execution.',
    read: ({ groups }) => groups,
  },
];

const COUNTERS: readonly Metric[] = [
  {
    name: 'millrace_websockets_opened_total',
    help: 'WebSockets that were opened.',
    read: ({ openedTotal }) => openedTotal,
  },
  {
    name: 'millrace_websockets_refused_total',
    help: 'WebSockets that were closed at once since there were too many.',
    read: ({ tooManyTotal }) => tooManyTotal,
  },
  {
    name: 'millrace_messages_total',
    help: 'Results handed to subscriptions.',
    read: ({ messagesTotal }) => messagesTotal,
  },
  {
    name: 'millrace_fell_behind_total',
    help: 'Subscriptions to events that ended since the client was too slow.',
    read: ({ fellBehindTotal }) => fellBehindTotal,
  },
];

/** Why the server closed a socket; the field that counts it. All others are `other`. */
const CLOSED: Readonly<Record<string, keyof ConnectionCounters>> = {
  idle: 'idleTotal',
  dead: 'deadTotal',
  too_slow: 'tooSlowTotal',
};

/**
 * Answers what `count` counts, in the text format of Prometheus. It is asked when somebody asks here, and never else.
 * `prom-client` is loaded then.
 */
export function createMetrics(count: () => ConnectionCounts) {
  let making: Promise<Metrics.Registry> | undefined;
  return async (response: ServerResponse): Promise<void> => {
    making ??= makeRegistry(count);
    const registry = await making;
    const text = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType, 'cache-control': 'no-store' });
    response.end(text);
  };
}

async function makeRegistry(count: () => ConnectionCounts): Promise<Metrics.Registry> {
  const { Counter, Gauge, Registry } = await import('prom-client');
  const registry = new Registry();
  const registers = [registry];
  for (const { name, help, read } of GAUGES) {
    const gauge: Metrics.Gauge = new Gauge({
      name,
      help,
      registers,
      collect: () => gauge.set(read(count())),
    });
  }
  for (const { name, help, read } of COUNTERS) {
    const counter: Metrics.Counter = new Counter({
      name,
      help,
      registers,
      collect() {
        counter.reset();
        counter.inc(read(count()));
      },
    });
  }
  const closed = new Counter({
    name: 'millrace_websockets_closed_total',
    help: 'WebSockets that were closed, by reason; other: by the client, for misuse, or since the server goes away.',
    labelNames: ['reason'],
    registers,
    collect() {
      const counts = count();
      let other = counts.closedTotal;
      closed.reset();
      for (const [reason, field] of Object.entries(CLOSED)) {
        closed.inc({ reason }, counts[field]);
        other -= counts[field];
      }
      closed.inc({ reason: 'other' }, other);
    },
  });
  return registry;
}
