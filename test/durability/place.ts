import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new directory, until the test has finished. */
export async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-durability-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
