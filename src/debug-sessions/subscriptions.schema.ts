import { z } from 'zod';
import { builder } from '../graphql/builder.ts';
import { localId } from '../graphql/ids.ts';
import { DebugSessionType } from './session.schema.ts';

const DEFAULT_RATE_HZ = 10;

builder.subscriptionField('debugSessionChanged', (t) =>
  t.field({
    type: DebugSessionType,
    description:
      'Kind: *state*. The session of a job as it is now, then as it changes: the job stops, goes on, a breakpoint ' +
      'counts, something is edited, somebody takes over. Ends when the job does.',
    authScopes: { read: true },
    args: {
      jobId: t.arg.id({ required: true, description: 'The job.' }),
      maxRateHz: t.arg.float({
        defaultValue: DEFAULT_RATE_HZ,
        description: 'The most messages a second, 0.1–20. Default 10.',
        validate: z.number().min(0.1).max(20),
      }),
    },
    subscribe: async (_root, { jobId, maxRateHz }, { jobs, debug }) => {
      const { id } = await jobs.require(localId('Job', jobId, ['jobId']));
      return debug.watch(id, maxRateHz ?? DEFAULT_RATE_HZ);
    },
    resolve: (session) => session,
  }),
);
