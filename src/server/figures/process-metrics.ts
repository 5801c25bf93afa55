import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import type { Figure } from '../server.ts';

/** How exactly the delay of the event loop is measured, in milliseconds. */
const DELAY_RESOLUTION_MS = 10;

const NANO = 1e-9;

/** Figures of this process, from when it was made until it is closed. */
export interface ProcessMetrics {
  /** As they are now. The delay of the event loop is that since it was last asked. */
  read(): readonly Figure[];
  close(): void;
}

/**
 * Watches this process. The names are those that `prom-client` gives the same figures, so that what was made to show them does;
 * its own collection of them can't be stopped, and so would outlive the server.
 */
export function watchProcess(): ProcessMetrics {
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  let collections = 0;
  let collectingMs = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      collections++;
      collectingMs += duration;
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  const startedAt = Math.round(performance.timeOrigin / 1000);

  return {
    read() {
      const { user, system } = process.cpuUsage();
      const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
      const lags = { p50: delay.percentile(50), p99: delay.percentile(99), max: delay.max };
      delay.reset();
      return [
        counter('process_cpu_user_seconds_total', 'User CPU time, in seconds.', user / 1e6),
        counter('process_cpu_system_seconds_total', 'System CPU time, in seconds.', system / 1e6),
        counter('process_cpu_seconds_total', 'CPU time, in seconds.', (user + system) / 1e6),
        gauge('process_start_time_seconds', 'Start, in seconds since the epoch.', startedAt),
        gauge('process_resident_memory_bytes', 'Resident memory, in bytes.', rss),
        gauge('nodejs_heap_size_total_bytes', 'Size of the heap, in bytes.', heapTotal),
        gauge('nodejs_heap_size_used_bytes', 'Used heap, in bytes.', heapUsed),
        gauge('nodejs_external_memory_bytes', 'Memory outside the heap, in bytes.', external),
        ...Object.entries(lags).map(([name, value]) =>
          gauge(
            `nodejs_eventloop_lag_${name}_seconds`,
            `Delay of the event loop since the last reading, ${name}, in seconds.`,
            Number.isFinite(value) ? value * NANO : 0,
          ),
        ),
        counter('nodejs_gc_duration_seconds_count', 'Garbage collections.', collections),
        counter('nodejs_gc_duration_seconds_sum', 'Time in them, in seconds.', collectingMs / 1000),
      ];
    },
    close() {
      delay.disable();
      observer.disconnect();
    },
  };
}

function gauge(name: string, help: string, value: number): Figure {
  return { name, help, kind: 'gauge', value };
}

function counter(name: string, help: string, value: number): Figure {
  return { name, help, kind: 'counter', value };
}
