import { batchSize, defineRoutine, event, none, slot } from 'millrace/engine';
import { z } from 'zod';
import { wordFrequencies } from './count-words.ts';
import type { JudgedParagraph } from './find-duplicates.ts';
import type { ArticlesInput } from './input.ts';
import type { DocumentSummary } from './split-paragraphs.ts';

/** Sums over some of the documents and paragraphs. */
export interface Tally {
  readonly files: number;
  readonly unreadable: number;
  readonly bytes: number;
  readonly paragraphs: number;
  readonly distinct: number;
  readonly duplicates: number;
  readonly words: number;
}

/** What a job of `articles` finds out. */
export interface Totals extends Tally {
  /** The most frequent words of five letters or more, the most frequent first. */
  readonly frequentWords: readonly { readonly word: string; readonly count: number }[];
}

/** Sums up batches, so that what has to be kept until the end stays small. */
export const tally = defineRoutine({
  type: 'tally',
  description: 'Sums up documents and paragraphs, a batch at a time.',
  slots: {
    document: slot<DocumentSummary>({ description: 'A document that was split.' }),
    unreadable: slot<string>({ description: 'A file that could not be read.' }),
    paragraph: slot<JudgedParagraph>({ description: 'A paragraph, judged for duplicates.' }),
  },
  events: {
    tallied: event<Tally>({ description: 'The sums of one batch.' }),
  },
  policy: batchSize(500),
  run: ({ document: documents, unreadable, paragraph: paragraphs }, ctx) =>
    ctx.emit('tallied', {
      files: documents.length,
      unreadable: unreadable.length,
      bytes: sum(documents, ({ bytes }) => bytes),
      paragraphs: paragraphs.length,
      distinct: sum(paragraphs, ({ isDuplicate }) => (isDuplicate ? 0 : 1)),
      duplicates: sum(paragraphs, ({ isDuplicate }) => (isDuplicate ? 1 : 0)),
      words: sum(paragraphs, ({ words }) => words),
    }),
});

/** Runs once, on all the tallies, when nothing else is left to do. */
export const addUp = defineRoutine({
  type: 'add-up',
  description: 'Adds all tallies up when everything else is done.',
  config: z.object({
    topWords: z
      .int()
      .min(0)
      .default(20)
      .describe('How many of the most frequent words the totals name.'),
  }),
  slots: {
    // It always gets one, so that it runs also when there is nothing to add up.
    request: slot<ArticlesInput>({ description: 'What the job was asked for.' }),
    tally: slot<Tally>({ description: 'The sums of one batch.', maxLength: 100_000 }),
  },
  events: {
    totals: event<Totals>({ description: 'The sums of the whole job.' }),
  },
  policy: none(),
  run: ({ tally: tallies }, ctx) => {
    const frequentWords = Object.entries(wordFrequencies(ctx.job))
      .filter(([word]) => word.length >= 5)
      .sort(([a, countOfA], [b, countOfB]) => countOfB - countOfA || (a < b ? -1 : 1))
      .slice(0, ctx.config.topWords)
      .map(([word, count]) => ({ word, count }));
    const totals: Totals = {
      files: sum(tallies, ({ files }) => files),
      unreadable: sum(tallies, ({ unreadable }) => unreadable),
      bytes: sum(tallies, ({ bytes }) => bytes),
      paragraphs: sum(tallies, ({ paragraphs }) => paragraphs),
      distinct: sum(tallies, ({ distinct }) => distinct),
      duplicates: sum(tallies, ({ duplicates }) => duplicates),
      words: sum(tallies, ({ words }) => words),
      frequentWords,
    };
    ctx.log.info('Done', { ...totals, frequentWords: frequentWords.map(({ word }) => word) });
    return ctx.emit('totals', totals);
  },
});

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
