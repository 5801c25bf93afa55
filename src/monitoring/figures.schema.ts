import type { RoutineProgress } from '../engine/index.ts';
import { builder } from '../graphql/builder.ts';
import type { DurationReading, FailureReading } from './readings.ts';

export const FailureType = builder.objectRef<FailureReading>('Failure');
FailureType.implement({
  description: 'An error that code of a flow threw, or that ended a job.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'What it said.' }),
    code: t.exposeString('code', {
      nullable: true,
      description: 'Its own code, if it has one, such as `DEADLOCK`.',
    }),
  }),
});

export const ProgressType = builder.objectRef<RoutineProgress>('Progress');
ProgressType.implement({
  description: 'How far a routine says it is.',
  fields: (t) => ({
    done: t.exposeFloat('done', { description: 'How much is done, in whatever it counts.' }),
    total: t.exposeFloat('total', {
      nullable: true,
      description: 'How much there is; null when that is not known.',
    }),
    ratio: t.float({
      nullable: true,
      description: '`done` as a share of `total`, 0.0–1.0.',
      resolve: ({ done, total }) =>
        total === undefined || total <= 0 ? null : Math.min(1, Math.max(0, done / total)),
    }),
    message: t.exposeString('message', { nullable: true, description: 'What it is at.' }),
  }),
});

export const DurationsType = builder.objectRef<DurationReading>('DurationStatistics');
DurationsType.implement({
  description:
    'How long the runs of some code took, in milliseconds. Percentiles are within 3.2 % of the exact value. Null when nothing ran.',
  fields: (t) => ({
    count: t.expose('count', { type: 'Count', description: 'Runs that were measured.' }),
    minMs: t.exposeFloat('minMs', { nullable: true, description: 'The shortest.' }),
    avgMs: t.exposeFloat('avgMs', { nullable: true, description: 'The mean.' }),
    p50Ms: t.exposeFloat('p50Ms', { nullable: true, description: 'Half were shorter.' }),
    p95Ms: t.exposeFloat('p95Ms', { nullable: true, description: '95 % were shorter.' }),
    p99Ms: t.exposeFloat('p99Ms', { nullable: true, description: '99 % were shorter.' }),
    maxMs: t.exposeFloat('maxMs', { nullable: true, description: 'The longest.' }),
  }),
});
