import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { OPTION_NAMES } from '../../src/config/options.ts';
import { GOOD_FLOWS, start } from './millrace.ts';

const TYPED = fileURLToPath(new URL('../fixtures/typed-config', import.meta.url));
const SECRET = 's3cr3t-0123456789-0123456789-0123456789';

async function makeDirectory(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-config-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return directory;
}

async function ask(url: string, query: string) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

describe('O7 millrace config', () => {
  let directory = '';
  const environment = {
    MILLRACE_JWT_SECRET: SECRET,
    MILLRACE_DATABASE_URL: `postgres://u:${SECRET}@db.example:5432/jobs?sslpassword=${SECRET}`,
  };
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-config-'));
    const file = 'export default { port: 81, logLevel: "info", authenticate: () => undefined }';
    await writeFile(join(directory, 'millrace.config.mjs'), file);
    return () => rm(directory, { recursive: true });
  });

  test('prints every option, where it comes from, and no secret', async () => {
    const args = ['config', '--port', '82'];
    const { code, stdout, stderr } = await start(args, environment, directory).ended;
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.split('\n').map((line) => line.trim().replace(/ +/g, ' '));
    expect(lines).toEqual(
      expect.arrayContaining([
        `File: ${join(directory, 'millrace.config.mjs')}`,
        'port flag --port 82',
        'jwtSecret environment MILLRACE_JWT_SECRET ***',
        'databaseUrl environment MILLRACE_DATABASE_URL postgres://***@db.example:5432/jobs?sslpassword=***',
        'logLevel file info',
        'host default 127.0.0.1',
        'authenticate file a function',
      ]),
    );
    for (const name of OPTION_NAMES) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(stdout).not.toContain('s3cr3t-');
  });

  test('prints the same for machines', async () => {
    const { code, stdout } = await start(['config', '--json'], environment, directory).ended;
    expect(code).toBe(0);
    expect(stdout).not.toContain('s3cr3t-');
    const { file, options } = JSON.parse(stdout);
    expect(file).toBe(join(directory, 'millrace.config.mjs'));
    expect(Object.keys(options)).toEqual([...OPTION_NAMES, 'authenticate']);
    expect(options).toMatchObject({
      port: { value: 81, from: 'file', as: 'port' },
      jwtSecret: { value: '***', from: 'environment' },
      flows: { value: null, from: 'default' },
      graphiql: { value: true, from: 'default' },
      knownHosts: { value: [] },
    });
  });

  test('refuses what start refuses, with all faults and exit code 2', async () => {
    const args = ['--prot', '1', '--max-depth', 'x', '--insecure-no-auth'];
    const [told, started] = await Promise.all(
      ['config', 'start'].map((command) => start([command, ...args], environment, directory).ended),
    );
    expect([told?.code, told?.stdout]).toEqual([2, '']);
    expect(told?.stderr).toBe(
      [
        'millrace: 3 faults in the options:',
        '  There is no option --prot. Did you mean --port?',
        '  --max-depth is "x" and must be a whole number from 1 to 1000.',
        "  --insecure-no-auth and authenticate can't both be given: the one lets everybody in, the other asks who it is.",
        'See `millrace config --help`.',
        '',
      ].join('\n'),
    );
    expect(started?.stderr).toBe(told?.stderr.replace('millrace config -', 'millrace start -'));
  });
});

describe('O7 a server that is told by a configuration file', () => {
  test('serves as it says, in TypeScript', async () => {
    const { written, kill, ended } = start(['start'], {}, TYPED);
    const [text, url = ''] = await written(/GraphQL: (http:\S+)[\s\S]*Authentication is \w+/);
    expect(text).toContain('Authentication is off');
    const { data } = await ask(url, '{ flows { nodes { flowId } } }');
    expect(data.flows.nodes).toContainEqual({ flowId: 'doubling' });
    const { errors } = await ask(url, '{ flows { nodes { routines { slots { name } } } } }');
    expect(errors[0].message).toContain('depth');
    const page = await fetch(url, { headers: { accept: 'text/html' } });
    expect(await page.text()).not.toContain('graphiql');
    kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });

  test('lets in whom the hook knows', async () => {
    const directory = await makeDirectory({
      'millrace.config.mjs': `export default {
        port: 0,
        authenticate: ({ headers }) =>
          headers['x-user'] === 'ada' ? { subject: 'ada', scopes: ['read'] } : undefined,
      }`,
    });
    const args = ['start', '--flows', GOOD_FLOWS];
    const { written, kill, ended } = start(args, {}, directory);
    const [, url = ''] = await written(
      /GraphiQL: (\S+)[\s\S]*Authentication is on, by API keys, w/,
    );
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ query: '{ flows { totalCount } }' });
    const statusFor = async (more: Record<string, string>) => {
      const request = { method: 'POST', headers: { ...headers, ...more }, body };
      return (await fetch(url, request)).status;
    };
    expect(await statusFor({})).toBe(401);
    expect(await statusFor({ 'x-user': 'ada' })).toBe(200);
    kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });

  test('O5 it is loud where everybody can do everything, and refuses that unasked', async () => {
    const refused = await start(['start', '--port', '0', '--host', '0.0.0.0']).ended;
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining('--insecure-no-auth'),
    ]);
    const args = ['start', '--port', '0', '--host', '0.0.0.0', '--insecure-no-auth'];
    const { written, kill, ended } = start(args);
    await written(/Authentication is off: whoever can reach this server may do everything/);
    await written(/\* WARNING \*[\s\S]*Nobody has to prove who they are/, 'stderr');
    kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });
});
