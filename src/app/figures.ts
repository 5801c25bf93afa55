import type { Services } from '../graphql/context.ts';
import type { HealthCounts } from '../health/monitor.ts';
import type { JobCounts } from '../jobs/job-counts.ts';
import type { Figure } from '../server/server.ts';

/** What `/metrics` tells of jobs, of services, and of the database. */
export function makeFigures(
  jobs: JobCounts,
  health: HealthCounts,
  { storage }: Pick<Services, 'storage'>,
): Figure[] {
  const { status, writeBehind } = storage;
  const byState = (kind: Figure['kind'], name: string, help: string, counts: JobCounts['here']) =>
    Object.entries(counts).map(
      ([state, value]): Figure => ({ name, help, kind, labels: { state }, value }),
    );
  const rows = (name: string, help: string, kind: Figure['kind'], value: number): Figure => {
    return { name: `millrace_write_behind_${name}`, help, kind, value };
  };
  return [
    ...byState('gauge', 'millrace_jobs', 'Jobs that run in this process, by state.', jobs.here),
    ...byState(
      'counter',
      'millrace_jobs_ended_total',
      'Jobs that ended in this process, by state.',
      jobs.ended,
    ),
    ...Object.entries(health.services).map(
      ([status, value]): Figure => ({
        name: 'millrace_services',
        help: 'Services that are not in maintenance, by status.',
        kind: 'gauge',
        labels: { status },
        value,
      }),
    ),
    {
      name: 'millrace_service_checks_total',
      help: 'Checks of services, and reports of agents.',
      kind: 'counter',
      value: health.checks,
    },
    {
      name: 'millrace_database_ready',
      help: 'Whether the database can be read and written: 1 or 0.',
      kind: 'gauge',
      value: status.isReady ? 1 : 0,
    },
    rows('waiting_rows', 'Rows of traces and logs that wait.', 'gauge', writeBehind.waiting),
    rows('written_rows_total', 'Rows that were written.', 'counter', writeBehind.written),
    rows('dropped_rows_total', 'Rows that were lost.', 'counter', writeBehind.dropped),
  ];
}
