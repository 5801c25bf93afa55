import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { type Client, createClient } from '../client/client.ts';
import { WatchedJobDocument } from '../generated/operations.ts';
import { DomainError } from '../lib/domain-error.ts';
import { type Command, type ExitCode, UsageError } from './command.ts';
import { reportAsJson, reportOnTerminal, type WatchReport } from './watch-report.ts';

const DEFAULT_URL = 'http://127.0.0.1:4000/graphql';

/** `millrace watch`: a job of a server, live, until it ends. */
export const watch: Command = {
  help: `Usage: millrace watch JOB [options]

Shows a job live until it has ended. It comes back by itself when the connection is lost or the server restarted.
On a terminal it shows progress. Into a pipe it writes one JSON object a line: what happens from now on, each event
once, and at the end how the job ended, {"type":"RESULT", …}.
Exits with 0 when the job completed, 1 when it did not or can't be watched, 2 when called wrongly, 130 when interrupted.
To leave does nothing to the job.

  JOB             id of a job, with or without "Job:"

Options:
  --url URL       where the server is; default ${DEFAULT_URL}
  --token TOKEN   API key or token to show there; default what MILLRACE_TOKEN has. Other people on this machine can see what is
                  written on a command line, and not the environment
  --json          write JSON lines also on a terminal
  -h, --help      show this
`,
  async run(args) {
    const options = {
      url: { type: 'string' },
      token: { type: 'string' },
      json: { type: 'boolean' },
    } as const;
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const [id, ...rest] = positionals;
    if (id === undefined || rest.length > 0) throw new UsageError('Name one job.');
    const url = readUrl(values.url ?? DEFAULT_URL);
    const isJson = values.json === true || !process.stdout.isTTY;

    const { MILLRACE_TOKEN: fromEnvironment = '' } = process.env;
    const token = values.token ?? fromEnvironment;

    const client = createClient({
      url,
      webSocketImpl: WebSocket,
      ...(token === '' ? {} : { token }),
    });
    const report = isJson ? reportAsJson(client, id) : reportOnTerminal(client, id);
    try {
      return await Promise.race([
        watchJob(client, id, report),
        tellConnection(client, url, report),
        untilInterrupted(),
      ]);
    } finally {
      report.close();
      await client.close();
    }
  },
};

/** There was no connection to begin with. */
class NoServerError extends DomainError {
  readonly code = 'NO_SERVER';

  constructor(url: string, reason: string) {
    super(
      `There is no server at ${url}: ${reason}. Start one with \`millrace start\`, or give its address with --url.`,
    );
  }
}

function readUrl(text: string): string {
  if (!URL.canParse(text) || !/^(http|ws)s?:/.test(text)) {
    throw new UsageError(
      `--url is ${JSON.stringify(text)} and must be an address such as ${DEFAULT_URL}.`,
    );
  }
  const url = new URL(text);
  if (url.pathname === '/') url.pathname = '/graphql';
  return url.href;
}

async function watchJob(client: Client, id: string, report: WatchReport): Promise<ExitCode> {
  await report.ended;
  const { job } = await client.query(WatchedJobDocument, { id });
  if (job === null) return 1; // deleted meanwhile
  report.result(job);
  return job.status === 'COMPLETED' ? 0 : 1;
}

/** Fails when there is no server to begin with, and tells when one that was there is lost. */
function tellConnection(client: Client, url: string, report: WatchReport): Promise<never> {
  let wasThere = false;
  let isLost = false;
  return new Promise((_, fail) => {
    client.onStatus((status, reason = 'no reason is known') => {
      if (status === 'CONNECTED') {
        if (isLost) report.note('The server is there again.');
        wasThere = true;
        isLost = false;
      } else if (status === 'RECONNECTING' && !wasThere) {
        fail(new NoServerError(url, reason));
      } else if (status === 'RECONNECTING' && !isLost) {
        isLost = true;
        report.note(`The connection was lost (${reason}). Trying again.`);
      }
    });
  });
}

function untilInterrupted(): Promise<ExitCode> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve(130));
    process.once('SIGTERM', () => resolve(143));
  });
}
