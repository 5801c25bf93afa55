import type { Client } from '../client/client.ts';
import {
  WatchAllDocument,
  type WatchedJobQuery,
  WatchPictureDocument,
  WatchWarningsDocument,
} from '../generated/operations.ts';
import { systemClock } from '../lib/clock.ts';
import { formatDateTime } from '../lib/date-time.ts';
import { createProgressView } from './progress-view.ts';

type WatchedJob = NonNullable<WatchedJobQuery['job']>;

/** Watches a job and shows it. */
export interface WatchReport {
  /** Kept when the job has ended and all of it was shown. */
  readonly ended: Promise<void>;
  /** Says something besides. */
  note(line: string): void;
  /** Tells how it ended. Called once, last. */
  result(job: WatchedJob): void;
  /** Leaves the terminal as it was. */
  close(): void;
}

/** Writes one JSON object a line, the result last. */
export function reportAsJson(client: Client, id: string): WatchReport {
  const write = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
  const writeEvents = async () => {
    for await (const { jobEvents: event } of client.subscribe(WatchAllDocument, { id })) {
      if (!('progressMessage' in event)) write(event);
      else {
        const { progressMessage: message, ...rest } = event;
        write({ ...rest, message });
      }
    }
  };
  return {
    ended: writeEvents(),
    note: (line) => console.error(`millrace: ${line}`),
    result({ id: jobId, flowId, status: state, durationMs, error, unresponsiveRoutineIds }) {
      write({
        type: 'RESULT',
        at: formatDateTime(systemClock.now()),
        jobId,
        flowId,
        state,
        durationMs,
        ...(error === null ? {} : { error }),
        ...(unresponsiveRoutineIds.length === 0 ? {} : { unresponsiveRoutineIds }),
      });
    },
    close: () => undefined,
  };
}

/** Draws progress on a terminal, with warnings and errors of the job above it. */
export function reportOnTerminal(client: Client, id: string): WatchReport {
  const view = createProgressView(process.stdout);
  process.once('exit', () => view.close()); // however it ends, the cursor comes back
  const draw = async () => {
    for await (const { jobMonitoring } of client.subscribe(WatchPictureDocument, { id })) {
      const { status: state, ...picture } = jobMonitoring;
      view.draw({ state, ...picture });
    }
  };
  const warn = async () => {
    for await (const { jobEvents } of client.subscribe(WatchWarningsDocument, { id })) {
      if (!('level' in jobEvents)) continue;
      const { level, routineId, message } = jobEvents;
      if (level === 'WARNING' || level === 'ERROR') view.print(`${level} ${routineId}: ${message}`);
    }
  };
  return {
    ended: Promise.all([draw(), warn()]).then(() => undefined),
    note: view.print,
    result({ status, durationMs, error }) {
      view.close();
      const how = durationMs === null ? '' : ` after ${(durationMs / 1000).toFixed(2)} s`;
      console.log(`\n${status}${how}`);
      if (error !== null) console.error(error.message);
    },
    close: view.close,
  };
}
