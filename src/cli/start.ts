import { parseArgs } from 'node:util';
import { type DocumentNode, Kind, print, visit } from 'graphql';
import { type App, createApp } from '../app.ts';
import type { Flow } from '../engine/index.ts';
import { loadFlows } from '../flows/flow-loader.ts';
import {
  ContinueStoppedDocument,
  FlowsDocument,
  LookAtStopDocument,
  PauseRunningJobDocument,
  ResumeRunningJobDocument,
  RunningJobDocument,
  StartJobDocument,
  StartToDebugDocument,
  StepIntoNextDocument,
  WatchEventsDocument,
  WatchQueuesDocument,
  WatchStopsDocument,
} from '../generated/operations.ts';
import type { Job } from '../jobs/job.ts';
import { type Command, UsageError } from './command.ts';
import { DATABASE_HELP, databaseOptions, describeDatabase } from './database-config.ts';
import { describeFaults, EXAMPLES_DIRECTORY } from './find-flow.ts';
import { readStartConfig } from './start-config.ts';
import { outliveStrayErrors } from './stray-errors.ts';

/** The flow of the examples that a job is started of, so that there is something to see. */
const SHOWN_FLOW = 'articles';

/** `millrace start`: serves flows until it is told to stop. */
export const start: Command = {
  help: `Usage: millrace start [options]

Serves flows over GraphQL, with GraphiQL, until SIGINT or SIGTERM.
Without --flows it serves the examples of the package, and runs a job of "${SHOWN_FLOW}".
A flow module that is at fault is told, and nothing is started.

Options:
  --flows DIR     directory of flow modules: files called flow or <name>.flow (.js .mjs .ts .mts), at any depth
  --host HOST     address to listen on; default 127.0.0.1, this machine alone
  --port PORT     port to listen on; default 4000, 0 for any free one
  --known-hosts NAMES  names that browsers may reach the server by, besides addresses and localhost, with commas
${DATABASE_HELP}
  --keep LIMITS   what is kept for how long, by age and count; default "jobs=365d,1000000 traces=30d,100000
                  audit=365d,1000000 log=10000 events=100000 minutes=2d hours=60d days=1826d"
  --evaluation on|off  whether people may evaluate expressions in jobs, to debug them; default off
  --read-only     let nobody start or change jobs through the API
  -h, --help      show this

Environment: MILLRACE_FLOWS, MILLRACE_HOST, MILLRACE_PORT, MILLRACE_KNOWN_HOSTS, MILLRACE_KEEP,
MILLRACE_EVALUATION, MILLRACE_DATA_DIR and MILLRACE_DATABASE_URL stand in for options that are not given.
Jobs that had not ended when it was stopped or killed go on at the next start.
`,
  async run(args) {
    const options = {
      flows: { type: 'string' },
      host: { type: 'string' },
      port: { type: 'string' },
      'known-hosts': { type: 'string' },
      'read-only': { type: 'boolean' },
      evaluation: { type: 'string' },
      keep: { type: 'string' },
      ...databaseOptions,
    } as const;
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    if (positionals.length > 0) {
      throw new UsageError(`What is "${positionals[0]}"? Directories are given by --flows.`);
    }
    const config = readStartConfig(values, process.env);
    const { flows: directory, host, port, isReadOnly, knownHosts, database, retention } = config;
    const { flows, faults } = await loadFlows(directory ?? EXAMPLES_DIRECTORY);
    if (faults.length > 0) {
      console.error(
        `Not started: there are faults in the flow modules.\n${describeFaults(faults)}`,
      );
      return 1;
    }

    const app = await createApp({
      flows,
      isReadOnly,
      database,
      retention,
      debugger: { evaluation: config.isEvaluationOn },
    });
    outliveStrayErrors((error) =>
      app.logger.error({ error }, 'Code of a flow failed where nobody waits for it.'),
    );
    try {
      const hasShown = directory === undefined && flows.some(({ id }) => id === SHOWN_FLOW);
      const job = hasShown ? await findOrStartShown(app) : undefined;
      const shown = showOperations(flows, job?.id);
      const stopped = untilStopped();
      const { url } = await app.listen({ host, port, knownHosts, examples: shown.tabs });
      const ids = flows.map(({ id }) => id).join(', ');
      console.log(
        `Millrace serves ${ids}.\nGraphiQL: ${url}\nJobs are kept in ${describeDatabase(database)}.\n`,
      );
      if (job !== undefined) {
        const how = job.state === 'PAUSED' ? 'paused' : 'running';
        console.log(`A job of "${SHOWN_FLOW}" is ${how}: Job:${job.id}\n`);
      }
      console.log(`Three operations to paste:\n\n${shown.printed.join('\n\n')}\n`);
      const problem = await Promise.race([stopped, app.lost]);
      if (problem === undefined) return 0;
      console.error(`millrace: ${problem}`);
      return 1;
    } finally {
      await app.close();
    }
  },
};

/** The job of the examples that goes on from before, or a new one. */
async function findOrStartShown({ jobs }: App): Promise<Job> {
  const [unfinished] = await jobs.list({
    filter: { flowIds: [SHOWN_FLOW], states: ['PENDING', 'RUNNING', 'PAUSED'] },
    order: { field: 'CREATED_AT', isDescending: true },
    limit: 1,
    fromEnd: false,
  });
  return unfinished ?? jobs.start({ flowId: SHOWN_FLOW, input: {} });
}

/** Operations for the terminal and for GraphiQL's tabs, with the ids written in: ready to run. */
function showOperations(flows: readonly Flow[], jobId: string | undefined) {
  const id = `Job:${jobId ?? 'the id that startJob answers'}`;
  const flow = (jobId && flows.find((each) => each.id === SHOWN_FLOW)) || flows[0];
  const flowId = flow === undefined ? '' : `Flow:${flow.id}`;
  // One that gets items, if there is one.
  const routineId = flow?.connections[0]?.to.routine ?? flow?.routines[0]?.id ?? '';
  const watching = [RunningJobDocument, PauseRunningJobDocument, WatchQueuesDocument];
  const starting = [FlowsDocument, StartJobDocument, WatchEventsDocument];
  const [shownFirst, others] = jobId === undefined ? [starting, watching] : [watching, starting];
  const write = (document: DocumentNode) => print(writeIn(document, { id, flowId }));
  const debugged = { jobId: id };
  const debugging = { ...debugged, breakpoints: [{ kind: 'ROUTINE', routineId, isOnce: true }] };
  return {
    printed: shownFirst.map(write),
    tabs: [
      ...[...shownFirst, ...others, ResumeRunningJobDocument].map((document) => ({
        query: write(document),
      })),
      {
        query: [DEBUGGING_HINT, ...DEBUGGING.map(write)].join('\n\n'),
        variables: JSON.stringify(debugging, undefined, 2),
      },
      {
        query: [WATCHING_HINT, write(WatchStopsDocument)].join('\n\n'),
        variables: JSON.stringify(debugged, undefined, 2),
      },
    ],
  };
}

/** From a breakpoint to the end of the job: in one tab, to be run one by one. */
const DEBUGGING: readonly DocumentNode[] = [
  StartToDebugDocument,
  LookAtStopDocument,
  StepIntoNextDocument,
  ContinueStoppedDocument,
];

const DEBUGGING_HINT = `# The debugger. Run these one by one: the button lists them.
# The first answers a job's id. Put it in the variables below.`;

const WATCHING_HINT = `# Put the job's id in the variables below. Open this in a
# second window: it ends when you go to another tab.`;

/** The operation with values in place of its variables. Those that have none stay. */
function writeIn(document: DocumentNode, values: Readonly<Record<string, string>>): DocumentNode {
  return visit(document, {
    VariableDefinition: ({ variable }) => (variable.name.value in values ? null : undefined),
    Variable: ({ name }) => {
      const value = values[name.value];
      return value === undefined ? undefined : { kind: Kind.STRING, value };
    },
  });
}

/** Is kept at the first SIGINT or SIGTERM. A second one ends the process at once. */
function untilStopped(): Promise<undefined> {
  let isStopping = false;
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals) => {
      if (isStopping) process.exit(signal === 'SIGINT' ? 130 : 143);
      isStopping = true;
      console.log('\nStopping. Once more to stop at once.');
      resolve(undefined);
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}
