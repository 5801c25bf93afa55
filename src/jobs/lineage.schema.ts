import { builder } from '../graphql/builder.ts';
import {
  keysetConnection,
  LARGEST_PAGE,
  type PageArgs,
  pageComplexity,
} from '../graphql/connections.ts';
import type { Context } from '../graphql/context.ts';
import type { LineageDirection } from '../monitoring/lineage.ts';
import type { ItemOrigin } from '../monitoring/readings.ts';
import {
  ActivationOutcomeType,
  ActivationRecordType,
  ItemOriginType,
} from '../monitoring/trace.schema.ts';
import { type Lineage, type LineageHop, type LineagePosition, positionOf } from './job-lineage.ts';
import { JobType } from './schema.ts';

const LineageDirectionType = builder.enumType('LineageDirection', {
  description: 'Which way to follow the trail of items.',
  values: {
    ANCESTORS: { description: 'Back: to the activations that emitted what was taken.' },
    DESCENDANTS: { description: 'Forth: to the activations that took what was emitted.' },
  } as const,
});

export const LineageHopType = builder.objectRef<LineageHop>('LineageHop');
LineageHopType.implement({
  description: 'An activation on the trail of items, ended or not.',
  fields: (t) => ({
    activationId: t.field({
      type: 'Count',
      description: 'Its number in the job.',
      resolve: ({ link }) => link.activationId,
    }),
    routineId: t.string({
      description: 'Name of the routine.',
      resolve: ({ link }) => link.routineId,
    }),
    attempt: t.field({
      type: 'Count',
      description: 'Which run on its items this is, the last there was: 1 for the first.',
      resolve: ({ link }) => link.attempt,
    }),
    depth: t.expose('depth', {
      type: 'Count',
      description:
        'How many hops it is away from the activation that was asked for, on the shortest way; 0 for that itself.',
    }),
    outcome: t.field({
      type: ActivationOutcomeType,
      nullable: true,
      description:
        'How it ended; null while it has not: it runs, is held at a breakpoint, or waits for room or for a retry.',
      resolve: ({ link }) => link.outcome,
    }),
    parentIds: t.field({
      type: ['Count'],
      description: 'The activations that emitted what it took, in the trace or not.',
      resolve: ({ link }) => [...link.parentIds],
    }),
    origins: t.field({
      type: [ItemOriginType],
      description: 'Where the items that it took came from, each once.',
      resolve: ({ link }): ItemOrigin[] => {
        const { parentIds, otherOrigins = [] } = link;
        return [...(parentIds.length > 0 ? (['ACTIVATION'] as const) : []), ...otherOrigins];
      },
    }),
    startedAt: t.field({
      type: 'DateTime',
      description: 'When it began.',
      resolve: ({ link }) => link.startedAt,
    }),
    waitMs: t.float({
      description: 'Milliseconds that the oldest of its items had waited in the slot.',
      resolve: ({ link }) => link.waitMs,
    }),
    runMs: t.float({
      description:
        'Milliseconds its code took, or has taken so far, without those in which what it emitted waited.',
      resolve: ({ link }) => link.runMs,
    }),
    blockedMs: t.float({
      description:
        'Milliseconds that what it emitted waited, or has waited so far: for room, or at a breakpoint.',
      resolve: ({ link }) => link.blockedMs,
    }),
    activation: t.field({
      type: ActivationRecordType,
      nullable: true,
      description:
        'All that the trace tells of it; null while it has not ended, and when it left the trace just now.',
      resolve: ({ record }) => record,
    }),
  }),
});

const isPosition = (value: unknown): value is LineagePosition =>
  typeof value === 'object' &&
  value !== null &&
  'depth' in value &&
  'activationId' in value &&
  Number.isSafeInteger(value.depth) &&
  Number.isSafeInteger(value.activationId);

/** The whole trace is read, however small the page is: as much as its largest page costs. */
const COST_OF_TRACE = LARGEST_PAGE;

/** So many numbers of activations are listed that are missing. */
const MOST_MISSING = 1000;

/** Pages of lineages, filled by `pageLineage`. */
export const LineageConnection = builder.connectionObject(
  {
    type: LineageHopType,
    name: 'LineageConnection',
    description: 'A page of a lineage.',
    fields: (t) => ({
      isComplete: t.boolean({
        description:
          'Whether nothing is missing. Of ancestors: all of them are in the trace. Of descendants: no activation that ' +
          'could be one has left the trace; what still waits in queues has no descendants yet.',
        resolve: (parent) => lineageOf(parent).isComplete,
      }),
      missingActivationIds: t.field({
        type: ['Count'],
        description:
          'Numbers of activations that are not in the trace any more, or never were, and that the trail leads to: at ' +
          'most 1,000.',
        resolve: (parent) => lineageOf(parent).missingIds.slice(0, MOST_MISSING),
      }),
    }),
  },
  { name: 'LineageEdge', description: 'An activation in a page of a lineage.' },
);

/** The resolvers put it there. */
function lineageOf(connection: object): Lineage {
  return (connection as { readonly lineage: Lineage }).lineage;
}

/** A page of where the items of an activation came from, or what became of what it emitted. */
export async function pageLineage(
  jobId: string,
  {
    activationId,
    direction,
  }: { readonly activationId: number; readonly direction: LineageDirection },
  page: PageArgs,
  { records }: Context,
) {
  const lineage = await records.readLineage(jobId, { from: [activationId], direction });
  const connection = await keysetConnection<LineageHop, LineagePosition>(page, {
    name: `${direction} of ${jobId}/${activationId}`,
    positionOf,
    isPosition,
    fetch: (range) => lineage.readPage(range),
    totalCount: () => lineage.totalCount,
  });
  return { ...connection, lineage };
}

builder.objectFields(JobType, (t) => ({
  lineage: t.connection(
    {
      type: LineageHopType,
      description:
        'Where the items of an activation came from, or what became of what it emitted: itself first, then the ' +
        'nearest; each activation once. It is read from the trace, which is bounded: `isComplete` tells whether ' +
        'anything may be missing. Activations that have not ended are in it as well, held ones among them.',
      args: {
        activationId: t.arg({
          type: 'Count',
          required: true,
          description: 'The activation to set out from, by its number in the job.',
        }),
        direction: t.arg({
          type: LineageDirectionType,
          required: true,
          description: 'Which way to go.',
        }),
      },
      complexity: (page) => ({ ...pageComplexity(page), field: COST_OF_TRACE }),
      resolve: ({ id }, { activationId, direction, ...page }, context) =>
        pageLineage(id, { activationId, direction }, page, context),
    },
    LineageConnection,
  ),
}));
