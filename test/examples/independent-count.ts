import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What `articles` should find out, by the plainest code: line by line, all in memory, no queue, no hash. */
export function countIndependently(
  directory: string,
  minLength: number,
  endings: readonly string[],
) {
  const files = list(directory).filter((file) => endings.some((ending) => file.endsWith(ending)));
  const paragraphs = files.flatMap((file) => paragraphsOf(file, minLength));
  const distinct = new Set(paragraphs).size;
  const frequencies = new Map<string, number>();
  let words = 0;
  for (const paragraph of paragraphs) {
    for (const word of paragraph.split(/[^\p{L}\p{N}]+/u)) {
      if (word === '') continue;
      words++;
      frequencies.set(word.toLowerCase(), (frequencies.get(word.toLowerCase()) ?? 0) + 1);
    }
  }
  return {
    files: files.length,
    unreadable: 0,
    bytes: files.map((file) => statSync(file).size).reduce((sum, size) => sum + size, 0),
    paragraphs: paragraphs.length,
    distinct,
    duplicates: paragraphs.length - distinct,
    words,
    frequencies,
  };
}

function list(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.slice(directory.length).split('/').slice(0, -1).some(isHidden));
}

function isHidden(name: string): boolean {
  return name.startsWith('.') && name !== '.pnpm';
}

function paragraphsOf(file: string, minLength: number): string[] {
  const content = readFileSync(file, 'utf8');
  const lines = (/\.d\.[cm]?ts$/.test(file) ? commentsOf(content) : content)
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', '\n')
    .split('\n');
  const text = cutOut(withoutFences(lines).join('\n'), '<!--', '-->');
  const paragraphs: string[] = [];
  let current: string[] = [];
  const plainText = withoutTags(text).replace(/!?\[([^\][]*)\]\([^()\n]*\)/g, (_, label) => label);
  for (const line of [...plainText.split('\n'), '']) {
    const plain = plainLine(line);
    if (plain !== '') {
      current.push(plain);
    } else if (current.length > 0) {
      paragraphs.push(current.join(' '));
      current = [];
    }
  }
  return paragraphs.filter(({ length }) => length >= minLength);
}

/** The inside of documentation comments, one after another. */
function commentsOf(source: string): string {
  const comments: string[] = [];
  for (let at = source.indexOf('/**'); at >= 0; at = source.indexOf('/**', at)) {
    const end = source.indexOf('*/', at + 3);
    if (end < 0) break;
    const lines = source.slice(at + 3, end).split('\n');
    comments.push(
      lines
        .map((line) => (/^[ \t]*\*/.test(line) ? line.slice(line.indexOf('*') + 1) : line))
        .join('\n'),
    );
    at = end + 2;
  }
  return comments.join('\n\n');
}

/** Blocks between two fences of one kind go; a fence that nobody closes is an ordinary line. */
function withoutFences(lines: readonly string[]): string[] {
  const fenceOf = (line: string) => /^[ \t]*(```|~~~)/.exec(line)?.[1];
  const kept: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const fence = fenceOf(line);
    const close = fence ? lines.findIndex((other, to) => to > at && fenceOf(other) === fence) : -1;
    if (close < 0) kept.push(line);
    else {
      kept.push('');
      at = close;
    }
  }
  return kept;
}

function cutOut(text: string, from: string, to: string): string {
  let rest = text;
  let kept = '';
  for (;;) {
    const start = rest.indexOf(from);
    const end = start < 0 ? -1 : rest.indexOf(to, start + from.length);
    if (end < 0) return kept + rest;
    kept += rest.slice(0, start);
    rest = rest.slice(end + to.length);
  }
}

function withoutTags(text: string): string {
  let kept = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (
      character === '<' &&
      /^\/?[A-Za-z]$/.test(text.slice(at + 1, at + (text[at + 1] === '/' ? 3 : 2)))
    ) {
      const nextOpen = text.indexOf('<', at + 1);
      const close = text.indexOf('>', at + 1);
      if (close >= 0 && (nextOpen < 0 || close < nextOpen)) {
        kept += ' ';
        at = close;
        continue;
      }
    }
    kept += character;
  }
  return kept;
}

function plainLine(line: string): string {
  return line
    .replace(/^[ \t]*(#{1,6}|>|[-*+]|[0-9]+[.)])[ \t]+/, '')
    .replace(/[*_`~|]/g, ' ')
    .split(/\s+/)
    .filter((part) => part !== '')
    .join(' ');
}
