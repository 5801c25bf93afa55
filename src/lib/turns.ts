/** Runs tasks of the same key one after another, in the order they came, whatever became of those before. */
export interface Turns {
  /** Answers as the task does. */
  take<Result>(key: string, task: () => Promise<Result>): Promise<Result>;
}

export function createTurns(): Turns {
  /** For each key the end of its last task; kept without fail. */
  const last = new Map<string, Promise<void>>();
  return {
    take(key, task) {
      const before = last.get(key);
      const run = before === undefined ? task() : before.then(task);
      const end = run.then(
        () => undefined,
        () => undefined,
      );
      last.set(key, end);
      void end.then(() => {
        if (last.get(key) === end) last.delete(key);
      });
      return run;
    },
  };
}
