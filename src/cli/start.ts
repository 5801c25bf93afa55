import { type DocumentNode, Kind, print, visit } from 'graphql';
import { pino } from 'pino';
import { type App, createApp } from '../app.ts';
import { isLoopback } from '../auth/auth-mode.ts';
import { describeOptions } from '../config/describe-options.ts';
import { OPTION_NAMES } from '../config/options.ts';
import type { FoundConfig } from '../config/read-config.ts';
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
import type { Command } from './command.ts';
import { CONFIG_HELP, readCommandConfig } from './command-config.ts';
import { databaseOf, describeDatabase } from './database-config.ts';
import { describeFaults, EXAMPLES_DIRECTORY } from './find-flow.ts';
import { appOptionsOf, serveOptionsOf } from './start-config.ts';
import { outliveStrayErrors } from './stray-errors.ts';

/** The flow of the examples that a job is started of, so that there is something to see. */
const SHOWN_FLOW = 'articles';

/** `millrace start`: serves flows until it is told to stop. */
export const start: Command = {
  help: `Usage: millrace start [options]

Serves flows over GraphQL, with GraphiQL, until SIGINT or SIGTERM.
Without --flows it serves the examples of the package, and runs a job of "${SHOWN_FLOW}".
A flow module that is at fault is told, and nothing is started.
Jobs that had not ended when it was stopped or killed go on at the next start.
\`millrace config\` with the same options shows what they come to.

${describeOptions(OPTION_NAMES)}

${CONFIG_HELP}`,
  async run(args) {
    const found = await readCommandConfig(args);
    const { config } = found;
    const { flows: directory } = config;
    const { flows, faults } = await loadFlows(directory ?? EXAMPLES_DIRECTORY);
    if (faults.length > 0) {
      console.error(
        `Not started: there are faults in the flow modules.\n${describeFaults(faults)}`,
      );
      return 1;
    }

    const logger = pino({ level: config.logLevel }, pino.destination(2));
    const app = await createApp({ flows, ...appOptionsOf(found, logger) });
    outliveStrayErrors((error) =>
      logger.error({ error }, 'Code of a flow failed where nobody waits for it.'),
    );
    try {
      const hasShown = directory === undefined && flows.some(({ id }) => id === SHOWN_FLOW);
      const job = hasShown ? await findOrStartShown(app) : undefined;
      const shown = showOperations(flows, job?.id);
      const stopped = untilStopped();
      const { url, isOpen } = await app.listen({ ...serveOptionsOf(found), examples: shown.tabs });
      const ids = flows.map(({ id }) => id).join(', ');
      console.log(
        `Millrace serves ${ids}.\n${config.graphiql ? 'GraphiQL' : 'GraphQL'}: ${url}\n` +
          `Jobs are kept in ${describeDatabase(databaseOf(config))}.\n${describeAuthentication(found, isOpen)}\n`,
      );
      if (isOpen && !isLoopback(config.host)) console.error(OPEN_WARNING);
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

/** Where others than this machine can do everything. */
const OPEN_WARNING = `
  ************************************ WARNING ************************************
  Nobody has to prove who they are, and others than this machine can reach this
  server: whoever can, may do everything, and run the code of the flows. Make sure
  that something else keeps strangers away; or make an API key with
  \`millrace keys create\`, and leave out --insecure-no-auth.
  *********************************************************************************
`;

/** Whether people have to prove who they are, and by what. */
function describeAuthentication({ config, authenticate }: FoundConfig, isOpen: boolean): string {
  if (isOpen) return 'Authentication is off: whoever can reach this server may do everything.';
  const ways = ['API keys'];
  if (config.jwtSecret !== undefined || config.jwksUrl !== undefined) ways.push('JSON Web Tokens');
  if (authenticate !== undefined) ways.push('what the configuration file says');
  return `Authentication is on, by ${ways.join(', ')}.`;
}

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
