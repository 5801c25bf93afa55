import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { millrace } from './millrace.ts';

test('help says which commands there are, and each command how it is used', async () => {
  const { code, stdout } = await millrace('--help');
  expect(code).toBe(0);
  for (const command of ['start', 'run', 'validate', 'migrate']) {
    expect(stdout).toContain(`  ${command}`);
    const help = await millrace(command, '--help');
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(new RegExp(`^Usage: millrace ${command}`));
    expect(help.stderr).toBe('');
  }
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
  [['start', '--dance'], "Unknown option '--dance'"],
  [['start', 'here'], 'What is "here"?'],
  [['start', '--port', 'many'], '--port is "many" and must be a whole number from 0 to 65535.'],
  [['start', '--port', '70000'], 'must be a whole number from 0 to 65535'],
  [['run'], 'Name one flow.'],
  [['run', 'a', 'b'], 'Name one flow.'],
  [['run', 'nothing'], 'There is no flow "nothing". Known: articles, policies.'],
  [['validate'], 'Name one flow.'],
])('%j is refused with exit code 2', async (args, message) => {
  const { code, stdout, stderr } = await millrace(...args);
  expect(stderr).toContain(message);
  expect(stderr).toContain('--help`.');
  expect([code, stdout]).toEqual([2, '']);
});
