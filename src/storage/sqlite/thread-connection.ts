import { Worker } from 'node:worker_threads';
import type { CancelTimer, Clock } from '../../lib/clock.ts';
import { type Statement, UncertainCommitError, type Unit, type UnitOutcome } from '../backend.ts';
import type { WriteResult } from '../database.ts';
import type { SqliteConnectionOptions } from './sqlite-connection.ts';
import { CONNECTION_CLOSED, isSqliteCommitUncertain, THREAD_ENDED } from './sqlite-faults.ts';
import type { ThreadAnswer, ThreadError, ThreadTask } from './sqlite-thread.ts';

/** How the thread is kept. */
export interface ThreadConnectionOptions {
  readonly connection: SqliteConnectionOptions;
  readonly clock: Clock;
  /** Ends the thread when nothing was asked for this long, in milliseconds. Default: it is kept. */
  readonly idleMs?: number;
}

interface Question {
  readonly resolve: (answer: ThreadAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** An error that SQLite, or the thread itself, told. */
class SqliteThreadError extends Error {
  readonly code: string | undefined;

  constructor({ message, code }: ThreadError) {
    super(message);
    this.name = 'SqliteError';
    this.code = code;
  }
}

/** Megabytes. The thread holds what is handed over and what it answers, never the whole of anything. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 4 };
/** How long the thread may take to close its file before it is broken off, in milliseconds. */
const CLOSE_LIMIT_MS = 5_000;

/**
 * A connection in a thread of its own, so that its disk never holds up the event loop. The thread is started with the
 * first task, and again with the first one after it ended for whatever reason, until the connection is closed.
 */
export class ThreadConnection {
  readonly #options: ThreadConnectionOptions;
  /** Oldest first: the thread answers in the order it is asked. */
  #asked: Question[] = [];
  #worker: Worker | undefined;
  #cancelIdle: CancelTimer = () => undefined;
  /** Is kept when all threads that were told to end have ended. */
  #ended: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: ThreadConnectionOptions) {
    this.#options = options;
  }

  /** How many tasks were asked for and are not done. */
  get waiting(): number {
    return this.#asked.length;
  }

  /** Runs one statement. */
  async run(statement: Statement): Promise<WriteResult> {
    const answer = await this.#ask({ kind: 'run', statement });
    if (answer.kind !== 'ran') throw new Error(`The thread answered "${answer.kind}".`);
    return answer.result;
  }

  /** The thread takes whatever it is asked at once. */
  async ready(): Promise<void> {}

  /** See `WriteLane.commit`. */
  async commit(units: readonly Unit[], isIsolated: boolean): Promise<readonly UnitOutcome[]> {
    const answer = await this.#ask({ kind: 'commit', units, isIsolated }).catch(
      (error: unknown) => {
        throw isSqliteCommitUncertain(error) ? new UncertainCommitError(error) : error;
      },
    );
    if (answer.kind !== 'committed') throw new Error(`The thread answered "${answer.kind}".`);
    return answer.outcomes.map((outcome) =>
      outcome.results === undefined
        ? { error: new SqliteThreadError(outcome.error as ThreadError) } // the thread makes it one
        : outcome,
    );
  }

  /** Answers what was asked for, and ends the thread for good. Whatever is asked from now on is refused. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#end();
    await this.#ended;
  }

  /** Ends the thread. The next task starts another one. */
  #end(): void {
    this.#cancelIdle();
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#worker = undefined;
    this.#ended = Promise.all([this.#ended, endThread(worker)]);
  }

  #ask(task: ThreadTask): Promise<ThreadAnswer> {
    if (this.#closing !== undefined) {
      const error = { message: 'The connection was closed.', code: CONNECTION_CLOSED };
      return Promise.reject(new SqliteThreadError(error));
    }
    this.#cancelIdle();
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      try {
        worker.postMessage(task);
      } catch (error) {
        // It holds what can't pass between threads.
        this.#asked.pop();
        reject(error);
      }
    });
  }

  #start(): Worker {
    const worker = new Worker(entryOf('./sqlite-thread'), {
      workerData: this.#options.connection,
      resourceLimits: RESOURCE_LIMITS,
      execArgv: [],
    });
    // Questions to a thread that was closed are answered by it; those to one that broke off never will be.
    const asked: Question[] = [];
    this.#asked = asked;
    let problem = 'it ended';
    worker.on('message', (answer: ThreadAnswer) => {
      const question = asked.shift();
      if (answer.kind === 'failed') question?.reject(new SqliteThreadError(answer.error));
      else question?.resolve(answer);
      if (asked.length === 0) this.#waitForMore(worker);
    });
    worker.on('error', (error) => {
      problem = error.message;
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      const error = {
        message: `The thread of the database failed: ${problem}`,
        code: THREAD_ENDED,
      };
      for (const question of asked.splice(0)) question.reject(new SqliteThreadError(error));
    });
    return worker;
  }

  #waitForMore(worker: Worker): void {
    const { idleMs, clock } = this.#options;
    this.#cancelIdle();
    if (idleMs === undefined || this.#worker !== worker) return;
    this.#cancelIdle = clock.setTimer(idleMs, () => this.#end());
  }
}

/** Is kept when a thread has answered what it was asked, closed its file and ended, or was broken off. */
async function endThread(worker: Worker): Promise<void> {
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  worker.postMessage({ kind: 'close' } satisfies ThreadTask);
  const breakOff = setTimeout(() => void worker.terminate(), CLOSE_LIMIT_MS);
  await ended;
  clearTimeout(breakOff);
}

/**
 * Where a thread starts. From source, where Node 20 can't load TypeScript, the thread loads tsx first; a build has
 * JavaScript and needs nothing.
 */
function entryOf(module: string): URL {
  if (!import.meta.url.endsWith('.ts')) return new URL(`${module}.js`, import.meta.url);
  const source = JSON.stringify(new URL(`${module}.ts`, import.meta.url));
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const start = `import { register } from ${tsx}; register(); await import(${source});`;
  return new URL(`data:text/javascript,${encodeURIComponent(start)}`);
}
