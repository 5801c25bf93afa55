import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, test, vi } from 'vitest';
import { isUsageFault } from '../../src/cli/command.ts';
import { keys as command } from '../../src/cli/keys.ts';
import { errorOf } from '../auth/kept-log.ts';
import { forEachDatabase } from '../support/databases.ts';
import { GOOD_FLOWS, millrace, start } from './millrace.ts';

const KEY = /^mr_([a-z2-7]{12})_[A-Za-z0-9_-]{43}\n$/;

/** Runs `millrace keys` in this process, which is another one than that of any server. */
async function keys(...args: string[]) {
  const written = { stdout: '', stderr: '' };
  vi.stubEnv('REQUIRE_TEST_SERVERS', undefined); // of the tests, and no option
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      written.stdout += String(text);
      return true;
    }),
    vi.spyOn(console, 'error').mockImplementation((text) => {
      written.stderr += `${text}\n`;
    }),
  ];
  try {
    expect(await command.run(args)).toBe(0);
  } finally {
    vi.unstubAllEnvs();
    for (const spy of spies) spy.mockRestore();
  }
  return written;
}

async function createKey(url: string, ...args: string[]) {
  const { stdout, stderr } = await keys('create', '--database-url', url, ...args);
  const [text = '', id = ''] = KEY.exec(stdout) ?? [];
  expect(text).toBe(stdout);
  return { text: text.trim(), id, stderr };
}

async function ask(url: string, query: string, key?: string) {
  const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, body: await response.text() };
}

const WHO = '{ viewer { subject tenant scopes } }';
const START =
  'mutation { startJob(input: { flowId: "Flow:doubling", input: { numbers: [1] } }) { __typename } }';

forEachDatabase(({ name, makeUrl }) => {
  if (name === 'SQLite in memory') {
    it('there are no keys of it to be made by another process', async () => {
      const url = await makeUrl();
      const args = ['keys', 'create', '--subject', 'ann', '--database-url', url];
      const { code, stdout, stderr } = await millrace(...args);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain('A database in memory belongs to the process that made it.');
    });
    return;
  }

  it('O5 a key that is made while a server runs is good at once, and no more when it is revoked', {
    timeout: 90_000, // it waits for a process to start, and for what was remembered to be forgotten
  }, async () => {
    const url = await makeUrl();
    const first = await createKey(url, '--subject', 'ann', '--scopes', 'read, control');
    expect(first.stderr).toContain('It is the first one.');
    const flows = ['--flows', GOOD_FLOWS];
    const { written, kill, ended } = start([
      'start',
      '--port',
      '0',
      '--database-url',
      url,
      ...flows,
    ]);
    const [, api = ''] = await written(/(http:\/\/127\.0\.0\.1:\d+\/graphql)/);
    expect((await ask(api, WHO)).status).toBe(401);
    const forged = `mr_${first.id}_${'s3cr3t-'.padEnd(43, 'A')}`;
    expect((await ask(api, WHO, forged)).status).toBe(401);
    expect((await ask(api, START, first.text)).body).toContain('StartJobPayload');

    const second = await createKey(url, '--subject', 'bob', '--tenant', 'acme', '--expires', '1h');
    expect(second.stderr).not.toContain('the first');
    expect(await ask(api, WHO, second.text)).toMatchObject({ status: 200 });
    // What has the database goes on as it did: it writes, and is healthy.
    expect((await ask(api, START, first.text)).body).toContain('StartJobPayload');
    expect((await fetch(new URL('/health/ready', api))).status).toBe(200);

    // Either of the two: the id, or the whole key.
    const { stdout, stderr } = await keys('revoke', second.text, '--database-url', url);
    expect([stdout, stderr]).toEqual(['', expect.stringContaining(`Revoked key ${second.id}`)]);
    const revokedAt = performance.now();
    while ((await ask(api, WHO, second.text)).status === 200) await wait(50);
    expect(performance.now() - revokedAt).toBeLessThan(5_000);
    expect((await ask(api, WHO, second.text)).body).toContain('This API key was revoked.');
    expect((await ask(api, START, first.text)).body).toContain('StartJobPayload');

    const list = await keys('list', '--database-url', url);
    expect(list.stdout).toMatch(/^ID +STATE/);
    expect(list.stdout).toMatch(new RegExp(`^${first.id} +valid +ann +default +read,control`, 'm'));
    expect(list.stdout).toMatch(new RegExp(`^${second.id} +revoked +bob +acme +read `, 'm'));

    kill('SIGTERM');
    const { code, ...output } = await ended;
    expect(code).toBe(0);
    for (const text of [JSON.stringify(output), JSON.stringify(list)]) {
      expect(text).not.toContain('s3cr3t');
      for (const key of [first, second]) expect(text).not.toContain(key.text.slice(16));
    }
  });
});

describe('O5 millrace keys', () => {
  it('makes a key that never expires and may read, where nothing else is said', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-keys-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const url = `sqlite:${join(directory, 'deep', 'keys.db')}`;
    const empty = await keys('list', '--database-url', url);
    expect(empty).toEqual({ stdout: '', stderr: 'There are no keys.\n' });
    const { id } = await createKey(url, '--subject', 'ann@example.org', '--description', 'For CI');
    const { stdout } = await keys('list', '--database-url', url);
    expect(stdout).toMatch(
      new RegExp(`^${id} +valid +ann@example.org +default +read +\\S+ +never +For CI$`, 'm'),
    );
  });

  it('takes the database of the configuration file, as a server does', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-keys-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const config = join(directory, 'millrace.config.mjs');
    const url = `sqlite:${join(directory, 'named.db')}`;
    await writeFile(config, `export default ${JSON.stringify({ databaseUrl: url })};`);
    const { id } = await createKey(url, '--subject', 'ann');
    expect((await keys('list', '--config', config)).stdout).toContain(id);
  });
});

test.each([
  [[], 'Say what to do with keys: create, list or revoke.'],
  [['crate'], 'Did you mean create?'],
  [['toString'], 'Say what to do with keys'],
  [['create'], '--subject must be given'],
  [['create', '--subject', 'a b'], '--subject is "a b" and must be 1 to 255 visible ASCII'],
  [['create', '--subject', 'a', '--tenant', '../b'], '--tenant is "../b" and must be 1 to 64'],
  [['create', '--subject', 'a', '--scopes', 'red'], '(did you mean read?)'],
  [['create', '--subject', 'a', '--scopes', ''], '--scopes is "" and must name scopes'],
  [['create', '--subject', 'a', '--expires', '90'], 'such as 90d or 12h'],
  [['create', '--subject', 'a', '--expires', '0d'], 'such as 90d or 12h'],
  [['create', '--subject', 'a', '--dance'], "Unknown option '--dance'"],
  [['create', '--subject', 'a', 's3cr3t-'], 'There are more arguments than this takes.'],
  [['list', '--subject', 'a'], "Unknown option '--subject'"],
  [['revoke'], 'Name the key'],
  [['revoke', 'a', 's3cr3t-'], 'There are more arguments than this takes.'],
])('O5 millrace keys %j is refused', async (args, message) => {
  const error = await errorOf(keys(...args));
  expect(isUsageFault(error)).toBe(true);
  expect(error.message).toContain(message);
  expect(error.message).not.toContain('s3cr3t');
});
