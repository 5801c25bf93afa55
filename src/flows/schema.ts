import { type Connection, type Flow, type FlowFault, isFlow } from '../engine/index.ts';
import { builder } from '../graphql/builder.ts';
import { listConnection, pageComplexity } from '../graphql/connections.ts';
import { localId } from '../graphql/ids.ts';
import { toJsonSchema } from '../lib/json-schema.ts';
import { RoutineType } from './routine.schema.ts';

// Not called a connection: in the API that is the name of pages of lists.
const LinkType = builder.objectRef<Connection>('RoutineLink');
LinkType.implement({
  description: 'Carries what an event of one routine emits to a slot of another.',
  fields: (t) => ({
    fromRoutineId: t.string({
      description: 'The routine that emits.',
      resolve: ({ from }) => from.routine,
    }),
    fromEvent: t.string({ description: 'Its event.', resolve: ({ from }) => from.event }),
    toRoutineId: t.string({
      description: 'The routine that takes.',
      resolve: ({ to }) => to.routine,
    }),
    toSlot: t.string({ description: 'Its slot.', resolve: ({ to }) => to.slot }),
  }),
});

const EntryType = builder.objectRef<Flow['entries'][number]>('FlowEntry');
EntryType.implement({
  description: "A slot that gets the job's input as its first item.",
  fields: (t) => ({
    routineId: t.exposeString('routine', { description: 'The routine that takes the input.' }),
    slot: t.exposeString('slot', { description: 'Its slot.' }),
  }),
});

interface NamedOutput {
  readonly name: string;
  readonly routine: string;
  readonly event: string;
}

const OutputType = builder.objectRef<NamedOutput>('FlowOutput');
OutputType.implement({
  description: 'An event whose items are outputs of the job.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Name of the output.' }),
    routineId: t.exposeString('routine', { description: 'The routine that emits it.' }),
    event: t.exposeString('event', { description: 'Its event.' }),
  }),
});

const WarningType = builder.objectRef<FlowFault>('FlowWarning');
WarningType.implement({
  description: "Something doubtful in a flow's definition that does not keep it from running.",
  fields: (t) => ({
    code: t.exposeString('code', { description: 'For programs, such as `UNREACHABLE_ROUTINE`.' }),
    at: t.exposeString('at', {
      nullable: true,
      description: 'The routine or `routine.slot` concerned.',
    }),
    message: t.exposeString('message', { description: 'For people.' }),
  }),
});

const OnCrashType = builder.enumType('OnCrash', {
  description: 'What becomes of a job whose server was killed while it ran.',
  values: {
    RESUME: {
      value: 'resume',
      description:
        'It goes on from its newest checkpoint. What was done since then is done again; so is the code that was ' +
        'running at the checkpoint.',
    },
    RESTART: { value: 'restart', description: 'It begins again from its start.' },
    FAIL: { value: 'fail', description: 'It fails, with code `CRASHED`.' },
  } as const,
});

/** The type of the API that shows a flow. A node: its local id is the flow's id. */
export const FlowType = builder.objectRef<Flow>('Flow');
builder.node(FlowType, {
  description: 'A named graph of routines, of which jobs can be started.',
  authScopes: { read: true },
  id: { resolve: ({ id }) => id },
  // A flow is frozen, so Pothos can't mark it as one.
  brandLoadedObjects: false,
  isTypeOf: isFlow,
  loadManyWithoutCache: (ids, { flows }) => ids.map((id) => flows.get(id)),
  fields: (t) => ({
    flowId: t.exposeString('id', { description: 'Its name, unique on this server.' }),
    description: t.exposeString('description', { nullable: true, description: 'What it is for.' }),
    version: t.exposeString('version', {
      nullable: true,
      description: 'The version its author gave it.',
    }),
    inputSchema: t.field({
      type: 'JSON',
      nullable: true,
      description:
        "JSON Schema of a job's input; null when any input will do or it can not be told.",
      resolve: ({ inputSchema }) => toJsonSchema(inputSchema),
    }),
    routines: t.field({
      type: [RoutineType],
      description: 'Its routines, in the order they are defined.',
      resolve: (flow) => flow.routines.map((routine) => ({ flow, routine })),
    }),
    connections: t.field({
      type: [LinkType],
      description: 'What joins its routines.',
      resolve: ({ connections }) => [...connections],
    }),
    entries: t.field({
      type: [EntryType],
      description: "The slots that get the job's input.",
      resolve: ({ entries }) => [...entries],
    }),
    outputs: t.field({
      type: [OutputType],
      description: "The events whose items are the job's outputs.",
      resolve: ({ outputs }) => Object.entries(outputs).map(([name, ref]) => ({ name, ...ref })),
    }),
    onCrash: t.expose('onCrash', {
      type: OnCrashType,
      description: 'What becomes of its jobs when the server is killed while they run.',
    }),
    warnings: t.field({
      type: [WarningType],
      description: 'What is doubtful in its definition.',
      resolve: ({ warnings }) => [...warnings],
    }),
  }),
});

builder.objectField(RoutineType, 'flow', (t) =>
  t.field({
    type: FlowType,
    description: 'The flow it belongs to.',
    resolve: ({ flow }) => flow,
  }),
);

builder.queryField('flows', (t) =>
  t.connection(
    {
      type: FlowType,
      description: 'The flows that jobs can be started of, by name.',
      authScopes: { read: true },
      complexity: pageComplexity,
      resolve: (_root, args, { flows }) =>
        listConnection(args, { name: 'flows', elements: flows.list(), keyOf: ({ id }) => id }),
    },
    { name: 'FlowConnection', description: 'A page of flows.' },
    { name: 'FlowEdge', description: 'A flow in a page.' },
  ),
);

builder.queryField('flow', (t) =>
  t.field({
    type: FlowType,
    nullable: true,
    description: 'One flow. Null with an error of code `NOT_FOUND` when there is none.',
    authScopes: { read: true },
    args: {
      id: t.arg.id({
        required: true,
        description: 'Its id (`Flow:articles`) or name (`articles`).',
      }),
    },
    resolve: (_root, { id }, { flows }) => flows.require(localId('Flow', id, ['id'])),
  }),
);
