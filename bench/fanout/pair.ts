import { type Child, startChild } from '../harness/child.ts';
import type { LoadReport, LoadTasks } from '../load/load.ts';
import type { ContenderName } from './contenders.ts';
import type { Published } from './publisher.ts';
import type { ServerTasks } from './server.ts';

/** With fewer subscribers the memory of one can't be told from what else a process takes and gives back. */
const MEMORY_FROM = 5000;
/** So many come before memory is read for the first time. */
const FIRST = 500;

/** What a round took, on both sides. */
export type Round = Published & LoadReport;

/** What a subscriber takes of the server's memory, in bytes. */
export interface BytesEach {
  /** One of all but the first 500: also what connecting them makes the process grow by for good. */
  readonly all: number;
  /** One of the second half. */
  readonly late: number;
}

/** A contender's server and its load, each a process of its own. */
export class Pair {
  readonly name: ContenderName;
  readonly #server: Child<ServerTasks>;
  readonly #load: Child<LoadTasks>;

  constructor(name: ContenderName, server: Child<ServerTasks>, load: Child<LoadTasks>) {
    this.name = name;
    this.#server = server;
    this.#load = load;
  }

  /** Connects subscribers. Answers how much memory one takes; `undefined` for few of them. */
  async connect(subscribers: number): Promise<BytesEach | undefined> {
    await this.#load.ask('aim', await this.#server.ask('describe', {}));
    if (subscribers < MEMORY_FROM) {
      await this.#grow(subscribers);
      return undefined;
    }
    const half = Math.floor(subscribers / 2);
    await this.#grow(FIRST); // they make the process load what it needs for any
    const before = await this.#server.ask('readMemory', {});
    await this.#grow(half);
    const between = await this.#server.ask('readMemory', {});
    await this.#grow(subscribers);
    const after = await this.#server.ask('readMemory', {});
    return {
      all: (after - before) / (subscribers - FIRST),
      late: (after - between) / (subscribers - half),
    };
  }

  /** Publishes as fast as it goes. @throws unless every message comes to every subscriber */
  async publishFor(durationMs: number): Promise<Round> {
    await this.#load.ask('mark', { receipts: 0 });
    const published = await this.#orWhy(this.#server.ask('publishFor', { durationMs }));
    const report = await this.#load.ask('check', { expected: published.count });
    return { ...published, ...report };
  }

  /** Publishes at a steady rate, and notes how long each message takes. @throws as `publishFor` */
  async publishSteadily(count: number, everyMs: number): Promise<Round> {
    await this.#load.ask('mark', { receipts: count });
    const published = await this.#orWhy(this.#server.ask('publishSteadily', { count, everyMs }));
    const { publishedAt } = published;
    const report = await this.#load.ask('check', { expected: count, publishedAt });
    return { ...published, ...report };
  }

  async stop(): Promise<void> {
    await Promise.all([this.#server.stop(), this.#load.stop()]);
  }

  /** Where the server knows only that messages never arrived, the load may know why. */
  async #orWhy<T>(published: Promise<T>): Promise<T> {
    try {
      return await published;
    } catch (error) {
      await this.#load.ask('requireHealth', {});
      throw error;
    }
  }

  async #grow(subscribers: number): Promise<void> {
    await this.#load.ask('growTo', { size: subscribers });
    await this.#orWhy(this.#server.ask('meet', { subscribers }));
  }
}

export async function startPair(name: ContenderName): Promise<Pair> {
  const load = await startChild<LoadTasks>(new URL('../load/load.ts', import.meta.url));
  try {
    const server = await startChild<ServerTasks>(new URL('./server.ts', import.meta.url), [name]);
    return new Pair(name, server, load);
  } catch (error) {
    await load.stop();
    throw error;
  }
}
