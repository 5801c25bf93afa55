import { builder } from '../graphql/builder.ts';
import { keysetConnection, listConnection, pageComplexity } from '../graphql/connections.ts';
import type { ActivationRecord } from '../monitoring/readings.ts';
import {
  ActivationOutcomeType,
  ActivationRecordType,
  LogLevelType,
  LogRecordType,
} from '../monitoring/trace.schema.ts';
import type { TraceFilter } from '../monitoring/trace-page.ts';
import { JobType } from './schema.ts';

const ActivationFilter = builder.inputType('ActivationFilter', {
  description: 'Which activations to list: those for which all that is given is true.',
  fields: (t) => ({
    routineIds: t.stringList({ description: 'Of these routines, by name.' }),
    outcomes: t.field({
      type: [ActivationOutcomeType],
      description: 'Ended in one of these ways.',
    }),
  }),
});

const LogLineFilter = builder.inputType('LogLineFilter', {
  description: 'Which log lines to list: those for which all that is given is true.',
  fields: (t) => ({
    routineIds: t.stringList({ description: 'Of these routines, by name.' }),
    levels: t.field({ type: [LogLevelType], description: 'Of these levels.' }),
  }),
});

const sequenceOf = ({ sequence }: { readonly sequence: number }) => sequence;

builder.objectFields(JobType, (t) => ({
  trace: t.connection(
    {
      type: ActivationRecordType,
      description:
        'Its newest activations in the order they ended, oldest first: the last 1000, and 100 older ones that ' +
        'did not go well. Of a job that has ended, the newest of them whose items have at most 262,144 characters as ' +
        'text together; of one that ended a while ago, none.',
      args: {
        filter: t.arg({ type: ActivationFilter, description: 'Which to list. Default: all.' }),
      },
      complexity: pageComplexity,
      resolve: ({ id }, { filter, ...page }, { jobHost }) => {
        const wanted: TraceFilter = {
          routineIds: filter?.routineIds ?? undefined,
          outcomes: filter?.outcomes ?? undefined,
        };
        return keysetConnection<ActivationRecord, number>(page, {
          name: `trace of ${id}`,
          positionOf: sequenceOf,
          isPosition: (value) => typeof value === 'number',
          fetch: (range) => jobHost.readTrace(id, { ...range, filter: wanted }),
          totalCount: async () => (await jobHost.countTrace(id, wanted)).matching,
        });
      },
    },
    { name: 'ActivationConnection', description: 'A page of activations.' },
    { name: 'ActivationEdge', description: 'An activation in a page.' },
  ),
  traceDroppedCount: t.field({
    type: 'Count',
    description: 'Runs of routines that are not in the trace any more.',
    resolve: async ({ id }, _args, { jobHost }) => (await jobHost.countTrace(id, {})).dropped,
  }),
  logs: t.connection(
    {
      type: LogRecordType,
      description: 'The newest 500 lines that its routines wrote to its log, oldest first.',
      args: { filter: t.arg({ type: LogLineFilter, description: 'Which to list. Default: all.' }) },
      complexity: pageComplexity,
      resolve: async ({ id }, { filter, ...page }, { jobHost }) => {
        const wanted = (await jobHost.readLogs(id)).filter(
          ({ routineId, level }) =>
            (filter?.routineIds?.includes(routineId) ?? true) &&
            (filter?.levels?.includes(level) ?? true),
        );
        const name = `log of ${id}`;
        return listConnection(page, { name, elements: wanted, keyOf: sequenceOf });
      },
    },
    { name: 'LogLineConnection', description: 'A page of log lines.' },
    { name: 'LogLineEdge', description: 'A log line in a page.' },
  ),
}));
