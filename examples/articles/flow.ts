import { defineFlow } from 'millrace/engine';
import { cleanText } from './clean-text.ts';
import { countWords } from './count-words.ts';
import { findDuplicates } from './find-duplicates.ts';
import { articlesInput } from './input.ts';
import { listFiles } from './list-files.ts';
import { readFile } from './read-file.ts';
import { splitParagraphs } from './split-paragraphs.ts';
import { addUp, tally } from './totals.ts';

/**
 * list ─▶ read ─▶ clean ─▶ split ─▶ count ─▶ duplicates ─▶ tally ─▶ total
 *          │                 └─ a summary of each document ──▲
 *          └─ what could not be read ────────────────────────┘
 */
export const articles = defineFlow(
  {
    id: 'articles',
    description:
      'Reads Markdown, text and documentation comments of a directory, counts paragraphs and words, finds duplicates.',
    version: '1',
    input: articlesInput,
  },
  (f) => {
    const list = f.add('list', listFiles);
    const read = f.add('read', readFile, { concurrency: 8 });
    const clean = f.add('clean', cleanText);
    const split = f.add('split', splitParagraphs);
    const count = f.add('count', countWords);
    const duplicates = f.add('duplicates', findDuplicates, { concurrency: 4 });
    const sums = f.add('tally', tally);
    const total = f.add('total', addUp);

    f.connect(f.input, list.slots.request);
    f.connect(f.input, total.slots.request);
    f.connect(list.events.file, read.slots.file);
    f.connect(read.events.document, clean.slots.document);
    f.connect(clean.events.cleaned, split.slots.document);
    f.connect(split.events.paragraph, count.slots.paragraph);
    f.connect(count.events.counted, duplicates.slots.paragraph);
    f.connect(duplicates.events.judged, sums.slots.paragraph);
    f.connect(split.events.split, sums.slots.document);
    f.connect(read.events.unreadable, sums.slots.unreadable);
    f.connect(sums.events.tallied, total.slots.tally);
    return { totals: total.events.totals };
  },
);

export default articles;
