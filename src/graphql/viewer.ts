import { SCOPES } from '../lib/identity.ts';
import { builder } from './builder.ts';
import type { Viewer } from './context.ts';
import { LET_IN } from './rules.ts';

export const ScopeType = builder.enumType('Scope', {
  description: 'What somebody may be allowed. Each stands alone: none of them includes another.',
  values: {
    READ: { value: 'read', description: 'See flows, jobs and services, and subscribe to them.' },
    CONTROL: {
      value: 'control',
      description:
        'Start, pause, resume, cancel, retry, rerun and delete jobs. Add, change, remove and check services, and their ' +
        'maintenance.',
    },
    DEBUG: { value: 'debug', description: 'Breakpoints, stops, steps and edits in jobs.' },
    EVALUATE: {
      value: 'evaluate',
      description: 'Evaluate expressions in jobs that stand still. Watches need `DEBUG` too.',
    },
    INGEST: {
      value: 'ingest',
      description: 'Send what happened elsewhere: report the status of agents.',
    },
    ADMIN: { value: 'admin', description: 'See the audit log, and figures of the whole server.' },
  } as const,
});

const ViewerType = builder.objectRef<Viewer>('Viewer');
ViewerType.implement({
  description: 'Whoever asks, as the server knows them.',
  fields: (t) => ({
    subject: t.exposeString('subject', {
      nullable: true,
      description: 'Who it is; null when that is not known.',
    }),
    isAuthenticated: t.boolean({
      description: 'Whether it is known who asks. False where nobody has to say who they are.',
      resolve: ({ subject }) => subject !== undefined,
    }),
    tenant: t.exposeString('tenant', {
      description:
        'Whose jobs, and all that hangs on them, they see and change: those of this tenant. `default` where nobody said.',
    }),
    scopes: t.field({
      type: [ScopeType],
      description: 'What they may do. What this server can do of it is in `server.capabilities`.',
      resolve: ({ scopes }) => SCOPES.filter((scope) => scopes.has(scope)),
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Until when this holds; null for always.',
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerType,
    description: 'Whoever asks: who they are, whose things they see, and what they may do.',
    authScopes: LET_IN,
    resolve: (_root, _args, { viewer }) => viewer,
  }),
);
