import type { JobContext } from 'millrace/engine';
import { z } from 'zod';
import { findDefaultDirectory } from './default-directory.ts';

/** What a job of `articles` can be told. `{}` will do. */
export const articlesInput = z
  .strictObject({
    directory: z
      .string()
      .min(1)
      .default(() => findDefaultDirectory())
      .describe(
        'Directory to read, with all below it. Default: this package and its dependencies.',
      ),
    extensions: z
      .array(z.string().regex(/^\.[\w.]+$/, 'Must be like ".md".'))
      .min(1)
      .default(['.md', '.txt', '.d.ts'])
      .describe(
        'Endings of the files to read. Of source code (.ts, .js and their kin) the documentation comments are read.',
      ),
    minLength: z
      .int()
      .min(1)
      .default(20)
      .describe('Shortest paragraph that counts, in characters.'),
    slowMs: z
      .int()
      .min(0)
      .max(60_000)
      .default(90)
      .describe(
        'Milliseconds that each look-up of duplicates takes, as if the index were far away: the bottleneck.',
      ),
  })
  .describe('What to read, and how slowly.');

export type ArticlesInput = z.output<typeof articlesInput>;

/** The input of the job an activation belongs to. */
export function inputOf(job: JobContext): ArticlesInput {
  return job.input as ArticlesInput; // checked by `articlesInput`, the flow's input schema
}
