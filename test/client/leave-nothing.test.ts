import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('W4 a client that is left or closed keeps no timer and no socket, whatever it waited for', async () => {
  const program = fileURLToPath(new URL('./leave-nothing.ts', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    program,
  ]);
  expect([stdout, stderr]).toEqual(['All were left.\n', '']);
});
