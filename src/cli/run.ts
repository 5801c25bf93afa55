import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createEngine, type Flow, type JobRun, type JobState } from '../engine/index.ts';
import { systemClock } from '../lib/clock.ts';
import { DomainError, messageOf } from '../lib/domain-error.ts';
import { JobMonitor } from '../monitoring/job-monitor.ts';
import { JobSampler } from '../monitoring/job-sampler.ts';
import { failureOf } from '../monitoring/read-routine.ts';
import type { JobHappening } from '../pubsub/topics.ts';
import { type Command, type ExitCode, UsageError } from './command.ts';
import { describeFaults, findFlow } from './find-flow.ts';
import { reportAsJson, reportOnTerminal } from './run-report.ts';
import { outliveStrayErrors } from './stray-errors.ts';

/** How often progress is looked at, per second. */
const RATE_HZ = 10;

/** `millrace run`: one job, here and now. */
export const run: Command = {
  help: `Usage: millrace run FLOW [options]

Runs one job of a flow in this process, without a server.
On a terminal it shows progress. Into a pipe it writes one JSON object a line: what happens, and at the end the
result, {"type":"RESULT", …}.
Exits with 0 when the job completed, 1 when it failed, 2 when called wrongly, 130 when interrupted.

  FLOW            id of a flow, or path of a flow module (path#id when it has several flows)

Options:
  --input JSON    the job's input; default {}
  --input @FILE   the same, from a file
  --flows DIR     where to look for flows by id; default: the examples of the package
  --json          write JSON lines also on a terminal
  -h, --help      show this
`,
  async run(args) {
    const options = {
      input: { type: 'string' },
      flows: { type: 'string' },
      json: { type: 'boolean' },
    } as const;
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const [name, ...rest] = positionals;
    if (name === undefined || rest.length > 0) throw new UsageError('Name one flow.');
    const input = await readInput(values.input ?? '{}');
    const { flow, faults } = await findFlow(name, values.flows);
    if (faults.length > 0) console.error(describeFaults(faults));
    if (flow === undefined) return 1;
    return runFlow(flow, input, values.json === true || !process.stdout.isTTY);
  },
};

async function readInput(text: string): Promise<unknown> {
  const file = text.startsWith('@') ? text.slice(1) : undefined;
  let json = text;
  if (file !== undefined) {
    try {
      json = await readFile(file, 'utf8');
    } catch (error) {
      throw new UsageError(`The input can't be read: ${messageOf(error)}`);
    }
  }
  try {
    return JSON.parse(json);
  } catch (error) {
    const source = file ?? '--input';
    throw new UsageError(`${source} is not JSON: ${messageOf(error)}`);
  }
}

async function runFlow(flow: Flow, input: unknown, isJson: boolean): Promise<ExitCode> {
  outliveStrayErrors((error) =>
    console.error(`millrace: Code of the flow failed where nobody waits for it: ${error}`),
  );
  const engine = createEngine();
  let job: JobRun;
  try {
    job = engine.start(flow, input as never); // the engine checks it
  } catch (error) {
    if (error instanceof DomainError) throw new UsageError(error.message);
    throw error;
  }
  const reporter = isJson ? reportAsJson(job) : reportOnTerminal();
  const monitor = new JobMonitor(job);
  const sampler = new JobSampler(
    { version: () => job.version, read: () => monitor.read() },
    systemClock,
  );
  const startedMs = systemClock.monotonicMs();

  job.observe({
    stateChanged: (_job, from) => {
      const happening = happeningOf(job, from, systemClock.monotonicMs() - startedMs);
      if (happening === undefined) return;
      reporter.read(monitor.read()); // what led to it is told first
      reporter.happened(systemClock.now(), happening);
    },
    logged: (_job, { at, routineId, level, message }) =>
      reporter.happened(at, { type: 'LOG_WRITTEN', routineId, level, message }),
  });
  const stopWatching = sampler.watch(RATE_HZ, {
    push: (reading) => reporter.read(reading),
    end: () => undefined,
  });

  let interrupted: ExitCode | undefined;
  const interrupt = (signal: NodeJS.Signals) => {
    const code = signal === 'SIGINT' ? 130 : 143;
    if (interrupted !== undefined) process.exit(code);
    interrupted = code;
    if (!job.isEnding) job.cancel();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);

  const { state } = await job.settled;
  stopWatching();
  reporter.ended(job, systemClock.monotonicMs() - startedMs);
  await engine.close();
  if (state === 'COMPLETED') return 0;
  return interrupted ?? 1;
}

function happeningOf(job: JobRun, from: JobState, durationMs: number): JobHappening | undefined {
  switch (job.state) {
    case 'PENDING':
      return undefined;
    case 'RUNNING':
      return { type: from === 'PAUSED' ? 'JOB_RESUMED' : 'JOB_STARTED' };
    case 'PAUSED':
      return { type: 'JOB_PAUSED' };
    case 'COMPLETED':
      return { type: 'JOB_COMPLETED', durationMs };
    case 'CANCELLED':
      return { type: 'JOB_CANCELLED', unresponsiveRoutineIds: job.unresponsive };
    case 'FAILED': {
      const { message, code } = failureOf(job.error);
      const errorCode = code === undefined ? {} : { errorCode: code };
      return { type: 'JOB_FAILED', errorMessage: message, ...errorCode };
    }
  }
}
