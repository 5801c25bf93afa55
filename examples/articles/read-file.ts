import { readFile as readBytes } from 'node:fs/promises';
import { defineRoutine, event, slot } from 'millrace/engine';
import { z } from 'zod';

/** A file as it was read. */
export interface RawDocument {
  readonly file: string;
  readonly bytes: number;
  readonly text: string;
}

/** Reads files. One that can't be read is told and counted; the others go on. */
export const readFile = defineRoutine({
  type: 'read-file',
  description: 'Reads a file as UTF-8 text. One that can not be read is logged and counted.',
  config: z.object({
    maxBytes: z
      .int()
      .positive()
      .default(5_000_000)
      .describe('Largest file that is read, in bytes; a larger one counts as unreadable.'),
  }),
  slots: {
    file: slot<string>({ description: 'Path of a file to read.' }),
  },
  events: {
    document: event<RawDocument>({ description: 'The content of the file.' }),
    unreadable: event<string>({ description: 'Path of a file that could not be read.' }),
  },
  async run({ file }, ctx) {
    try {
      const content = await readBytes(file, { signal: ctx.signal });
      if (content.length > ctx.config.maxBytes) throw new Error(`It has ${content.length} bytes.`);
      const text = content.toString('utf8');
      // Not awaited, as nothing comes after it: a job that is resumed does not emit it twice.
      void ctx.emit('document', { file, bytes: content.length, text });
    } catch (error) {
      ctx.signal.throwIfAborted();
      ctx.log.warning('File can not be read', { file, reason: String(error) });
      void ctx.emit('unreadable', file);
    }
  },
});
