import type { JobRun } from '../engine/index.ts';
import { diffReadings } from '../jobs/diff-readings.ts';
import { systemClock } from '../lib/clock.ts';
import { formatDateTime } from '../lib/date-time.ts';
import { toJson } from '../lib/to-json.ts';
import { failureOf } from '../monitoring/read-routine.ts';
import type { JobReading } from '../monitoring/readings.ts';
import type { JobHappening } from '../pubsub/topics.ts';
import { createProgressView } from './progress-view.ts';

/** The most values of an output that are written on a terminal. */
const SHOWN_VALUES = 10;

/** Shows what happens in a run. */
export interface RunReporter {
  /** Tells one thing that happened. `at` is in milliseconds since the Unix epoch. */
  happened(at: number, happening: JobHappening): void;
  /** Takes in how things stand: several times a second, and before each change of the job's state. */
  read(reading: JobReading): void;
  /** Tells how it ended. Called once, last. */
  ended(job: JobRun, durationMs: number): void;
}

/** Writes one JSON object a line, the result last. */
export function reportAsJson(job: JobRun): RunReporter {
  const { id: jobId, flow } = job;
  const write = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
  let previous: JobReading | undefined;
  const happened = (at: number, { type, ...rest }: JobHappening) =>
    void write({ type, at: formatDateTime(at), jobId, flowId: flow.id, ...rest });
  return {
    happened,
    read(reading) {
      const happenings = previous === undefined ? [] : diffReadings(previous, reading);
      previous = reading;
      for (const happening of happenings) happened(reading.at, happening);
    },
    ended({ state, error, unresponsive }, durationMs) {
      write({
        type: 'RESULT',
        at: formatDateTime(systemClock.now()),
        jobId,
        flowId: flow.id,
        state,
        durationMs,
        outputs: Object.fromEntries(
          Object.entries(outputsOf(job)).map(([name, values]) => [name, values.map(toJson)]),
        ),
        ...(state === 'COMPLETED' ? {} : { error: failureOf(error) }),
        ...(unresponsive.length === 0 ? {} : { unresponsiveRoutineIds: unresponsive }),
      });
    },
  };
}

/** Draws progress on a terminal, and writes the outputs at the end. */
export function reportOnTerminal(): RunReporter {
  const view = createProgressView(process.stdout);
  process.once('exit', () => view.close()); // however it ends, the cursor comes back
  return {
    happened(_at, happening) {
      if (happening.type !== 'LOG_WRITTEN') return;
      const { level, routineId, message } = happening;
      if (level === 'WARNING' || level === 'ERROR') view.print(`${level} ${routineId}: ${message}`);
    },
    read: (reading) => view.draw(reading),
    ended(job, durationMs) {
      view.close();
      console.log(`\n${job.state} after ${(durationMs / 1000).toFixed(2)} s`);
      if (job.state !== 'COMPLETED') console.error(failureOf(job.error).message);
      for (const [name, values] of Object.entries(outputsOf(job))) {
        for (const value of values.slice(0, SHOWN_VALUES)) {
          console.log(`${name}: ${JSON.stringify(toJson(value), null, 2)}`);
        }
        const more = values.length - SHOWN_VALUES;
        if (more > 0) console.log(`${name}: and ${more} more; --json writes them all`);
      }
    },
  };
}

function outputsOf({ outputs }: JobRun): Record<string, readonly unknown[]> {
  return Object.fromEntries([...outputs].map(([name, { values }]) => [name, values]));
}
