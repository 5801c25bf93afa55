import { builder } from './builder.ts';
import type { Context } from './context.ts';

const CapabilityType = builder.enumType('Capability', {
  description: 'Something this server can do for this viewer. Hide what is not listed.',
  values: {
    WATCH: { description: 'See flows and jobs, and subscribe to them.' },
    CONTROL_JOBS: { description: 'Start, pause, resume, cancel, retry and delete jobs.' },
  } as const,
});

const LimitsType = builder.objectRef<Context['limits']>('OperationLimits');
LimitsType.implement({
  description: 'What one operation may cost. Above that it is refused with code `TOO_COSTLY`.',
  fields: (t) => ({
    complexity: t.exposeInt('complexity', {
      description: 'The most fields an answer may have, estimated from the page sizes asked for.',
    }),
    depth: t.exposeInt('depth', { description: 'The deepest nesting of fields.' }),
    breadth: t.exposeInt('breadth', { description: 'The most fields written in the operation.' }),
  }),
});

const ServerType = builder.objectRef<Context>('Server');
ServerType.implement({
  description: 'The server that answers.',
  fields: (t) => ({
    version: t.exposeString('version', { description: 'The version of Millrace it runs.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it was started.' }),
    now: t.field({
      type: 'DateTime',
      description: 'What its clock shows.',
      resolve: ({ now }) => now(),
    }),
    capabilities: t.field({
      type: [CapabilityType],
      description: 'What it can do for this viewer.',
      resolve: ({ viewer }) => [
        ...(viewer.rights.has('watch') ? (['WATCH'] as const) : []),
        ...(viewer.rights.has('control') ? (['CONTROL_JOBS'] as const) : []),
      ],
    }),
    limits: t.field({
      type: LimitsType,
      description: 'What one operation may cost.',
      resolve: ({ limits }) => limits,
    }),
  }),
});

builder.queryField('server', (t) =>
  t.field({
    type: ServerType,
    description: 'The server that answers: its version, clock, capabilities and limits.',
    resolve: (_root, _args, context) => context,
  }),
);
