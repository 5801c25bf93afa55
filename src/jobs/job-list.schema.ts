import { z } from 'zod';
import { builder } from '../graphql/builder.ts';
import { keysetConnection, pageComplexity } from '../graphql/connections.ts';
import { localId } from '../graphql/ids.ts';
import type { Job } from './job.ts';
import { type JobOrder, type JobPosition, positionOf } from './job-query.ts';
import { JobStatusType, JobType } from './schema.ts';

const JobFilterInput = builder.inputType('JobFilter', {
  description: 'Which jobs to list: those for which all that is given is true.',
  fields: (t) => ({
    flowIds: t.idList({
      description: 'Of one of these flows, by id or name; at most 1000.',
      validate: z.array(z.string()).max(1000),
    }),
    statuses: t.field({ type: [JobStatusType], description: 'In one of these states.' }),
    owner: t.string({ description: 'Of this owner.' }),
    createdAfter: t.field({ type: 'DateTime', description: 'Accepted after this moment.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Accepted before this moment.' }),
    finishedAfter: t.field({ type: 'DateTime', description: 'Ended after this moment.' }),
    finishedBefore: t.field({ type: 'DateTime', description: 'Ended before this moment.' }),
    text: t.string({
      description:
        'With this text in the id, the flow, the owner or the metadata as JSON, in upper or lower case; at most 1000 ' +
        'characters. Looks at all jobs that the rest of the filter lets through.',
      validate: z.string().max(1000),
    }),
  }),
});

const OrderDirection = builder.enumType('OrderDirection', {
  description: 'Which end of an order comes first.',
  values: {
    ASC: { description: 'Smallest, earliest first.' },
    DESC: { description: 'Largest, latest first.' },
  } as const,
});

const JobOrderField = builder.enumType('JobOrderField', {
  description: 'What to order jobs by. Jobs that have no value there come last.',
  values: {
    CREATED_AT: { description: 'When they were accepted.' },
    FINISHED_AT: { description: 'When they ended.' },
    DURATION: { description: 'How long they ran, once they have ended.' },
    STATUS: { description: 'Their state, by name; in each state by when they were accepted.' },
  } as const,
});

const JobOrderInput = builder.inputType('JobOrder', {
  description: 'The order of a list of jobs.',
  fields: (t) => ({
    field: t.field({ type: JobOrderField, required: true, description: 'What to order by.' }),
    direction: t.field({
      type: OrderDirection,
      required: true,
      defaultValue: 'ASC',
      description: 'Which end comes first.',
    }),
  }),
});

/** What it takes to be a position in a list of each order. */
const KEYS = {
  CREATED_AT: z.int(),
  FINISHED_AT: z.int().nullable(),
  DURATION: z.number().nullable(),
  STATUS: z.string().regex(/^[A-Z]+ \d{16}$/),
} as const;

const positionIn = ({ field }: JobOrder) => {
  const position = z.object({ key: KEYS[field], id: z.string() });
  return (value: unknown): value is JobPosition => position.safeParse(value).success;
};

builder.queryField('jobs', (t) =>
  t.connection(
    {
      type: JobType,
      description: 'Jobs, newest first unless `orderBy` says otherwise.',
      authScopes: { read: true },
      complexity: pageComplexity,
      args: {
        filter: t.arg({ type: JobFilterInput, description: 'Which to list. Default: all.' }),
        orderBy: t.arg({ type: JobOrderInput, description: 'In which order.' }),
      },
      resolve: (_root, { filter, orderBy, ...page }, { jobs }) => {
        const order = {
          field: orderBy?.field ?? 'CREATED_AT',
          isDescending: orderBy === null || orderBy === undefined || orderBy.direction === 'DESC',
        } as const;
        const wanted = {
          flowIds: filter?.flowIds?.map((id) => localId('Flow', id, ['filter', 'flowIds'])),
          states: filter?.statuses ?? undefined,
          owner: filter?.owner ?? undefined,
          createdAfter: filter?.createdAfter ?? undefined,
          createdBefore: filter?.createdBefore ?? undefined,
          finishedAfter: filter?.finishedAfter ?? undefined,
          finishedBefore: filter?.finishedBefore ?? undefined,
          text: filter?.text ?? undefined,
        };
        return keysetConnection<Job, JobPosition>(page, {
          name: `jobs by ${order.field}`,
          positionOf: (job) => positionOf(job, order),
          isPosition: positionIn(order),
          fetch: (range) => jobs.list({ ...range, filter: wanted, order }),
          totalCount: () => jobs.count(wanted),
        });
      },
    },
    { name: 'JobConnection', description: 'A page of jobs.' },
    { name: 'JobEdge', description: 'A job in a page.' },
  ),
);
