import type { StopReason } from '../debugger/debug-host.ts';
import { builder } from '../graphql/builder.ts';
import { JobEventInterface, type Of, ofJob } from '../jobs/events.schema.ts';
import { BreakpointType } from './breakpoint.schema.ts';
import { StopReasonType } from './session.schema.ts';

const interfaces = [JobEventInterface];
const ROUTINE = 'Name of the routine in the flow.';
const BREAKPOINT = 'The breakpoint as it is now; null when it was removed.';
const BREAKPOINT_ID = 'The id of the breakpoint.';

builder.objectRef<Of<'BREAKPOINT_HIT'>>('BreakpointHitEvent').implement({
  description:
    'A breakpoint stopped the job: see its `debugSession`. Several that stop it at once are told one by one.',
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    breakpointId: t.id({
      description: BREAKPOINT_ID,
      resolve: ({ breakpointId }) => `Breakpoint:${breakpointId}`,
    }),
    breakpoint: t.field({
      type: BreakpointType,
      nullable: true,
      description: BREAKPOINT,
      resolve: ({ breakpointId }, _args, { breakpointsById }) => breakpointsById.load(breakpointId),
    }),
    hitCount: t.expose('hitCount', {
      type: 'Count',
      description: 'How often it has been hit in this job.',
    }),
    reason: t.field({
      type: StopReasonType,
      description: 'Why the job stopped.',
      // Messages are plain data; this is of a stop.
      resolve: ({ reason }) => reason as StopReason,
    }),
    routineId: t.exposeString('routineId', { description: ROUTINE }),
    activationId: t.expose('activationId', {
      type: 'Count',
      nullable: true,
      description:
        'The number of the activation that hit it; null for a queue that came to a pressure level.',
    }),
  }),
});

builder.objectRef<Of<'LOG_POINT'>>('LogPointEvent').implement({
  description: 'A breakpoint with a log message wrote to the log of the job. Nothing stopped.',
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    breakpointId: t.id({
      description: BREAKPOINT_ID,
      resolve: ({ breakpointId }) => `Breakpoint:${breakpointId}`,
    }),
    breakpoint: t.field({
      type: BreakpointType,
      nullable: true,
      description: BREAKPOINT,
      resolve: ({ breakpointId }, _args, { breakpointsById }) => breakpointsById.load(breakpointId),
    }),
    routineId: t.exposeString('routineId', { description: ROUTINE }),
    message: t.exposeString('message', { description: 'What it wrote; cut at 1,000 characters.' }),
  }),
});

builder.objectRef<Of<'STOP_EXPIRED'>>('StopExpiredEvent').implement({
  description: 'The job stood still, nobody did anything about it, and it goes on by itself.',
  interfaces,
  fields: (t) => ({
    ...ofJob(t),
    afterMs: t.exposeFloat('afterMs', { description: 'Milliseconds that it stood still.' }),
  }),
});
