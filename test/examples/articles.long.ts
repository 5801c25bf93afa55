import { mkdtempSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine, isFlow, type JobObserver, type LogEntry } from 'millrace/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findDefaultDirectory } from '../../examples/articles/default-directory.ts';
import articles from '../../examples/articles/flow.ts';
import { countIndependently } from './independent-count.ts';

const packageRoot = join(import.meta.dirname, '../..');
const endings = ['.md', '.txt', '.d.ts'];

type Input = Parameters<typeof start>[0];

function start(
  input: { directory?: string; minLength?: number; slowMs?: number; extensions?: string[] },
  observers: readonly JobObserver[] = [],
) {
  return createEngine().start(articles, input, { observers });
}

async function runArticles(input: Input) {
  const log: LogEntry[] = [];
  const job = start({ slowMs: 0, ...input }, [{ logged: (_, entry) => void log.push(entry) }]);
  const { state, outputs, error } = await job.settled;
  expect(error).toBeUndefined();
  expect(state).toBe('COMPLETED');
  const { totals: all } = outputs as { totals: readonly Record<string, unknown>[] }; // its only output
  expect(all).toHaveLength(1);
  const { frequentWords, ...totals } = all[0] ?? {};
  return { job, totals, frequentWords: frequentWords as { word: string; count: number }[], log };
}

/** Runs the flow and the independent count over the same files, and compares. */
async function expectSameTotals(directory: string, minLength = 20) {
  const { totals, frequentWords } = await runArticles({ directory, minLength });
  const { frequencies, ...expected } = countIndependently(directory, minLength, endings);
  expect(totals).toEqual(expected);
  const top = [...frequencies]
    .filter(([word]) => word.length >= 5)
    .map(([, count]) => count)
    .sort((a, b) => b - a)
    .slice(0, 20);
  expect(frequentWords.map(({ count }) => count)).toEqual(top);
  for (const { word, count } of frequentWords) expect(frequencies.get(word)).toBe(count);
  return expected;
}

describe('example flow "articles"', () => {
  let directory: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'articles-'));
    await mkdir(join(directory, 'deep/er'), { recursive: true });
    await mkdir(join(directory, '.hidden'));
    const files = {
      'plain.txt':
        'The first paragraph of two.\nIt has two lines.\n\nshort\n\nThe second one, also long.\r\n',
      'deep/er/marked.md':
        '# A heading that is long enough\n\n- **The first paragraph of two.**\n  It has two lines.\n\n' +
        '```js\nconst code = "is not a paragraph";\n```\n\nSee [the link](https://x.y/z) <b>in bold</b>.\n' +
        '<!-- not a\nword of this -->\n',
      'deep/types.d.ts':
        '/**\n * Says what a constructor is.\n */\nexport declare const constructor: 1;\n',
      'empty.md': '',
      '.hidden/secret.md': 'Nobody should read this paragraph.',
      'other.json': '{ "not": "wanted, since it is neither" }',
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  });

  afterAll(() => rm(directory, { recursive: true }));

  it('is a flow, described all through', () => {
    expect(isFlow(articles)).toBe(true);
    expect(articles.warnings).toEqual([]);
    expect(articles.description).toBeTruthy();
    for (const { id, type, slots, events } of articles.routines) {
      expect(type.description, id).toBeTruthy();
      for (const slot of slots) expect(slot.description, `${id}.${slot.name}`).toBeTruthy();
      for (const [name, { description }] of Object.entries(events)) {
        expect(description, `${id}.${name}`).toBeTruthy();
      }
    }
  });

  it('counts a small directory right', async () => {
    const { totals } = await runArticles({ directory });
    expect(totals).toMatchObject({
      files: 4,
      unreadable: 0,
      paragraphs: 6,
      distinct: 5,
      duplicates: 1,
      words: 9 + 5 + 6 + 9 + 5 + 5,
    });
    await expectSameTotals(directory);
    await expectSameTotals(directory, 1);
  });

  it('counts a large generated directory right', async () => {
    const generated = join(directory, '.generated');
    await mkdir(generated);
    for (let file = 0; file < 300; file++) {
      const paragraphs = Array.from(
        { length: (file * 7) % 40 },
        (_, at) =>
          `Paragraph ${(file * at) % 50} has\n*${at % 2 ? 'odd' : 'even'}* _words_, ${file % 3} of them.`,
      );
      await writeFile(join(generated, `${file}.md`), paragraphs.join('\n\n'));
    }
    const { duplicates } = await expectSameTotals(generated);
    expect(duplicates).toBeGreaterThan(1000);
  });

  it("counts the documentation of the project's dependencies right", async () => {
    const { files, paragraphs } = await expectSameTotals(join(packageRoot, 'node_modules'));
    expect(files).toBeGreaterThan(2000);
    expect(paragraphs).toBeGreaterThan(20_000);
  }, 30_000);

  it('tells and counts files that it can not read, and goes on', async () => {
    const large = join(directory, '.large');
    await mkdir(large);
    await writeFile(join(large, 'large.txt'), 'x'.repeat(5_000_001));
    await writeFile(join(large, 'small.txt'), 'A paragraph that can be read.');
    await symlink(join(large, 'nowhere.txt'), join(large, 'broken.txt'));
    const { totals, log } = await runArticles({ directory: large });
    expect(totals).toMatchObject({ files: 1, unreadable: 1, paragraphs: 1 });
    expect(log.filter(({ level }) => level === 'WARNING')).toMatchObject([
      { message: 'File can not be read', facts: { file: join(large, 'large.txt') } },
    ]);
    expect(log[0]).toMatchObject({ level: 'INFO', message: 'Started' });
    expect(log.at(-1)).toMatchObject({ level: 'INFO', message: 'Done' });
  });

  it('has totals of zero for an empty directory', async () => {
    const empty = join(directory, '.empty');
    await mkdir(empty);
    const { totals } = await runArticles({ directory: empty });
    expect(totals).toMatchObject({ files: 0, unreadable: 0, paragraphs: 0, words: 0 });
  });

  it('fails when the directory is not there', async () => {
    const { state, error } = await start({ directory: join(directory, 'no-such') }).settled;
    expect(state).toBe('FAILED');
    expect(String(error)).toMatch(/ENOENT.*no-such/);
  });

  it('shows pressure and progress while it runs', async () => {
    const job = start({ directory: join(packageRoot, 'node_modules'), slowMs: 50 });
    await expect
      .poll(() => job.routine('duplicates').slots[0]?.length, { timeout: 15_000 })
      .toBe(1000);
    await expect.poll(() => job.routine('clean').slots[0]?.isFull, { timeout: 15_000 }).toBe(true);
    expect(job.routine('list').progress).toMatchObject({ message: 'files handed over' });
    job.cancel();
    expect((await job.settled).state).toBe('CANCELLED');
  });

  it('reads this package by default, from source and from build output', () => {
    expect(findDefaultDirectory()).toBe(packageRoot);
    expect(findDefaultDirectory(join(packageRoot, 'dist/examples/articles'))).toBe(packageRoot);
    expect(countFiles(findDefaultDirectory())).toBeGreaterThan(2000);
  });

  it('reads what it was installed with when it is a dependency itself', async () => {
    const modules = join(directory, 'app/node_modules');
    const installed = join(modules, '.pnpm/millrace/node_modules/millrace/dist/examples/articles');
    await mkdir(installed, { recursive: true });
    await writeFile(join(installed, '../../../package.json'), '{}');
    expect(findDefaultDirectory(installed)).toBe(modules);
  });

  it('refuses an input that does not fit', () => {
    expect(() => start({ slowMs: -1 })).toThrow(/slowMs/);
    expect(() => start({ extensions: ['md'] })).toThrow(/extensions/);
  });
});

function countFiles(directory: string): number {
  return countIndependently(directory, Number.POSITIVE_INFINITY, endings).files;
}
