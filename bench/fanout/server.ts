/* One contender, in a process of its own, with what publishes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { answerParent } from '../harness/child.ts';
import { collectGarbage } from '../harness/rounds.ts';
import { CONTENDERS, type ContenderName } from './contenders.ts';
import { Publisher } from './publisher.ts';

const name = process.argv[2] ?? '';
if (!(name in CONTENDERS)) throw new Error(`No contender "${name}".`);
const { port, operation, publish } = await CONTENDERS[name as ContenderName](); // as was just asked
const publisher = new Publisher(publish);
const acknowledgementPort = await publisher.listen();

const tasks = {
  /** Where the load has to connect, and what to ask for. */
  describe: (_request: object) => ({ port, acknowledgementPort, operations: [operation] }),
  /** Kept when as many get what is published. */
  meet: ({ subscribers }: { readonly subscribers: number }) => publisher.meet(subscribers),
  publishFor: ({ durationMs }: { readonly durationMs: number }) => publisher.publishFor(durationMs),
  publishSteadily: ({ count, everyMs }: { readonly count: number; readonly everyMs: number }) =>
    publisher.publishSteadily(count, everyMs),
  /** The memory of the process without garbage, in bytes. */
  async readMemory(_request: object) {
    for (let times = 0; times < 4; times++) {
      collectGarbage();
      await sleep(100);
    }
    return process.memoryUsage.rss();
  },
};

export type ServerTasks = typeof tasks;

answerParent(tasks);
