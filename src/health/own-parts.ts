import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { AgentReading, PulledAgent } from './function-probe.ts';

/** What is known of the server's own parts. */
export interface PartFigures {
  /** Why the database can't be used; `undefined` when it can. */
  readonly databaseProblem: () => string | undefined;
  /** Rows of traces, logs and transitions that were lost since the process began, and that wait. */
  readonly writeBehind: () => { readonly dropped: number; readonly waiting: number };
}

/** The parts of a server, as agents that are asked. They are to be closed. */
export interface OwnParts {
  readonly agents: readonly PulledAgent[];
  close(): void;
}

/**
 * A delay of the event loop from which on requests are felt to be slow, and from which on it is as good as down. The longest
 * counts: one that stands still for two seconds in five has few delays, of which the 99th percentile is short.
 */
const DEGRADED_DELAY_MS = 200;
const UNHEALTHY_DELAY_MS = 2_000;

/** How often the delay is measured. */
const DELAY_RESOLUTION_MS = 20;

/** The server's own parts: its database, its event loop, and what is written behind. */
export function createOwnParts({ databaseProblem, writeBehind }: PartFigures): OwnParts {
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  let droppedBefore = 0;
  return {
    agents: [
      {
        name: 'millrace:database',
        description: 'Whether the database can be read and written.',
        read: () => {
          const problem = databaseProblem();
          return problem === undefined
            ? { health: 'healthy' }
            : { health: 'unhealthy', message: problem };
        },
      },
      {
        name: 'millrace:event-loop',
        description: 'For how long the server was held up since the last look, at the longest.',
        read: () => readDelay(delay),
      },
      {
        name: 'millrace:write-behind',
        description: 'Whether traces, logs and transitions are written as fast as they come.',
        read: () => {
          const { dropped, waiting } = writeBehind();
          const lost = dropped - droppedBefore;
          droppedBefore = dropped;
          const details = { waitingCount: waiting, lostCount: lost };
          return lost === 0
            ? { health: 'healthy', details }
            : {
                health: 'degraded',
                message: `${lost} rows were lost since the last look`,
                details,
              };
        },
      },
    ],
    close: () => void delay.disable(),
  };
}

function readDelay(delay: IntervalHistogram): AgentReading {
  // It begins with the first look: that much is to do while a server starts says nothing of it.
  if (delay.enable()) return { health: 'healthy' };
  const toMs = (nanoseconds: number) =>
    Math.max(0, Math.round(nanoseconds / 1e6) - DELAY_RESOLUTION_MS);
  const p99Ms = delay.count === 0 ? 0 : toMs(delay.percentile(99));
  const maxMs = delay.count === 0 ? 0 : toMs(delay.max);
  delay.reset();
  const details = { p99Ms, maxMs };
  if (maxMs <= DEGRADED_DELAY_MS) return { health: 'healthy', details };
  const message = `The event loop was held up for ${maxMs} ms`;
  return { health: maxMs > UNHEALTHY_DELAY_MS ? 'unhealthy' : 'degraded', message, details };
}
