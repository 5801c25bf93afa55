import { fork } from 'node:child_process';

/** What a process does when it is asked, by name. Requests and answers are plain data. */
export type Tasks = Readonly<Record<string, (request: never) => unknown>>;

/** A process of a benchmark's own. */
export interface Child<T extends Tasks> {
  /**
   * Has it do one task, and is kept with the answer. One at a time.
   * @throws when the task failed, or the process ended
   */
  ask<Name extends keyof T & string>(
    task: Name,
    request: Parameters<T[Name]>[0],
  ): Promise<Awaited<ReturnType<T[Name]>>>;
  /** Ends it; kept when it has ended. */
  stop(): Promise<void>;
}

/** So long a process may take to end, with a profile to write perhaps, before it is killed. */
const STOP_LIMIT_MS = 10_000;

type Reply = { readonly value: unknown } | { readonly problem: string };

/** Starts a script that calls `answerParent`. It ends when this process does, whatever ends that. */
export async function startChild<T extends Tasks>(
  script: URL,
  args: readonly string[] = [],
): Promise<Child<T>> {
  const child = fork(script, args);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const reply = () =>
    new Promise<unknown>((resolve, reject) => {
      const fail = () => reject(new Error(`${script.pathname} ended by itself.`));
      child.once('exit', fail);
      child.once('message', (message: Reply) => {
        child.off('exit', fail);
        if ('problem' in message) reject(new Error(message.problem));
        else resolve(message.value);
      });
    });
  await reply(); // that it is ready
  return {
    async ask(task, request) {
      const replied = reply();
      child.send({ task, request });
      return (await replied) as never; // what the task of that name answers
    },
    async stop() {
      if (child.connected) child.disconnect();
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      await exited;
      clearTimeout(kill);
    },
  };
}

/** Has this process, which `startChild` started, do the tasks that it is asked for. */
export function answerParent(tasks: Tasks): void {
  const send = (reply: Reply) => void process.send?.(reply);
  process.once('disconnect', () => process.exit());
  process.once('SIGINT', () => process.exit());
  process.on('message', async ({ task, request }: { task: string; request: never }) => {
    try {
      send({ value: await tasks[task]?.(request) });
    } catch (error) {
      send({ problem: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  send({ value: 'ready' });
}
