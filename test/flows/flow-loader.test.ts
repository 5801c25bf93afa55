import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadFlowModule, loadFlows } from '../../src/flows/flow-loader.ts';

const ENGINE = fileURLToPath(new URL('../../src/engine/index.ts', import.meta.url));

/** A module that exports flows with these ids, under these names. */
function moduleOf(flows: Readonly<Record<string, string>>): string {
  const lines = Object.entries(flows).map(
    ([name, id]) =>
      `export const ${name} = defineFlow({ id: '${id}' }, (f) => {
         const r = f.add('r', defineRoutine({ type: 'nothing', run: () => undefined }));
       });`,
  );
  return `import { defineFlow, defineRoutine } from '${ENGINE}';\n${lines.join('\n')}\n`;
}

async function directoryWith(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-flows-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return directory;
}

describe('loading a directory of flow modules', () => {
  test('finds flow.* and *.flow.* at any depth, whatever their exports are called', async () => {
    const directory = await directoryWith({
      'flow.js': moduleOf({ one: 'one', two: 'two' }),
      'deep/er/flow.mjs': moduleOf({ default_: 'deep' }),
      'named.flow.ts': moduleOf({ named: 'named' }),
      'flow.d.ts': 'export declare const x: number;',
      'flow.test.ts': 'throw new Error("a test");',
      'helper.ts': 'throw new Error("a helper");',
      'workflow.js': 'throw new Error("not a flow module");',
      '.hidden/flow.js': 'throw new Error("hidden");',
      'node_modules/x/flow.js': 'throw new Error("a dependency");',
      'flow.json': '{}',
    });
    await symlink(directory, join(directory, 'linked'));
    const { flows, faults } = await loadFlows(directory);
    expect(faults).toEqual([]);
    expect(flows.map(({ id }) => id)).toEqual(['deep', 'one', 'two', 'named']);
  });

  test('takes a flow that is exported twice, or passed on by another module, once', async () => {
    const directory = await directoryWith({
      'a.flow.js': `${moduleOf({ one: 'one' })} export { one as again };`,
      'b.flow.js': `export * from './a.flow.js'; export const other = 5;`,
    });
    const { flows, faults } = await loadFlows(directory);
    expect(faults).toEqual([]);
    expect(flows.map(({ id }) => id)).toEqual(['one']);
  });

  test('tells every fault with file and reason; the good modules are there all the same', async () => {
    const directory = await directoryWith({
      'a.flow.js': moduleOf({ good: 'good' }),
      'b.flow.js': 'export const x = 1;\nthrow new Error("no database");\n',
      'c.flow.js': moduleOf({ same: 'good' }),
      'd.flow.js': 'export const nothing = 1;',
      'e.flow.js': `import { defineFlow } from '${ENGINE}';
        export const bad = defineFlow({ id: 'b a d' }, () => undefined);`,
      'f.flow.js': 'import "./missing.js";',
      'g.flow.js': 'throw null;',
      'h.flow.js': 'export const = ;',
    });
    const { flows, faults } = await loadFlows(directory);
    expect(flows.map(({ id }) => id)).toEqual(['good']);
    const told = faults.map(({ file, code, reason }) => [
      file.slice(directory.length + 1),
      code,
      reason,
    ]);
    expect(told).toEqual([
      ['b.flow.js', 'IMPORT_FAILED', expect.stringContaining('no database')],
      [
        'c.flow.js',
        'DUPLICATE_FLOW',
        `Flow id "good" is taken by ${join(directory, 'a.flow.js')}. Rename one of them.`,
      ],
      ['d.flow.js', 'NO_FLOW', expect.stringContaining('exports no flow')],
      ['e.flow.js', 'INVALID_FLOW', expect.stringContaining('2 faults')],
      ['f.flow.js', 'IMPORT_FAILED', expect.stringContaining('missing.js')],
      ['g.flow.js', 'IMPORT_FAILED', 'null'],
      ['h.flow.js', 'IMPORT_FAILED', expect.any(String)],
    ]);
    expect(faults[3]?.flowFaults.map(({ code }) => code)).toEqual(['INVALID_ID', 'EMPTY_FLOW']);
  });

  test('tells what is wrong with the directory itself', async () => {
    const directory = await directoryWith({ 'file.txt': 'x', 'empty/readme.md': 'x' });
    const codeOf = async (path: string) => (await loadFlows(path)).faults.map(({ code }) => code);
    expect(await codeOf(join(directory, 'none'))).toEqual(['NOT_FOUND']);
    expect(await codeOf(join(directory, 'file.txt'))).toEqual(['NOT_A_DIRECTORY']);
    expect(await codeOf(join(directory, 'empty'))).toEqual(['NO_FLOW_MODULES']);
  });
});

describe('loading one flow module', () => {
  test('takes any file', async () => {
    const directory = await directoryWith({ 'anything.js': moduleOf({ one: 'one' }) });
    const { flows, faults } = await loadFlowModule(join(directory, 'anything.js'));
    expect(faults).toEqual([]);
    expect(flows.map(({ id }) => id)).toEqual(['one']);
  });

  test('that is not there is told', async () => {
    const { faults } = await loadFlowModule('/nowhere/flow.js');
    expect(faults).toMatchObject([{ file: '/nowhere/flow.js', code: 'NOT_FOUND' }]);
  });
});
