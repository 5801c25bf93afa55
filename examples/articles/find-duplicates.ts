import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { batchSize, defineRoutine, event, slot } from 'millrace/engine';
import { z } from 'zod';
import type { CountedParagraph } from './count-words.ts';
import { inputOf } from './input.ts';

/** A paragraph that is known to be the first of its text, or not. */
export interface JudgedParagraph {
  readonly file: string;
  readonly words: number;
  readonly isDuplicate: boolean;
}

/** Looks paragraphs up by their hash, a batch at a time. This is the slow one: everything before it queues up. */
export const findDuplicates = defineRoutine({
  type: 'find-duplicates',
  description:
    'Tells, by a hash of its text, whether a paragraph was there before. The slow routine.',
  config: z.object({
    algorithm: z
      .enum(['sha256', 'sha1'])
      .default('sha256')
      .describe('Hash by which two texts count as the same.'),
  }),
  slots: {
    paragraph: slot<CountedParagraph>({ description: 'A paragraph with its words counted.' }),
  },
  events: {
    judged: event<JudgedParagraph>({ description: 'Whether the paragraph is a duplicate.' }),
  },
  policy: batchSize(25),
  state: () => ({ timesSeen: {} as Record<string, number>, files: 0, lastFile: '' }),
  async run({ paragraph: paragraphs }, ctx) {
    const { slowMs } = inputOf(ctx.job);
    if (slowMs > 0) await wait(slowMs, undefined, { signal: ctx.signal });
    const { timesSeen } = ctx.state;
    for (const { file, text, words } of paragraphs) {
      const hash = createHash(ctx.config.algorithm).update(text).digest('base64');
      const before = timesSeen[hash] ?? 0;
      timesSeen[hash] = before + 1;
      if (file !== ctx.state.lastFile) {
        ctx.state.lastFile = file;
        ctx.state.files++;
      }
      // Not awaited: what is seen and what is emitted belong together when a job is resumed.
      void ctx.emit('judged', { file, words, isDuplicate: before > 0 });
    }
    const files = Number(ctx.job.data.get('files') ?? 0);
    ctx.progress(Math.min(ctx.state.files, files), files, 'files gone through');
  },
});
