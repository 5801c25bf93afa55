import { defineRoutine, event, slot } from 'millrace/engine';
import type { RawDocument } from './read-file.ts';

/** Leaves what a person would read: no markup, no code, no superfluous white space. */
export const cleanText = defineRoutine({
  type: 'clean-text',
  description: 'Strips markup and blocks of code, and normalises white space.',
  slots: {
    document: slot<RawDocument>({ description: 'A document with its markup.', maxLength: 200 }),
  },
  events: {
    cleaned: event<RawDocument>({ description: 'The document as plain text.' }),
  },
  run: ({ document }, ctx) => {
    const { file, text } = document;
    const isCode = /\.[cm]?[jt]sx?$/.test(file);
    ctx.emit('cleaned', { ...document, text: stripMarkup(isCode ? docComments(text) : text) });
  },
});

/** The documentation comments of source code, a blank line between two. */
function docComments(source: string): string {
  const comments = [...source.matchAll(/\/\*\*([\s\S]*?)\*\//g)].map(([, comment = '']) =>
    comment.replace(/^[ \t]*\*/gm, ''),
  );
  return comments.join('\n\n');
}

/** Rules written with dashes stay, and count as paragraphs: `docs/debugging.md` finds out, and has the mend. */
function stripMarkup(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/^[ \t]*(```|~~~)[^\n]*\n[\s\S]*?^[ \t]*\1[^\n]*$/gm, '') // blocks of code
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/<\/?[A-Za-z][^<>]*>/g, ' ') // tags
    .replace(/!?\[([^\][]*)\]\([^()\n]*\)/g, '$1') // links and images: what they say
    .replace(/^[ \t]*(?:#{1,6}|>|[-*+]|\d+[.)])[ \t]+/gm, '') // headings, quotes, list items
    .replace(/[*_`~|]/g, ' ') // emphasis, code, tables
    .replace(/[^\S\n]+/g, ' ')
    .replace(/^ | $/gm, '');
}
