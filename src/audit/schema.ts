import { z } from 'zod';
import { builder } from '../graphql/builder.ts';
import { keysetConnection, pageComplexity } from '../graphql/connections.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import type { AuditEntry, AuditPosition } from './audit-entry.ts';

const AuditOutcomeType = builder.enumType('AuditOutcome', {
  description: 'What came of a mutation.',
  values: {
    SUCCEEDED: { description: 'It was done.' },
    REFUSED: { description: 'It was not done: the answer was an error that one can expect.' },
    FAILED: {
      description: 'An error came up that nobody expected. Part of it may have been done.',
    },
  } as const,
});

const AuditEntryType = builder.loadableNodeRef<AuditEntry | Error, string, string, string>(
  'AuditEntry',
  {
    id: { resolve: ({ id }) => id },
    loaderOptions: { cache: false },
    load: async (ids, { audit }) => {
      const found = await audit.getMany(ids);
      return found.map((entry, at) => entry ?? new NotFoundError('AuditEntry', ids[at] ?? ''));
    },
  },
);
AuditEntryType.implement({
  description: 'One mutation: who asked for it, when, with what, and what came of it.',
  authScopes: { admin: true },
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When it was asked for.' }),
    operation: t.exposeString('operation', { description: 'Its name, such as `startJob`.' }),
    actor: t.exposeString('actor', {
      nullable: true,
      description:
        'Who asked for it, as their key or token proves; null where it names nobody. What somebody merely says of ' +
        'themselves is among the arguments.',
    }),
    address: t.exposeString('address', {
      nullable: true,
      description: 'The network address it came from; null for the server itself.',
    }),
    arguments: t.field({
      type: 'JSON',
      description:
        'Its arguments. Secrets are `***`. At most 64 KiB as JSON are kept: a text that begins with `…` says where ' +
        'something was left out.',
      resolve: (entry): unknown => JSON.parse(entry.arguments),
    }),
    outcome: t.expose('outcome', { type: AuditOutcomeType, description: 'What came of it.' }),
    errorCode: t.exposeString('errorCode', {
      nullable: true,
      description: 'The code of the error, such as `NOT_FOUND`; null when it succeeded.',
    }),
    errorMessage: t.exposeString('errorMessage', {
      nullable: true,
      description: 'What the error said; null when it succeeded.',
    }),
    targetId: t.id({
      nullable: true,
      description:
        'The id of the job, else the breakpoint, the flow or the service, that was changed, or was to be; null when there is none.',
      resolve: ({ target }) => target,
    }),
    durationMs: t.exposeFloat('durationMs', {
      description: 'Milliseconds from when it was asked for until it was done, refused or failed.',
    }),
    before: t.string({
      nullable: true,
      description:
        'What an edit of a job that stands still changed, as it was before: a preview, of 4,096 characters and a `…` at ' +
        'most. Secrets are `***`. Null when there was nothing, and when it was no edit or did not succeed.',
      resolve: ({ changes }) => changes?.before,
    }),
    after: t.string({
      nullable: true,
      description: 'The same as it was afterwards; null when nothing was left.',
      resolve: ({ changes }) => changes?.after,
    }),
  }),
});

const AuditEntryFilter = builder.inputType('AuditEntryFilter', {
  description: 'Which entries to list: those for which all that is given is true.',
  fields: (t) => ({
    operations: t.stringList({
      description: 'Of one of these mutations, by name; at most 100.',
      validate: z.array(z.string()).max(100, 'Give at most 100 names.'),
    }),
    outcomes: t.field({ type: [AuditOutcomeType], description: 'With one of these outcomes.' }),
    actor: t.string({ description: 'Asked for by this one.' }),
    targetId: t.id({
      description: 'Of the job, breakpoint, flow or service with this id (`Job:…`).',
    }),
    after: t.field({ type: 'DateTime', description: 'Asked for after this moment.' }),
    before: t.field({ type: 'DateTime', description: 'Asked for before this moment.' }),
  }),
});

const position = z.object({ at: z.int(), id: z.string() });
const isPosition = (value: unknown): value is AuditPosition => position.safeParse(value).success;

builder.queryField('auditEntries', (t) =>
  t.connection(
    {
      type: AuditEntryType,
      description:
        'The audit log of your tenant: every mutation that was asked for, newest first, those that were refused included. Of ' +
        '`reportAgentStatus` only those that were refused or failed.',
      authScopes: { admin: true },
      complexity: pageComplexity,
      args: {
        filter: t.arg({ type: AuditEntryFilter, description: 'Which to list. Default: all.' }),
      },
      resolve: (_root, { filter, ...page }, { audit }) => {
        const wanted = {
          operations: filter?.operations ?? undefined,
          outcomes: filter?.outcomes ?? undefined,
          actor: filter?.actor ?? undefined,
          target: filter?.targetId ?? undefined,
          after: filter?.after ?? undefined,
          before: filter?.before ?? undefined,
        };
        return keysetConnection<AuditEntry, AuditPosition>(page, {
          name: 'audit entries',
          positionOf: ({ at, id }) => ({ at, id }),
          isPosition,
          fetch: (range) => audit.list({ ...range, filter: wanted }),
          totalCount: () => audit.count(wanted),
        });
      },
    },
    { name: 'AuditEntryConnection', description: 'A page of audit entries.' },
    { name: 'AuditEntryEdge', description: 'An audit entry in a page.' },
  ),
);
