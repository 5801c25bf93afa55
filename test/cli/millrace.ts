import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Directories of flow modules for tests. */
export const GOOD_FLOWS = fileURLToPath(new URL('./flows/good', import.meta.url));
export const STRAY_FLOWS = fileURLToPath(new URL('./flows/stray', import.meta.url));
export const BAD_FLOWS = fileURLToPath(new URL('./flows/bad', import.meta.url));

/** A server that a test does not tell where to keep its jobs leaves nothing behind. */
const IN_MEMORY = { MILLRACE_DATABASE_URL: 'sqlite::memory:' };

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a test run itself is told is no option of Millrace. */
const OUTSIDE = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_')),
);

/**
 * Starts the command line from source. It is ended with the test at the latest.
 * @param cwd where, unless in the directory of the project
 */
export function start(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  cwd = ROOT,
) {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), join(ROOT, 'src/cli/main.ts'), ...args],
    {
      cwd,
      env: {
        ...OUTSIDE,
        ...IN_MEMORY,
        TSX_TSCONFIG_PATH: join(ROOT, 'tsconfig.json'),
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  const take = (name: 'stdout' | 'stderr') => (data: Buffer) => {
    output[name] += String(data);
    for (const look of waiting) look();
  };
  child.stdout?.on('data', take('stdout'));
  child.stderr?.on('data', take('stderr'));
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => resolve({ code, ...output }));
  });
  /** What was written, once it matches. */
  const written = (pattern: RegExp, to: 'stdout' | 'stderr' = 'stdout') =>
    Promise.race([
      new Promise<RegExpExecArray>((resolve) => {
        const look = () => {
          const match = pattern.exec(output[to]);
          if (match !== null) resolve(match);
        };
        waiting.add(look);
        look();
      }),
      ended.then(({ code, stderr }) => {
        throw new Error(`It ended with ${code} before it wrote ${pattern}: ${stderr}`);
      }),
    ]);
  return { kill: (signal: NodeJS.Signals) => child.kill(signal), ended, written };
}

/** Runs the command line to its end. */
export function millrace(...args: string[]): Promise<Ended> {
  return start(args).ended;
}

/** The JSON lines of an output. */
export function linesOf(
  stdout: string,
): { readonly type: string; readonly [key: string]: unknown }[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
