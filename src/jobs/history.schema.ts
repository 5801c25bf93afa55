import { builder } from '../graphql/builder.ts';
import { keysetConnection, pageComplexity } from '../graphql/connections.ts';
import type { ActivationRecord, LogRecord } from '../monitoring/readings.ts';
import {
  ActivationOutcomeType,
  ActivationRecordType,
  LogLevelType,
  LogRecordType,
} from '../monitoring/trace.schema.ts';
import type { TraceFilter } from '../monitoring/trace-page.ts';
import type { LogFilter } from './job-history.ts';
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

const isSequence = (value: unknown): value is number => Number.isSafeInteger(value);
const sequenceOf = ({ sequence }: { readonly sequence: number }) => sequence;

builder.objectFields(JobType, (t) => ({
  trace: t.connection(
    {
      type: ActivationRecordType,
      description:
        'Its newest activations in the order they ended, oldest first: the last 1000, and 100 older ones that ' +
        'did not go well. Of a job that has ended those whose items have at most 262,144 characters as text ' +
        'together, what is kept for `rerunFrom` included, the newest first of all; they are kept until the server has kept them for long enough.',
      args: {
        filter: t.arg({ type: ActivationFilter, description: 'Which to list. Default: all.' }),
      },
      complexity: pageComplexity,
      resolve: ({ id }, { filter, ...page }, { records }) => {
        const wanted: TraceFilter = {
          routineIds: filter?.routineIds ?? undefined,
          outcomes: filter?.outcomes ?? undefined,
        };
        return keysetConnection<ActivationRecord, number>(page, {
          name: `trace of ${id}`,
          positionOf: sequenceOf,
          isPosition: isSequence,
          fetch: (range) => records.readTrace(id, { ...range, filter: wanted }),
          totalCount: async () => (await records.countTrace(id, wanted)).matching,
        });
      },
    },
    { name: 'ActivationConnection', description: 'A page of activations.' },
    { name: 'ActivationEdge', description: 'An activation in a page.' },
  ),
  traceDroppedCount: t.field({
    type: 'Count',
    description: 'Runs of routines that are not in the trace any more.',
    resolve: async ({ id }, _args, { records }) => (await records.countTrace(id, {})).dropped,
  }),
  logs: t.connection(
    {
      type: LogRecordType,
      description:
        'The newest lines that its routines wrote to its log, oldest first: 500 while it runs; when it has ended, ' +
        'those that were taken down, at most 10,000 unless the server is set up otherwise.',
      args: { filter: t.arg({ type: LogLineFilter, description: 'Which to list. Default: all.' }) },
      complexity: pageComplexity,
      resolve: ({ id }, { filter, ...page }, { records }) => {
        const wanted: LogFilter = {
          routineIds: filter?.routineIds ?? undefined,
          levels: filter?.levels ?? undefined,
        };
        return keysetConnection<LogRecord, number>(page, {
          name: `log of ${id}`,
          positionOf: sequenceOf,
          isPosition: isSequence,
          fetch: (range) => records.readLogs(id, { ...range, filter: wanted }),
          totalCount: () => records.countLogs(id, wanted),
        });
      },
    },
    { name: 'LogLineConnection', description: 'A page of log lines.' },
    { name: 'LogLineEdge', description: 'A log line in a page.' },
  ),
}));
