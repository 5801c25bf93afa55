import { z } from 'zod';
import { builder } from '../graphql/builder.ts';
import { DurationsType } from '../monitoring/figures.schema.ts';
import type { DurationReading, JobReading } from '../monitoring/readings.ts';
import type { KeptOutput } from './job.ts';

interface JobOutput extends KeptOutput {
  readonly name: string;
}

export const JobOutputType = builder.objectRef<JobOutput>('JobOutput');
JobOutputType.implement({
  description: 'What a job put out under one name.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Name of the output.' }),
    count: t.expose('count', {
      type: 'Count',
      description: 'How many values there were, those not kept included.',
    }),
    values: t.field({
      type: ['JSON'],
      description:
        'The first values, in the order they were emitted. At most 1000 are kept, and of all outputs of a job ' +
        'together about 1 MiB as JSON.',
      args: {
        first: t.arg.int({
          defaultValue: 10,
          description: 'How many to give, 0–1000.',
          validate: z.number().min(0).max(1000),
        }),
      },
      resolve: ({ values }, { first }) => values.slice(0, first ?? 10),
    }),
  }),
});

interface JobMetrics {
  readonly reading: JobReading | undefined;
  readonly durations: DurationReading;
  readonly runMs: number;
}

export const JobMetricsType = builder.objectRef<JobMetrics>('JobMetrics');
const total = (
  { reading }: JobMetrics,
  count: 'executionCount' | 'errorCount' | 'skippedCount' | 'retryCount',
) => (reading?.routines ?? []).reduce((sum, routine) => sum + routine[count], 0);
JobMetricsType.implement({
  description: 'Figures of a whole job: those of its routines taken together.',
  fields: (t) => ({
    executionCount: t.field({
      type: 'Count',
      description: 'Activations that have ended, however.',
      resolve: (metrics) => total(metrics, 'executionCount'),
    }),
    errorCount: t.field({
      type: 'Count',
      description: 'Activations that failed in the end.',
      resolve: (metrics) => total(metrics, 'errorCount'),
    }),
    skippedCount: t.field({
      type: 'Count',
      description: 'Activations that failed and were skipped.',
      resolve: (metrics) => total(metrics, 'skippedCount'),
    }),
    retryCount: t.field({
      type: 'Count',
      description: 'Runs that failed and were tried again.',
      resolve: (metrics) => total(metrics, 'retryCount'),
    }),
    activationsPerSecond: t.float({
      description: 'Activations that ended, per second since the job started.',
      resolve: (metrics) =>
        metrics.runMs > 0 ? (total(metrics, 'executionCount') / metrics.runMs) * 1000 : 0,
    }),
    durations: t.field({
      type: DurationsType,
      description: 'How long the activations of all routines took.',
      resolve: ({ durations }) => durations,
    }),
  }),
});
