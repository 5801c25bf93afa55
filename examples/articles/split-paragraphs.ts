import { defineRoutine, event, slot } from 'millrace/engine';
import { inputOf } from './input.ts';
import type { RawDocument } from './read-file.ts';

/** A paragraph and where it stands. */
export interface Paragraph {
  readonly file: string;
  readonly text: string;
}

/** What is known of a document once it was split. */
export interface DocumentSummary {
  readonly file: string;
  readonly bytes: number;
  readonly paragraphs: number;
}

/** Splits at blank lines. It waits for room after each paragraph, so a large file needs no large queue. */
export const splitParagraphs = defineRoutine({
  type: 'split-paragraphs',
  description: 'Splits a document at its blank lines and leaves out paragraphs that are too short.',
  slots: {
    document: slot<RawDocument>({ description: 'A document as plain text.', maxLength: 200 }),
  },
  events: {
    paragraph: event<Paragraph>({ description: 'A paragraph, on one line.' }),
    split: event<DocumentSummary>({ description: 'A document that was split.' }),
  },
  // How many paragraphs of the present document were handed on: a job that is resumed goes on behind them.
  state: () => ({ next: 0 }),
  async run({ document: { file, bytes, text } }, ctx) {
    const { minLength } = inputOf(ctx.job);
    const paragraphs = text
      .split(/\n{2,}/)
      .map((paragraph) => paragraph.replaceAll('\n', ' ').trim())
      .filter((paragraph) => paragraph.length >= minLength);
    while (ctx.state.next < paragraphs.length) {
      const paragraph = paragraphs[ctx.state.next++] ?? '';
      const waiting = ctx.emit('paragraph', { file, text: paragraph });
      if (waiting !== undefined) await waiting;
    }
    ctx.state.next = 0;
    void ctx.emit('split', { file, bytes, paragraphs: paragraphs.length });
  },
});
