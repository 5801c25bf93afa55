import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll } from 'vitest';

const COMPILE_LIMIT_MS = 300_000;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Where the programs of the tests are, as JavaScript: they start in a fraction of the time. */
export interface Built {
  /** The command line. */
  readonly cli: string;
  /** `test/durability/server.ts`. */
  readonly server: string;
  /** Directory of the flow modules. */
  readonly flows: string;
}

/** Compiles the sources as they are, before the tests of the file that calls it, into a directory of its own. */
export function useBuilt(): Built {
  let directory: string | undefined;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-built-'));
    await compileInto(directory);
  }, COMPILE_LIMIT_MS);
  afterAll(async () => {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });
  const find = (path: string) => {
    if (directory === undefined) throw new Error('Nothing is compiled before the tests begin.');
    return join(directory, path);
  };
  return {
    get cli() {
      return find('src/cli/main.js');
    },
    get server() {
      return find('test/durability/server.js');
    },
    get flows() {
      return find('test/durability/flows');
    },
  };
}

async function compileInto(directory: string): Promise<void> {
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    // Types are checked elsewhere.
    compilerOptions: { noEmit: false, noCheck: true, rootDir: ROOT, outDir: directory, types: [] },
    include: [],
    files: ['src/cli/main.ts', 'src/storage/sqlite/sqlite-thread.ts', 'test/durability/server.ts']
      .concat(
        ['summing', 'parallel', 'crowded'].map((name) => `test/durability/flows/${name}.flow.ts`),
      )
      .map((file) => join(ROOT, file)),
  };
  const manifest: object = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const exports = {
    '.': './src/index.js',
    './engine': './src/engine/index.js',
    './package.json': './package.json',
  };
  const project = join(directory, 'tsconfig.json');
  await writeFile(project, JSON.stringify(config));
  await writeFile(join(directory, 'package.json'), JSON.stringify({ ...manifest, exports }));
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [compiler, '-p', project]);
}
