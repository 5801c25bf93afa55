import { builder } from './builder.ts';
import type { ConnectionCounts, Context } from './context.ts';
import { LET_IN } from './rules.ts';

const CapabilityType = builder.enumType('Capability', {
  description: 'Something this server can do for this viewer. Hide what is not listed.',
  values: {
    WATCH: { description: 'See flows, jobs and services, and subscribe to them.' },
    CONTROL_JOBS: { description: 'Start, pause, resume, cancel, retry and delete jobs.' },
    DEBUG: {
      description: 'Set breakpoints, stop jobs, step through them and edit what is in them.',
    },
    EVALUATE: { description: 'Evaluate expressions in jobs that stand still, and watch them.' },
    CONTROL_SERVICES: {
      description: 'Add, change, remove and check services, and begin and end their maintenance.',
    },
    REPORT_STATUS: { description: 'Report the status of agents.' },
    ADMIN: { description: 'See the audit log, and figures of the whole server.' },
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

const DatabaseType = builder.enumType('DatabaseKind', {
  description: 'A kind of database.',
  values: {
    SQLITE: { description: 'SQLite, inside this process.' },
    POSTGRESQL: { description: 'PostgreSQL.' },
  } as const,
});

const WriteBehindType = builder.objectRef<Context['storage']['writeBehind']>('WriteBehind');
WriteBehindType.implement({
  description:
    'The buffer through which traces and logs are written, in batches. When it is full the rows that waited longest ' +
    'are dropped, and counted; what is in it when the process is killed is lost. Jobs and their states do not go ' +
    'through it.',
  fields: (t) => ({
    waitingCount: t.field({
      type: 'Count',
      description: 'Rows that wait to be written.',
      resolve: ({ waiting }) => waiting,
    }),
    limit: t.field({
      type: 'Count',
      description: 'The most rows that may wait.',
      resolve: ({ limit }) => limit,
    }),
    writtenCount: t.field({
      type: 'Count',
      description: 'Rows written since the server was started.',
      resolve: ({ written }) => written,
    }),
    droppedCount: t.field({
      type: 'Count',
      description: 'Rows lost since the server was started.',
      resolve: ({ dropped }) => dropped,
    }),
  }),
});

const StorageType = builder.objectRef<Context['storage']>('Storage');
StorageType.implement({
  description: 'The database that jobs are kept in.',
  authScopes: { admin: true },
  fields: (t) => ({
    kind: t.field({
      type: DatabaseType,
      description: 'Which it is.',
      resolve: ({ dialect }) => (dialect === 'sqlite' ? 'SQLITE' : 'POSTGRESQL'),
    }),
    isReady: t.boolean({
      description:
        'Whether it can be read and written now. While it can not, no jobs are accepted; those that run go on, and ' +
        'what becomes of them is stored later.',
      resolve: ({ status }) => status.isReady,
    }),
    problem: t.string({
      nullable: true,
      description: 'Why it is not ready, and what to do.',
      resolve: ({ status }) => status.problem,
    }),
    since: t.field({
      type: 'DateTime',
      description: 'Since when it has, or has not, been ready.',
      resolve: ({ status }) => status.since,
    }),
    writeBehind: t.field({
      type: WriteBehindType,
      description: 'How traces and logs are getting there.',
      resolve: ({ writeBehind }) => writeBehind,
    }),
  }),
});

const ConnectionsType = builder.objectRef<ConnectionCounts>('ServerConnections');
ConnectionsType.implement({
  description:
    'What goes on over the connections of this server now, and totals since it was started. The same is at `/metrics`, ' +
    'for Prometheus.',
  authScopes: { admin: true },
  fields: (t) => ({
    webSocketCount: t.expose('webSockets', {
      type: 'Count',
      description: 'WebSockets that are open.',
    }),
    eventStreamCount: t.expose('eventStreams', {
      type: 'Count',
      description: 'Streams of server-sent events that are open.',
    }),
    operationCount: t.expose('operations', {
      type: 'Count',
      description:
        'Operations that go on over WebSocket: subscriptions, and queries and mutations that are being answered.',
    }),
    subscriptionCount: t.expose('subscriptions', {
      type: 'Count',
      description: 'Subscriptions that go on, over any transport.',
    }),
    groupCount: t.expose('groups', {
      type: 'Count',
      description:
        'Groups of subscriptions that are served by one execution: the same operation with the same variables and rights.',
    }),
    openedCount: t.expose('openedTotal', {
      type: 'Count',
      description: 'WebSockets that were opened.',
    }),
    closedCount: t.expose('closedTotal', {
      type: 'Count',
      description: 'Of these, how many were closed, for whatever reason.',
    }),
    idleCount: t.expose('idleTotal', {
      type: 'Count',
      description: 'Of these, how many had no operation for too long (close code 4410).',
    }),
    deadCount: t.expose('deadTotal', {
      type: 'Count',
      description: 'How many did not answer a ping.',
    }),
    tooSlowCount: t.expose('tooSlowTotal', {
      type: 'Count',
      description: 'How many did not read what they were sent (close code 4413).',
    }),
    refusedCount: t.expose('tooManyTotal', {
      type: 'Count',
      description:
        'WebSockets that were closed at once since there were too many (close code 1013). Not among those opened.',
    }),
    messageCount: t.expose('messagesTotal', {
      type: 'Count',
      description: 'Results handed to subscriptions, each counted for every subscriber.',
    }),
    fellBehindCount: t.expose('fellBehindTotal', {
      type: 'Count',
      description: 'Subscriptions to events that ended since the client was too slow.',
    }),
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
      resolve: ({ viewer: { scopes }, debug }) => [
        ...(scopes.has('read') ? (['WATCH'] as const) : []),
        ...(scopes.has('control') ? (['CONTROL_JOBS'] as const) : []),
        ...(scopes.has('debug') ? (['DEBUG'] as const) : []),
        ...(scopes.has('evaluate') && debug.isEvaluationOn ? (['EVALUATE'] as const) : []),
        ...(scopes.has('control') ? (['CONTROL_SERVICES'] as const) : []),
        ...(scopes.has('ingest') ? (['REPORT_STATUS'] as const) : []),
        ...(scopes.has('admin') ? (['ADMIN'] as const) : []),
      ],
    }),
    limits: t.field({
      type: LimitsType,
      description: 'What one operation may cost.',
      resolve: ({ limits }) => limits,
    }),
    storage: t.field({
      type: StorageType,
      nullable: true,
      description:
        'The database that jobs are kept in. Null with an error of code `FORBIDDEN` for who lacks the scope `ADMIN`.',
      resolve: ({ storage }) => storage,
    }),
    connections: t.field({
      type: ConnectionsType,
      nullable: true,
      description:
        'What goes on over its connections. Null with an error of code `FORBIDDEN` for who lacks the scope `ADMIN`.',
      resolve: ({ countConnections }) => countConnections(),
    }),
  }),
});

builder.queryField('server', (t) =>
  t.field({
    type: ServerType,
    description:
      'The server that answers: its version, clock, capabilities, limits and connections.',
    authScopes: LET_IN,
    resolve: (_root, _args, context) => context,
  }),
);
