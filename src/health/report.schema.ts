import { TELLS_ONLY } from '../graphql/audit-mutations.ts';
import { builder } from '../graphql/builder.ts';
import { ForbiddenError, ValidationError } from '../lib/domain-error.ts';
import { StorageUnavailableError } from '../storage/database.ts';
import { ServiceFixedError, TooManyServicesError } from './health-errors.ts';
import { servicePayload } from './mutations.schema.ts';
import { withInput } from './service-input.schema.ts';

const ReportAgentStatusInput = builder.inputType('ReportAgentStatusInput', {
  description: 'What an agent tells of itself. `status`, `health` or both have to be there.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description:
        'Its name: 1–100 letters, digits, `.`, `_`, `/`, `-`, the first a letter or digit. It is listed as `agent:` and that.',
    }),
    status: t.string({
      description: 'What it does: `running`, or any word of at most 100 characters.',
    }),
    health: t.string({
      description:
        'How it is: `healthy` is HEALTHY, `degraded` is DEGRADED. Left out while `status` is `running` it is UNKNOWN; all ' +
        'else is UNHEALTHY.',
    }),
    message: t.string({ description: 'Why, for people; at most 2000 characters.' }),
    details: t.field({
      type: 'JSON',
      description:
        'Anything else; at most 16,384 characters as JSON are kept, and shown as `lastResult.details`.',
    }),
    expectedIntervalMs: t.float({
      description:
        'In how many milliseconds it means to report again, 50–86,400,000: it is UNKNOWN when it did not after 1.5 times ' +
        'as long, UNHEALTHY after 3 times. Default: whenever it likes.',
    }),
    description: t.string({ description: 'What it is for, at most 2000 characters.' }),
  }),
});

const ReportAgentStatusPayload = servicePayload(
  'ReportAgentStatusPayload',
  'What an agent reported was taken.',
);

builder.mutationField('reportAgentStatus', (t) =>
  t.field({
    type: ReportAgentStatusPayload,
    description:
      'Tells how an agent is. By the first report there is a service of it. Each counts at once: thresholds are 1. Only what ' +
      'is refused is in the audit log.',
    authScopes: { ingest: true },
    extensions: TELLS_ONLY,
    errors: {
      types: [
        ValidationError,
        ServiceFixedError,
        TooManyServicesError,
        StorageUnavailableError,
        ForbiddenError,
      ],
      union: { name: 'ReportAgentStatusResult', description: 'The service, or why not.' },
    },
    args: {
      input: t.arg({ type: ReportAgentStatusInput, required: true, description: 'The report.' }),
    },
    resolve: (_root, { input }, { health }) =>
      withInput(async () => {
        const { name, details } = input;
        const service = await health.report({
          name,
          status: input.status ?? undefined,
          health: input.health ?? undefined,
          message: input.message ?? undefined,
          details: details ?? undefined,
          expectedIntervalMs: input.expectedIntervalMs ?? undefined,
          description: input.description ?? undefined,
        });
        return { service };
      }),
  }),
);
