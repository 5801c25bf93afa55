import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { App } from '../../src/app.ts';

/** A place on disk for a database, until the test ends. */
export async function makePlace() {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-debugged-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'millrace.db');
  let copies = 0;
  let newest = file;
  return {
    file,
    url: `sqlite:${file}`,
    /** The disk as it is now: what is left when the process is killed. Of the newest database. */
    async kill(): Promise<string> {
      const copy = join(directory, `copy-${++copies}.db`);
      for (const suffix of ['', '-wal']) await copyFile(newest + suffix, copy + suffix);
      newest = copy;
      return `sqlite:${copy}`;
    },
    /** Stops the app in order, or leaves it and takes the disk as it is now. */
    async end(app: App, isKilled: boolean): Promise<string> {
      if (isKilled) return this.kill();
      await app.close();
      return `sqlite:${newest}`;
    },
  };
}

/** Until a checkpoint that was taken then, or later, is on disk. */
export async function checkpointed({ services }: App, jobId: string, since: number): Promise<void> {
  for (;;) {
    const [checkpoint] = await services.describeCheckpoints([jobId]);
    if (checkpoint !== undefined && checkpoint.takenAt >= since) return;
    await new Promise((keep) => setTimeout(keep, 5));
  }
}

/** Until all that is known of a session by now is on disk. Whoever has no name is its owner then. */
export async function sessionStored({ createContext }: App, jobId: string): Promise<void> {
  await createContext().debug.takeOver({ jobId, actor: undefined }, {});
}

/** Until a stop, with the job as it was then, is on disk. */
export async function stopStored(app: App, jobId: string, stoppedAt = 0): Promise<void> {
  await checkpointed(app, jobId, stoppedAt);
  await sessionStored(app, jobId);
}
