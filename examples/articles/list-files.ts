import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defineRoutine, event, slot } from 'millrace/engine';
import type { ArticlesInput } from './input.ts';

/** Finds the files and hands them on one by one, no faster than they are read. */
export const listFiles = defineRoutine({
  type: 'list-files',
  description: 'Finds the files with the wanted endings in a directory and all below it.',
  slots: {
    request: slot<ArticlesInput>({ description: 'What to read.', maxLength: 1 }),
  },
  events: {
    file: event<string>({ description: 'Path of a file to read.' }),
  },
  // The place in the list is kept here: a job that is resumed runs this code again, and goes on from there.
  state: () => ({ files: undefined as readonly string[] | undefined, next: 0 }),
  async run({ request: { directory, extensions } }, ctx) {
    const { state } = ctx;
    if (state.files === undefined) {
      ctx.log.info('Started', { directory, extensions });
      const files: string[] = [];
      const warn: Warn = (message, facts) => ctx.log.warning(message, facts);
      for await (const file of walk(directory, warn)) {
        ctx.signal.throwIfAborted();
        if (extensions.some((ending) => file.endsWith(ending))) files.push(file);
      }
      state.files = files.sort();
      ctx.log.info('Files found', { directory, files: files.length });
      ctx.job.data.set('files', files.length);
    }
    for (;;) {
      ctx.signal.throwIfAborted();
      const file = state.files[state.next++];
      if (file === undefined) return;
      await ctx.emit('file', file);
      ctx.progress(state.next, undefined, 'files handed over');
    }
  },
});

type Warn = (message: string, facts: Readonly<Record<string, unknown>>) => void;

/**
 * All files below a directory. Links are not followed; hidden directories hold tools' own data and are left out.
 * A directory further down that can't be read is told and left out.
 * @throws when the first directory can't be read
 */
async function* walk(directory: string, warn: Warn): AsyncGenerator<string> {
  const directories = [directory];
  for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
    const current = next;
    const entries = await readdir(current, { withFileTypes: true }).catch((error: unknown) => {
      if (current === directory) throw error;
      warn('Directory can not be read', { directory: current, reason: String(error) });
      return [];
    });
    for (const entry of entries) {
      const path = join(current, entry.name);
      // pnpm keeps the packages in a hidden directory, so that one is gone through.
      const isHidden = entry.name.startsWith('.') && entry.name !== '.pnpm';
      if (entry.isDirectory() && !isHidden) directories.push(path);
      else if (entry.isFile()) yield path;
    }
  }
}
