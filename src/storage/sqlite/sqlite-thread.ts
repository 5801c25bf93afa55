import { parentPort, workerData } from 'node:worker_threads';
import type { Statement, Unit, UnitOutcome } from '../backend.ts';
import type { WriteResult } from '../database.ts';
import { SqliteConnection, type SqliteConnectionOptions } from './sqlite-connection.ts';

// A thread with one connection: what it is asked it does in order, and answers. `ThreadConnection` is the other side.

/** What the thread is asked to do. */
export type ThreadTask =
  | { readonly kind: 'run'; readonly statement: Statement }
  | { readonly kind: 'commit'; readonly units: readonly Unit[]; readonly isIsolated: boolean }
  | { readonly kind: 'close' };

/** An error as it passes between threads. */
export interface ThreadError {
  readonly message: string;
  readonly code: string | undefined;
}

/** What the thread answers. Each task is answered, in order. */
export type ThreadAnswer =
  | { readonly kind: 'ran'; readonly result: WriteResult }
  | { readonly kind: 'committed'; readonly outcomes: readonly UnitOutcome[] }
  | { readonly kind: 'closed' }
  | { readonly kind: 'failed'; readonly error: ThreadError };

if (parentPort !== null) serve(parentPort);

function serve(port: NonNullable<typeof parentPort>): void {
  let connection: SqliteConnection | undefined;
  const work = (task: ThreadTask): ThreadAnswer => {
    if (task.kind === 'close') {
      connection?.close();
      return { kind: 'closed' };
    }
    // Opened with the first task, so that the error of a file that can't be opened is an answer.
    connection ??= new SqliteConnection(workerData as SqliteConnectionOptions); // the other side's
    if (task.kind === 'run') return { kind: 'ran', result: connection.run(task.statement) };
    const outcomes = connection
      .commit(task.units, task.isIsolated)
      .map(
        (outcome): UnitOutcome =>
          outcome.results === undefined ? { error: toThreadError(outcome.error) } : outcome,
      );
    return { kind: 'committed', outcomes };
  };
  port.on('message', (task: ThreadTask) => {
    try {
      port.postMessage(work(task));
    } catch (error) {
      port.postMessage({ kind: 'failed', error: toThreadError(error) } satisfies ThreadAnswer);
    }
    if (task.kind === 'close') port.close();
  });
}

function toThreadError(error: unknown): ThreadError {
  if (!(error instanceof Error)) return { message: String(error), code: undefined };
  return { message: error.message, code: 'code' in error ? String(error.code) : undefined };
}
