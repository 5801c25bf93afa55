import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { openApp } from '../api/api.ts';
import { chain } from '../api/flows.ts';

/**
 * Runs the client of an example against a real server that asks for a key, and expects that it starts a job, watches it, and reads
 * its end.
 */
export async function expectClientWorks(name: string): Promise<void> {
  const app = await openApp({ flows: [chain(40)] });
  const key = await app.keys.create({ subject: 'example', scopes: ['read', 'control'] });
  const { url } = await app.listen({ port: 0 });
  const program = fileURLToPath(new URL(`../../examples/${name}/watch-job.ts`, import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', program, url, 'chain'],
    { env: { ...process.env, MILLRACE_TOKEN: key.text } },
  );
  expect(stderr).toBe('');
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^Started Job:/);
  // Whatever was seen before: it may have been over in no time.
  expect(lines.at(-2)).toMatch(/^COMPLETED: source 1, pass 40, sums 10/);
  expect(lines.at(-1)).toMatch(/^COMPLETED after \d+(\.\d+)? ms$/);
}
