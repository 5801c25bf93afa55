import type { ServerResponse } from 'node:http';
import type * as Prometheus from 'prom-client';
import { sendText } from '../door/compression.ts';
import type { Figure } from '../server.ts';
import type { ConnectionCounts } from './connection-counters.ts';
import { connectionFigures } from './connection-figures.ts';
import { type ProcessMetrics, watchProcess } from './process-metrics.ts';
import { DURATION_BUCKETS, type DurationTally, type Tallies, type Tally } from './tallies.ts';

/** Where Prometheus, and what reads as it does, finds the figures of the server. */
export const METRICS_PATH = '/metrics';

interface MetricsParts {
  readonly count: () => ConnectionCounts;
  readonly tallies: Tallies;
  /** Figures of what is served. */
  readonly figures: () => readonly Figure[];
}

/** What Prometheus is told. */
export interface Metrics {
  answer(response: ServerResponse): Promise<void>;
  close(): void;
}

/** A value of a metric, with the labels and the name of its line. */
interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

/** A metric as a registry of `prom-client` reads it. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly values: Sample[];
}

/**
 * Answers all figures, in the text format of Prometheus. They are read when somebody asks here, and never else; the process is
 * watched, and `prom-client` loaded, from the first time on.
 */
export function createMetrics({ count, tallies, figures }: MetricsParts): Metrics {
  let watched: ProcessMetrics | undefined;
  let isClosed = false;

  return {
    async answer(response) {
      const { Registry } = await import('prom-client');
      if (isClosed) return void response.destroy();
      watched ??= watchProcess();
      const registry = new Registry();
      const families = [
        ...asFamilies([...watched.read(), ...connectionFigures(count()), ...figures()]),
        ...tallyFamilies(tallies),
      ];
      for (const family of families) {
        // All that a registry asks of a metric is its name, and itself.
        registry.registerMetric({
          ...family,
          get: async () => family,
        } as unknown as Prometheus.Metric);
      }
      return sendText(response, 200, registry.contentType, await registry.metrics());
    },
    close() {
      isClosed = true;
      watched?.close();
    },
  };
}

/** Figures of the same name together. */
function asFamilies(figures: readonly Figure[]): Iterable<Family> {
  const families = new Map<string, Family>();
  for (const { name, help, kind, labels = {}, value } of figures) {
    const family: Family = families.get(name) ?? { name, help, type: kind, values: [] };
    families.set(name, family);
    family.values.push({ labels, value });
  }
  return families.values();
}

function tallyFamilies(tallies: Tallies): Family[] {
  return [
    {
      name: 'millrace_http_requests_total',
      help: 'HTTP requests that were answered, by method and class of the status; none: the client had gone.',
      type: 'counter',
      values: samples(tallies.requests),
    },
    {
      name: 'millrace_refusals_total',
      help: 'Requests and operations that were refused, by reason.',
      type: 'counter',
      values: samples(tallies.refusals),
    },
    {
      name: 'millrace_operation_duration_seconds',
      help: 'How long operations took, by type, transport and outcome, in seconds; subscriptions to their end.',
      type: 'histogram',
      values: [...tallies.operations].flatMap((tally) =>
        histogram('millrace_operation_duration_seconds', tally),
      ),
    },
  ];
}

function samples(tallies: Iterable<Tally>): Sample[] {
  return [...tallies].map(({ labels, count }) => ({ labels, value: count }));
}

function histogram(
  name: string,
  { labels, inBuckets, count, sumSeconds }: DurationTally,
): Sample[] {
  let upTo = 0;
  const buckets = DURATION_BUCKETS.map((end, at) => {
    upTo += inBuckets[at] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: end }, value: upTo };
  });
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sumSeconds },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
