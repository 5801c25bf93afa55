import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { millrace } from './millrace.ts';

const COMMANDS = ['start', 'run', 'watch', 'validate', 'migrate', 'keys', 'config'];

test('help says which commands there are', async () => {
  const { code, stdout } = await millrace('--help');
  expect(code).toBe(0);
  for (const command of COMMANDS) expect(stdout).toContain(`  ${command}`);
});

test.each(COMMANDS)('help on %s says how it is used', async (command) => {
  const { code, stdout, stderr } = await millrace(command, '--help');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(new RegExp(`^Usage: millrace ${command}`));
});

test('the version is that of the package', async () => {
  const { version } = JSON.parse(
    await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  expect(await millrace('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test.each([
  [[], 'No command was given.'],
  [['dance'], 'There is no command "dance".'],
  [['toString'], 'There is no command "toString".'],
  [['start', '--dance'], 'There is no option --dance.'],
  [['start', 'here'], 'There is an argument "here" that belongs to no option.'],
  [['migrate', '--prot', '1'], 'There is no option --prot.'],
  [['start', '--port', 'many'], '--port is "many" and must be a whole number from 0 to 65535.'],
  [['start', '--port', '70000'], 'must be a whole number from 0 to 65535'],
  [['run'], 'Name one flow.'],
  [['run', 'a', 'b'], 'Name one flow.'],
  [['run', 'nothing'], 'There is no flow "nothing". Known: articles, policies.'],
  [['validate'], 'Name one flow.'],
  [['watch'], 'Name one job.'],
  [['watch', 'a', 'b'], 'Name one job.'],
  [['watch', 'a', '--url', 'here'], '--url is "here" and must be an address'],
])('%j is refused with exit code 2', async (args, message) => {
  const { code, stdout, stderr } = await millrace(...args);
  expect(stderr).toContain(message);
  expect(stderr).toContain('--help`.');
  expect([code, stdout]).toEqual([2, '']);
});
