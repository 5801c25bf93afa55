import type { FrameReading, ItemPlace, ItemReading } from '../debugger/debug-host.ts';
import { builder } from '../graphql/builder.ts';
import { type PageArgs, pageComplexity, rangeConnection } from '../graphql/connections.ts';
import type { Context } from '../graphql/context.ts';
import { LineageConnection, LineageHopType, pageLineage } from '../jobs/lineage.schema.ts';
import { FailureType } from '../monitoring/figures.schema.ts';
import { PreviewType } from '../monitoring/trace.schema.ts';
import {
  findVariable,
  listScopes,
  PATH_DESCRIPTION,
  VariableScopeType,
  VariableType,
} from './variable.schema.ts';

/** An item that can be seen in a job. */
interface DebugItem {
  readonly jobId: string;
  readonly reading: ItemReading;
}

const ItemPlaceType = builder.enumType('ItemPlace', {
  description: 'Where an item is.',
  values: {
    TAKEN: { description: 'An activation that is held has taken it.' },
    QUEUE: { description: 'It waits in the queue of a slot.' },
    EMITTED: { description: 'It was emitted, and is kept back until the job goes on.' },
  } as const,
});

export const DebugItemType = builder.objectRef<DebugItem>('DebugItem');
DebugItemType.implement({
  description: 'An item that can be seen in a job, and edited while that stands still.',
  fields: (t) => ({
    itemId: t.string({
      description:
        'Names it, for `replaceItem` and `dropItem`, as long as it is where it is and the job does not go on.',
      resolve: ({ reading }) => reading.itemId,
    }),
    place: t.field({
      type: ItemPlaceType,
      description: 'Where it is.',
      resolve: ({ reading }) => reading.place,
    }),
    routineId: t.string({
      description: 'Name of the routine that has it, or emitted it.',
      resolve: ({ reading }) => reading.routineId,
    }),
    port: t.string({
      description: 'The slot it was taken from or waits in; the event it was emitted as.',
      resolve: ({ reading }) => reading.port,
    }),
    preview: t.field({
      type: PreviewType,
      description: 'The item.',
      resolve: ({ reading }) => reading.value,
    }),
    emittedBy: t.field({
      type: 'Count',
      nullable: true,
      description:
        "The number of the activation that emitted it; null for the job's input and what was put in by hand.",
      resolve: ({ reading }) => reading.emittedBy,
    }),
    emittedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was emitted; null when that is not known.',
      resolve: ({ reading }) => reading.emittedAt,
    }),
    lineage: t.connection(
      {
        type: LineageHopType,
        description:
          'Where it came from: the activation that emitted it, then those that emitted what that took, and so on back. As ' +
          '`Job.lineage`. Empty without an `emittedBy`.',
        complexity: pageComplexity,
        resolve: ({ jobId, reading: { emittedBy = 0 } }, args, context) =>
          pageLineage(jobId, { activationId: emittedBy, direction: 'ANCESTORS' }, args, context),
      },
      LineageConnection,
    ),
    queuedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it came into the queue of its slot; null when it never was in one.',
      resolve: ({ reading }) => reading.queuedAt,
    }),
  }),
});

/** Pages of items, wherever those are. */
export const DebugItemConnection = builder.connectionObject(
  { type: DebugItemType, name: 'DebugItemConnection', description: 'A page of items.' },
  { name: 'DebugItemEdge', description: 'An item in a page.' },
);

/** A page of the items that are at one place. */
export function pageItems(jobId: string, of: ItemPlace, args: PageArgs, { debug }: Context) {
  const read = (offset: number, limit: number) => debug.readItems(jobId, of, { offset, limit });
  return rangeConnection<DebugItem>(args, {
    name: `items of ${JSON.stringify([jobId, of])}`,
    count: async () => (await read(0, 0)).totalCount,
    fetch: async ({ offset, limit }) =>
      (await read(offset, limit)).items.map((reading) => ({ jobId, reading })),
  });
}

/** An activation that is held, and the job it is of. */
interface DebugFrame {
  readonly jobId: string;
  readonly reading: FrameReading;
}

const FramePositionType = builder.enumType('FramePosition', {
  description: 'How far an activation that is held has come.',
  values: {
    BEFORE: { description: 'It has taken its items, and its code has not begun.' },
    EMITTING: { description: 'Its code waits for what it emitted to be delivered.' },
    AFTER: { description: 'Its code has ended, and what it emitted is kept back.' },
    FAILED: { description: 'Its code has failed, and its error strategy has not acted yet.' },
  } as const,
});

export const DebugFrameType = builder.objectRef<DebugFrame>('DebugFrame');
DebugFrameType.implement({
  description: 'An activation that is held, with what it has to do with.',
  fields: (t) => ({
    activationId: t.field({
      type: 'Count',
      description: 'Its number in the job, from 1.',
      resolve: ({ reading }) => reading.activationId,
    }),
    routineId: t.string({
      description: 'Name of the routine.',
      resolve: ({ reading }) => reading.routineId,
    }),
    attempt: t.field({
      type: 'Count',
      description: '1 for the first run on these items.',
      resolve: ({ reading }) => reading.attempt,
    }),
    position: t.field({
      type: FramePositionType,
      description: 'How far it has come.',
      resolve: ({ reading }) => reading.position,
    }),
    startedAt: t.field({
      type: 'DateTime',
      description: 'When it took its items.',
      resolve: ({ reading }) => reading.startedAt,
    }),
    error: t.field({
      type: FailureType,
      nullable: true,
      description: 'What its code failed with.',
      resolve: ({ reading }) => reading.error,
    }),
    items: t.connection(
      {
        type: DebugItemType,
        nullable: true,
        description:
          'The items it took, in order. Null with an error of code `INVALID_STATE` when the job went on meanwhile.',
        complexity: pageComplexity,
        resolve: ({ jobId, reading: { activationId } }, args, context) =>
          pageItems(jobId, { activationId, of: 'inputs' }, args, context),
      },
      DebugItemConnection,
    ),
    outputs: t.connection(
      {
        type: DebugItemType,
        nullable: true,
        description:
          'The items it emitted that are kept back, in order. Null with an error of code `INVALID_STATE` when the job went on meanwhile.',
        complexity: pageComplexity,
        resolve: ({ jobId, reading: { activationId } }, args, context) =>
          pageItems(jobId, { activationId, of: 'outputs' }, args, context),
      },
      DebugItemConnection,
    ),
    path: t.connection(
      {
        type: LineageHopType,
        description:
          'What led here: the activation itself, then those that emitted what it took, and so on back, the nearest first. ' +
          'As `Job.lineage`.',
        complexity: pageComplexity,
        resolve: ({ jobId, reading: { activationId } }, args, context) =>
          pageLineage(jobId, { activationId, direction: 'ANCESTORS' }, args, context),
      },
      LineageConnection,
    ),
    scopes: t.field({
      type: [VariableType],
      nullable: true,
      description:
        'What can be looked into here: each scope that there is, as a variable. Null with an error of code `INVALID_STATE` when the job went on meanwhile.',
      resolve: ({ jobId, reading: { activationId } }, _args, context) =>
        listScopes(jobId, { activationId }, context),
    }),
    variable: t.field({
      type: VariableType,
      description:
        'A value that can be looked into here. Null with an error of code `NOT_FOUND` when there is none.',
      nullable: true,
      args: {
        scope: t.arg({ type: VariableScopeType, required: true, description: 'Where to begin.' }),
        path: t.arg({
          type: ['JSON'],
          description: `${PATH_DESCRIPTION} Default: the whole of the scope.`,
        }),
      },
      resolve: ({ jobId, reading: { activationId } }, { scope, path }, context) =>
        findVariable(jobId, { activationId }, { scope, path }, context),
    }),
  }),
});
