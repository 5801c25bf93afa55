import { defineRoutine, event, type JobContext, slot } from 'millrace/engine';
import type { Paragraph } from './split-paragraphs.ts';

/** A paragraph with the number of its words. */
export interface CountedParagraph extends Paragraph {
  readonly words: number;
}

/** Counts each paragraph's words, and in the job's shared data how often each word occurs. */
export const countWords = defineRoutine({
  type: 'count-words',
  description:
    'Counts the words of a paragraph and, in the shared job data, how often each occurs.',
  slots: {
    paragraph: slot<Paragraph>({ description: 'A paragraph, on one line.' }),
  },
  events: {
    counted: event<CountedParagraph>({
      description: 'The paragraph with the number of its words.',
    }),
  },
  run: ({ paragraph }, ctx) => {
    const words = paragraph.text.match(WORD) ?? [];
    const frequencies = wordFrequencies(ctx.job);
    for (const word of words) {
      const key = word.toLowerCase();
      // `hasOwn`, because "constructor" is a word too.
      frequencies[key] = (Object.hasOwn(frequencies, key) ? (frequencies[key] ?? 0) : 0) + 1;
    }
    ctx.emit('counted', { ...paragraph, words: words.length });
  },
});

/** A letter or digit and those that follow it at once. */
const WORD = /[\p{L}\p{N}]+/gu;

/** How often each word occurred so far: shared by the routines of a job. */
export function wordFrequencies({ data }: JobContext): Record<string, number> {
  let frequencies = data.get('wordFrequencies') as Record<string, number> | undefined; // set only here
  if (frequencies === undefined) {
    frequencies = {};
    data.set('wordFrequencies', frequencies);
  }
  return frequencies;
}
