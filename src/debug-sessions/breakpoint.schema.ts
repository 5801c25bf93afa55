import { BreakpointKindType, StopPressureLevelType } from '../debugger/breakpoint-input.schema.ts';
import { FlowType } from '../flows/schema.ts';
import { builder } from '../graphql/builder.ts';
import { JobType } from '../jobs/schema.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import type { BreakpointInJob } from './breakpoint-reader.ts';
import { faultsOf } from './faults-of.ts';
import type { KeptBreakpoint } from './kept-breakpoint.ts';

export const BreakpointType = builder.loadableNodeRef<
  KeptBreakpoint | Error,
  string,
  string,
  string
>('Breakpoint', {
  id: { resolve: ({ id }) => id },
  loaderOptions: { cache: false },
  load: async (ids, { breakpoints }) => {
    const found = await breakpoints.find(ids);
    return found.map((each, at) => each ?? new NotFoundError('Breakpoint', ids[at] ?? ''));
  },
});
BreakpointType.implement({
  description:
    'A place at which jobs stop, or, with a log message, write a line to their log and go on.',
  authScopes: { read: true },
  fields: (t) => ({
    kind: t.expose('kind', { type: BreakpointKindType, description: 'Where it stops its job.' }),
    flowId: t.exposeString('flowId', { description: 'Name of the flow.' }),
    flow: t.field({
      type: FlowType,
      nullable: true,
      description: 'The flow; null when that is not on this server any more.',
      resolve: ({ flowId }, _args, { flows }) => flows.get(flowId),
    }),
    job: t.field({
      type: JobType,
      nullable: true,
      description: 'The one job it is of; null for one that every job of the flow has.',
      resolve: ({ jobId }, _args, { jobsById }) =>
        jobId === undefined ? null : jobsById.load(jobId),
    }),
    routineId: t.exposeString('routineId', {
      nullable: true,
      description: 'Name of the routine; null for any, of kinds EXCEPTION and PRESSURE.',
    }),
    slot: t.exposeString('slot', {
      nullable: true,
      description: 'Name of the slot, of kinds SLOT and PRESSURE; null for any, of kind PRESSURE.',
    }),
    event: t.exposeString('event', {
      nullable: true,
      description: 'Name of the event, of kind EVENT.',
    }),
    pressureLevel: t.field({
      type: StopPressureLevelType,
      nullable: true,
      description: 'The level, of kind PRESSURE.',
      resolve: ({ pressureLevel }) => pressureLevel,
    }),
    condition: t.exposeString('condition', {
      nullable: true,
      description: 'Expression: it counts as a hit only where this is true.',
    }),
    hitCondition: t.exposeString('hitCondition', {
      nullable: true,
      description:
        'Which hits in one job stop it: `5` the fifth, `>= 3` all from the third, `% 10` each tenth; null for all.',
    }),
    logMessage: t.exposeString('logMessage', {
      nullable: true,
      description:
        'With it nothing stops: this is written to the log of the job, with each `{expression}` in it worked out.',
    }),
    isEnabled: t.exposeBoolean('isEnabled', { description: 'Whether it counts.' }),
    isOnce: t.exposeBoolean('isOnce', {
      description: 'Whether it disables itself when it has stopped a job.',
    }),
    after: t.field({
      type: BreakpointType,
      nullable: true,
      description: 'The breakpoint that has to be hit in the same job before this one counts.',
      resolve: ({ after }, _args, { breakpointsById }) =>
        after === undefined ? null : breakpointsById.load(after),
    }),
    isVerified: t.boolean({
      nullable: true,
      description:
        'Whether it can be hit in its flow as that is now; `problem` says why not. Null when the flow is not on this server.',
      resolve: (breakpoint, _args, { flows }) => {
        const faults = faultsOf(breakpoint, flows);
        return faults && faults.length === 0;
      },
    }),
    problem: t.string({
      nullable: true,
      description: "Why it can't be hit in its flow.",
      resolve: (breakpoint, _args, { flows }) => {
        const faults = faultsOf(breakpoint, flows) ?? [];
        return faults.length === 0 ? null : faults.join(' ');
      },
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When it was last changed by hand.',
    }),
    hitCount: t.expose('hitCount', {
      type: 'Count',
      description: 'How often it was hit, in all jobs together.',
    }),
    lastHitAt: t.expose('lastHitAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was hit last, in any job.',
    }),
    lastHitJob: t.field({
      type: JobType,
      nullable: true,
      description: 'The job it was hit in last; null when there is none, or that was deleted.',
      resolve: ({ lastHitJobId }, _args, { jobsById }) =>
        lastHitJobId === undefined ? null : jobsById.load(lastHitJobId),
    }),
    lastHitActivationId: t.expose('lastHitActivationId', {
      type: 'Count',
      nullable: true,
      description: 'The number, in that job, of the activation that hit it last.',
    }),
    lastError: t.exposeString('lastError', {
      nullable: true,
      description:
        'Why its condition, or its message, could not be worked out when that was last tried in any job; null when it could.',
    }),
  }),
});

export const JobBreakpointType = builder.objectRef<BreakpointInJob>('JobBreakpoint');
JobBreakpointType.implement({
  description: 'A breakpoint as it counts in one job.',
  fields: (t) => ({
    breakpoint: t.field({
      type: BreakpointType,
      description: 'The breakpoint.',
      resolve: ({ breakpoint }) => breakpoint,
    }),
    hitCount: t.field({
      type: 'Count',
      nullable: true,
      description:
        'How often it was hit in the job: was come to, armed and enabled, and its condition was true. Null for one of ' +
        'the flow when the job has ended: then only the total is known.',
      resolve: ({ breakpoint, progress }) =>
        progress?.hitCount ?? (breakpoint.jobId === undefined ? undefined : breakpoint.hitCount),
    }),
    isVerified: t.boolean({
      nullable: true,
      description:
        'Whether it can be hit in the job; `problem` says why not. Null while the job has not begun, when its flow is ' +
        'not on this server, and when it has ended.',
      resolve: ({ progress }) => progress && progress.problem === undefined,
    }),
    problem: t.string({
      nullable: true,
      description: "Why it can't be hit in the job.",
      resolve: ({ progress }) => progress?.problem,
    }),
    isArmed: t.boolean({
      nullable: true,
      description:
        'Whether the breakpoint that arms it was hit in the job; true when there is none. Null like `isVerified`.',
      resolve: ({ progress }) => progress?.isArmed,
    }),
    lastError: t.string({
      nullable: true,
      description:
        'Why its condition, or its message, could not be worked out when that was last tried in the job; null when it could.',
      resolve: ({ progress }) => progress?.lastError,
    }),
    lastHitAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was hit last in the job.',
      resolve: ({ progress }) => progress?.lastHitAt,
    }),
    lastHitActivationId: t.field({
      type: 'Count',
      nullable: true,
      description: 'The number of the activation that hit it last.',
      resolve: ({ progress }) => progress?.lastHitActivationId,
    }),
  }),
});
