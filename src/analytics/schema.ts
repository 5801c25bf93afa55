import { FlowType } from '../flows/schema.ts';
import { builder } from '../graphql/builder.ts';
import { MOST_POINTS, planSeries, type SeriesRequest } from '../lib/metrics-range.ts';
import { DurationsType } from '../monitoring/figures.schema.ts';
import type { FlowMetrics, FlowMetricsPoint, JobFigures } from './flow-metrics.ts';

const JobFiguresType = builder.interfaceRef<JobFigures>('JobFigures');
JobFiguresType.implement({
  description:
    'What became of jobs that ended in some stretch of time. A job counts within about two seconds after it ended, ' +
    'and goes on to count when it is deleted later.',
  fields: (t) => ({
    completedCount: t.expose('completedCount', {
      type: 'Count',
      description: 'Jobs that completed.',
    }),
    failedCount: t.expose('failedCount', { type: 'Count', description: 'Jobs that failed.' }),
    cancelledCount: t.expose('cancelledCount', {
      type: 'Count',
      description: 'Jobs that were cancelled.',
    }),
    finishedCount: t.expose('finishedCount', {
      type: 'Count',
      description: 'Jobs that ended, however.',
    }),
    successRate: t.exposeFloat('successRate', {
      nullable: true,
      description:
        'Jobs that completed as a share of those that completed or failed, 0.0–1.0; null when there were none.',
    }),
    durations: t.field({
      type: DurationsType,
      description:
        'How long the jobs took that completed or failed, from start to end, in milliseconds. `count` is how many ' +
        'they are.',
      resolve: ({ durations }) => durations,
    }),
    executionCount: t.expose('executionCount', {
      type: 'Count',
      description: 'Activations in these jobs that ended, however.',
    }),
    errorCount: t.expose('errorCount', { type: 'Count', description: 'Those that failed.' }),
    errorRate: t.exposeFloat('errorRate', {
      nullable: true,
      description:
        'Activations that failed as a share of those that ended, 0.0–1.0; null when there were none.',
    }),
  }),
});

const FlowMetricsType = builder.objectRef<FlowMetrics>('FlowMetrics');
FlowMetricsType.implement({
  description:
    'What became of the jobs of a flow that ended in some stretch of time, and how many there are now that have not ' +
    'ended.',
  interfaces: [JobFiguresType],
  fields: (t) => ({
    since: t.expose('since', {
      type: 'DateTime',
      nullable: true,
      description:
        'Where the stretch begins that was counted: the moment asked for, moved back to the minute, or to what is ' +
        'still kept there. When none was asked for, the first day that is kept; null when no job ever ended.',
    }),
    until: t.expose('until', {
      type: 'DateTime',
      description:
        'Where it ends: the moment asked for, moved on to the next full minute, or to what is still kept there.',
    }),
    jobsPerHour: t.exposeFloat('jobsPerHour', {
      description:
        'Throughput: jobs that ended, for each hour from `since` to `until` or to now, whichever is first. 0 when no ' +
        'job ever ended.',
    }),
    pendingCount: t.expose('pendingCount', {
      type: 'Count',
      description: 'Jobs that wait to be started, now.',
    }),
    runningCount: t.expose('runningCount', { type: 'Count', description: 'Jobs that run, now.' }),
    pausedCount: t.expose('pausedCount', {
      type: 'Count',
      description: 'Jobs that are paused, now.',
    }),
  }),
});

const PointType = builder.objectRef<FlowMetricsPoint>('FlowMetricsPoint');
PointType.implement({
  description: 'What became of the jobs of a flow that ended in one minute, hour or day.',
  interfaces: [JobFiguresType],
  fields: (t) => ({
    startAt: t.expose('startAt', { type: 'DateTime', description: 'When it begins.' }),
    endAt: t.expose('endAt', { type: 'DateTime', description: 'When the next one begins.' }),
  }),
});

export const MetricsBucketType = builder.enumType('MetricsBucket', {
  description: 'How much time one point of a time series covers.',
  values: {
    MINUTE: { description: 'A minute.' },
    HOUR: { description: 'An hour.' },
    DAY: { description: 'A day, in UTC.' },
  } as const,
});

interface Range {
  readonly since?: number | null | undefined;
  readonly until?: number | null | undefined;
}

/** A range as it is asked for, with what was left out or null as undefined. */
export const rangeOf = ({ since, until }: Range) => ({
  since: since ?? undefined,
  until: until ?? undefined,
});

/** The arguments of a series. */
export const seriesArgs = builder.args((t) => ({
  bucket: t.field({
    type: MetricsBucketType,
    required: true,
    description: 'How much time each point covers.',
  }),
  since: t.field({
    type: 'DateTime',
    description:
      'The moment that the first point covers. Default: 60 minutes, 48 hours or 31 days before the last one ends.',
  }),
  until: t.field({
    type: 'DateTime',
    description:
      'The last point ends then, or covers it. Default: now; the last point is not over then.',
  }),
}));

/** What a series costs: as much as its points. What makes no series is refused when it is read. */
export function seriesComplexity(
  { bucket, ...range }: Range & Pick<SeriesRequest, 'bucket'>,
  { now }: { readonly now: () => number },
) {
  try {
    const { points } = planSeries({ bucket, ...rangeOf(range) }, now());
    return { field: 1, multiplier: Math.max(points, 1) };
  } catch {
    return { field: 1, multiplier: 1 };
  }
}

builder.objectFields(FlowType, (t) => ({
  metrics: t.field({
    type: FlowMetricsType,
    description:
      'What became of the jobs of it in your tenant. It is worked out from what is kept by the minute, hour and day: exact to the minute, ' +
      'or to the hour or day where only those are still kept.',
    args: {
      since: t.arg({
        type: 'DateTime',
        description:
          'Only jobs that ended then or later. Default: as far back as anything is kept.',
      }),
      until: t.arg({ type: 'DateTime', description: 'Only jobs that ended before. Default: now.' }),
    },
    resolve: ({ id }, range, { flowMetrics }) =>
      flowMetrics.load({ flowId: id, ...rangeOf(range) }),
  }),
  metricsSeries: t.field({
    type: [PointType],
    description:
      `What became of the jobs of it in your tenant by minute, hour or day: all points in order, empty ones included, at most ` +
      `${MOST_POINTS}.`,
    complexity: seriesComplexity,
    args: seriesArgs,
    resolve: ({ id }, { bucket, ...range }, { analytics }) =>
      analytics.readSeries(id, { bucket, ...rangeOf(range) }),
  }),
}));
