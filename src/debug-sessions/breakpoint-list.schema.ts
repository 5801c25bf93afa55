import { BreakpointKindType } from '../debugger/breakpoint-input.schema.ts';
import { FlowType } from '../flows/schema.ts';
import { builder } from '../graphql/builder.ts';
import { keysetConnection, type PageArgs, pageComplexity } from '../graphql/connections.ts';
import type { Context } from '../graphql/context.ts';
import { localId } from '../graphql/ids.ts';
import { BreakpointType } from './breakpoint.schema.ts';
import type { BreakpointFilter, KeptBreakpoint } from './kept-breakpoint.ts';

const BreakpointConnection = builder.connectionObject(
  { type: BreakpointType, name: 'BreakpointConnection', description: 'A page of breakpoints.' },
  { name: 'BreakpointEdge', description: 'A breakpoint in a page.' },
);

const isText = (value: unknown): value is string => typeof value === 'string';

function pageBreakpoints(filter: BreakpointFilter, args: PageArgs, { breakpoints }: Context) {
  return keysetConnection<KeptBreakpoint, string>(args, {
    name: 'breakpoints',
    positionOf: ({ id }) => id,
    isPosition: isText,
    fetch: (range) => breakpoints.list({ ...range, filter }),
    totalCount: () => breakpoints.count(filter),
  });
}

const BreakpointFilterInput = builder.inputType('BreakpointFilter', {
  description: 'Which breakpoints to list: those for which all that is given is true.',
  fields: (t) => ({
    jobId: t.id({ description: 'Of this job itself; those of its flow are not among them.' }),
    flowId: t.id({ description: 'Of this flow and of its jobs; by id or name.' }),
    isOfFlow: t.boolean({ description: 'Whether they are of a flow as such, not of one job.' }),
    kinds: t.field({ type: [BreakpointKindType], description: 'Of one of these kinds.' }),
    isEnabled: t.boolean({ description: 'Whether they count.' }),
  }),
});

builder.queryField('breakpoints', (t) =>
  t.connection(
    {
      type: BreakpointType,
      description: 'The breakpoints of your tenant in the order they were made, oldest first.',
      authScopes: { read: true },
      complexity: pageComplexity,
      args: {
        filter: t.arg({ type: BreakpointFilterInput, description: 'Which to list. Default: all.' }),
      },
      resolve: (_root, { filter, ...page }, context) => {
        const { jobId, flowId, isOfFlow, kinds, isEnabled } = filter ?? {};
        const wanted: BreakpointFilter = {
          jobId: isText(jobId) ? localId('Job', jobId, ['filter', 'jobId']) : undefined,
          flowId: isText(flowId) ? localId('Flow', flowId, ['filter', 'flowId']) : undefined,
          isOfFlow: isOfFlow ?? undefined,
          kinds: kinds ?? undefined,
          isEnabled: isEnabled ?? undefined,
        };
        return pageBreakpoints(wanted, page, context);
      },
    },
    BreakpointConnection,
  ),
);

builder.objectField(FlowType, 'breakpoints', (t) =>
  t.connection(
    {
      type: BreakpointType,
      description:
        'The breakpoints that every job of it has in your tenant, in the order they were made.',
      complexity: pageComplexity,
      resolve: ({ id }, args, context) =>
        pageBreakpoints({ flowId: id, isOfFlow: true }, args, context),
    },
    BreakpointConnection,
  ),
);
