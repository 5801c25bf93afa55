import { rangeOf, seriesArgs, seriesComplexity } from '../analytics/schema.ts';
import { builder } from '../graphql/builder.ts';
import { MOST_POINTS } from '../lib/metrics-range.ts';
import { DurationsType } from '../monitoring/figures.schema.ts';
import type { HealthFigures, HealthPoint, HealthSummary } from './health-history.ts';
import { ServiceType } from './schema.ts';

const StatusTimesType = builder.objectRef<HealthFigures['statusMs']>('ServiceStatusTimes');
StatusTimesType.implement({
  description:
    'How long a service had each status, in milliseconds. The time of maintenance, and that in which nobody looked, is ' +
    'in none of them.',
  fields: (t) => ({
    healthyMs: t.exposeFloat('HEALTHY', { description: 'HEALTHY.' }),
    degradedMs: t.exposeFloat('DEGRADED', { description: 'DEGRADED.' }),
    unhealthyMs: t.exposeFloat('UNHEALTHY', { description: 'UNHEALTHY.' }),
    unknownMs: t.exposeFloat('UNKNOWN', { description: 'UNKNOWN.' }),
  }),
});

const HealthFiguresType = builder.interfaceRef<HealthFigures>('HealthFigures');
HealthFiguresType.implement({
  description: 'What became of a service in some stretch of time.',
  fields: (t) => ({
    statusTimes: t.field({
      type: StatusTimesType,
      description: 'How long it had each status.',
      resolve: ({ statusMs }) => statusMs,
    }),
    maintenanceMs: t.exposeFloat('maintenanceMs', {
      description: 'How long it was in maintenance, in milliseconds.',
    }),
    uptime: t.exposeFloat('uptime', {
      nullable: true,
      description:
        'The time HEALTHY or DEGRADED as a share of that plus the time UNHEALTHY, 0.0–1.0; null when there was none.',
    }),
    checkCount: t.expose('checkCount', {
      type: 'Count',
      description: 'Checks that ended, or reports.',
    }),
    failedCount: t.expose('failedCount', {
      type: 'Count',
      description: 'Those that were UNHEALTHY.',
    }),
    responseTimes: t.field({
      type: DurationsType,
      description: 'How long it took to answer, in milliseconds, of all checks that were answered.',
      resolve: ({ responseTimes }) => responseTimes,
    }),
  }),
});

const HealthSummaryType = builder.objectRef<HealthSummary>('ServiceHealth');
HealthSummaryType.implement({
  description: 'What became of a service in the stretch of time that was asked for.',
  interfaces: [HealthFiguresType],
  fields: (t) => ({
    since: t.expose('since', {
      type: 'DateTime',
      nullable: true,
      description:
        'Where the stretch begins that was counted: the moment asked for, moved back to the minute, or to what is ' +
        'still kept there. When none was asked for, the first that is kept; null when nothing is.',
    }),
    until: t.expose('until', {
      type: 'DateTime',
      description:
        'Where it ends: the moment asked for, moved on to the next full minute, or to what is still kept there.',
    }),
  }),
});

const HealthPointType = builder.objectRef<HealthPoint>('ServiceHealthPoint');
HealthPointType.implement({
  description: 'What became of a service in one minute, hour or day.',
  interfaces: [HealthFiguresType],
  fields: (t) => ({
    startAt: t.expose('startAt', { type: 'DateTime', description: 'When it begins.' }),
    endAt: t.expose('endAt', { type: 'DateTime', description: 'When the next one begins.' }),
  }),
});

builder.objectFields(ServiceType, (t) => ({
  health: t.field({
    type: HealthSummaryType,
    // Each is read by itself.
    complexity: 10,
    description:
      'What became of it: uptime, time in each status, response times. It is worked out from what is kept by the minute, ' +
      'hour and day: exact to the minute, or to the hour or day where only those are still kept.',
    args: {
      since: t.arg({
        type: 'DateTime',
        description: 'From then on. Default: as far back as anything is kept.',
      }),
      until: t.arg({ type: 'DateTime', description: 'Up to then. Default: now.' }),
    },
    resolve: ({ name }, range, { health }) => health.readSummary(name, rangeOf(range)),
  }),
  healthSeries: t.field({
    type: [HealthPointType],
    description: `What became of it by minute, hour or day: all points in order, empty ones included, at most ${MOST_POINTS}.`,
    complexity: seriesComplexity,
    args: seriesArgs,
    resolve: ({ name }, { bucket, ...range }, { health }) =>
      health.readSeries(name, { bucket, ...rangeOf(range) }),
  }),
}));
