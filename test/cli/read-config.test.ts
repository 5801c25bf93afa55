import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { flagOf, variableOf } from '../../src/config/option.ts';
import { OPTION_GROUPS, OPTION_NAMES, optionOf } from '../../src/config/options.ts';
import { printOptions } from '../../src/config/print-options.ts';
import { readConfig } from '../../src/config/read-config.ts';

interface Said {
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Text of the configuration file. */
  readonly file?: string;
  readonly fileName?: string;
}

async function makeDirectory(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-config-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(directory, name, '..'), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return directory;
}

async function read({ args = [], environment = {}, file, fileName = 'millrace.config.mjs' }: Said) {
  const directory = await makeDirectory(file === undefined ? {} : { [fileName]: file });
  const found = await readConfig({ args, environment, directory });
  return { ...found, faults: found.faults.map((fault) => fault.replaceAll(`${directory}/`, '')) };
}

async function faultsOf(said: Said): Promise<readonly string[]> {
  return (await read(said)).faults;
}

describe('O7 where options come from', () => {
  const args = ['--port', '1'];
  const environment = { MILLRACE_PORT: '2' };
  const file = 'export default { port: 3 }';

  test('a flag goes before the environment, that before the file, that before the default', async () => {
    const portOf = async (said: Said) => (await read(said)).settings.port;
    expect(await portOf({ args, environment, file })).toEqual({
      value: 1,
      from: 'flag',
      as: '--port',
    });
    expect(await portOf({ environment, file })).toEqual({
      value: 2,
      from: 'environment',
      as: 'MILLRACE_PORT',
    });
    expect(await portOf({ file })).toEqual({ value: 3, from: 'file', as: 'port' });
    expect(await portOf({})).toEqual({ value: 4000, from: 'default', as: 'port' });
    expect(await portOf({ environment: { MILLRACE_PORT: '' }, file })).toMatchObject({ value: 3 });
  });

  test('every option has a flag and a variable of its own, and stands in one group', () => {
    const flags = new Set(OPTION_NAMES.map(flagOf));
    const variables = new Set(OPTION_NAMES.map(variableOf));
    expect([flags.size, variables.size]).toEqual([OPTION_NAMES.length, OPTION_NAMES.length]);
    expect(OPTION_GROUPS.flatMap(({ names }) => names)).toEqual(OPTION_NAMES);
  });

  test('names that there were before are what they were', () => {
    const names = ['flows', 'host', 'port', 'knownHosts', 'dataDir', 'databaseUrl'] as const;
    expect([...names, 'keep' as const, 'evaluation' as const].map(variableOf)).toEqual([
      ...['MILLRACE_FLOWS', 'MILLRACE_HOST', 'MILLRACE_PORT', 'MILLRACE_KNOWN_HOSTS'],
      ...['MILLRACE_DATA_DIR', 'MILLRACE_DATABASE_URL', 'MILLRACE_KEEP', 'MILLRACE_EVALUATION'],
    ]);
    expect([...names.slice(3), 'readOnly' as const].map(flagOf)).toEqual([
      ...['--known-hosts', '--data-dir', '--database-url', '--read-only'],
    ]);
  });

  test('every default is a value that may be given', () => {
    for (const name of OPTION_NAMES) {
      const { default: value, schema } = optionOf(name);
      if (value !== undefined) expect(schema.safeParse(value)).toMatchObject({ data: value });
    }
  });

  test('every option can be said in the environment and in the file, to the same end', async () => {
    const samples: Record<string, string> = {
      host: '::1',
      flows: 'f',
      dataDir: 'd',
      databaseUrl: 'sqlite:x',
      jwtSecret: 's3cr3t-0123456789-0123456789-012345',
      jwksUrl: 'https://login.example.org/jwks.json',
      corsOrigins: 'https://a.example.org,http://b.example.org:8080',
      knownHosts: 'a.example.org, B.example.org',
      keep: 'jobs=1d',
      logLevel: 'info',
    };
    for (const name of OPTION_NAMES) {
      const { kind } = optionOf(name);
      const isOnOff = kind === 'on-off' || kind === 'switch';
      const text = samples[name] ?? (isOnOff ? 'on' : kind === 'number' ? '10' : 'some-text');
      const byVariable = await read({ environment: { [variableOf(name)]: text } });
      const byFile = await read({ file: `export default { ${name}: ${JSON.stringify(text)} }` });
      expect(byVariable.config[name], name).toEqual(byFile.config[name]);
      if (byVariable.settings[name].from === 'default') {
        expect(byVariable.faults.join(), name).toContain(variableOf(name)); // out of its range
      }
    }
  });

  test('a file says what it means in its own types', async () => {
    const file = `export default {
      port: 8080, readOnly: true, introspection: false, knownHosts: ['A.example'], evaluation: 'on',
    }`;
    const { config, faults } = await read({ file });
    expect(faults).toEqual([]);
    expect(config).toMatchObject({
      port: 8080,
      readOnly: true,
      introspection: false,
      knownHosts: ['a.example'],
      evaluation: true,
    });
  });
});

describe('O7 what is refused', () => {
  test('everything at once, each under the name that people wrote', async () => {
    const faults = await faultsOf({
      args: ['--prot', '80', '--host', '--port', 'many', 'here', '--read-only=off'],
      environment: { MILLRACE_TRUST_PROXY: '-1', MILLRACE_HOSTS: 'x', OTHER: 'x' },
      file: 'export default { maxDepht: 3, evaluation: 1, logLevel: "loud", keep: "jobs" }',
    });
    expect(faults).toEqual([
      'There is no option --prot. Did you mean --port?',
      '--host needs a value.',
      'There is an argument "many" that belongs to no option.',
      'There is an argument "here" that belongs to no option.',
      '--read-only stands alone: it takes no value.',
      'There is no option for the environment variable MILLRACE_HOSTS. Did you mean MILLRACE_HOST?',
      'millrace.config.mjs: There is no option maxDepht. Did you mean maxDepth?',
      'MILLRACE_TRUST_PROXY is "-1" and must be a whole number from 0 to 10.',
      'millrace.config.mjs: evaluation is 1 and must be on or off.',
      expect.stringMatching(/^millrace.config.mjs: keep is "jobs" and must be a list such as/),
      'millrace.config.mjs: logLevel is "loud" and must be one of trace, debug, info, warn, error, fatal, silent.',
    ]);
  });

  test.each([
    ['port', '1.5'],
    ['port', '65536'],
    ['port', ' 80'],
    ['port', '0x10'],
    ['maxBodyBytes', '1e3'],
    ['maxBodyBytes', '99999999999999999999'],
    ['graphiql', 'true'],
    ['databaseUrl', 'mysql://db'],
    ['knownHosts', 'a.example:80'],
    ['corsOrigins', 'https://a.example/'],
    ['corsOrigins', 'a.example'],
    ['jwksUrl', 'http://login.example.org/jwks.json'],
    ['jwksUrl', 'https://u:s3cr3t-pw@login.example.org/jwks.json'],
  ] as const)('%s can not be %j', async (name, value) => {
    const [fault = '', ...others] = await faultsOf({ environment: { [variableOf(name)]: value } });
    expect(fault).toMatch(new RegExp(`^${variableOf(name)} is ".*" and must be `));
    expect(fault).not.toContain('s3cr3t-');
    expect(others).toEqual([]);
  });

  test('flags that lack a value, or have one too much', async () => {
    const faultsOfArgs = (...args: string[]) => faultsOf({ args });
    expect(await faultsOfArgs('--port')).toEqual(['--port needs a value.']);
    expect(await faultsOfArgs('--config')).toEqual(['--config needs a value.']);
    expect(await faultsOfArgs('-p', '80')).toEqual(['There is no option -p.']);
    expect(await faultsOfArgs('--max-depth', '-3')).toEqual([
      '--max-depth is "-3" and must be a whole number from 1 to 1000.',
    ]);
    expect(await faultsOfArgs('--toString', '--constructor')).toHaveLength(2);
  });

  test('variables that Kubernetes sets for a service of this name are told as such', async () => {
    const environment = { MILLRACE_SERVICE_HOST: '10.0.0.1', MILLRACE_PORT_4000_TCP: 'tcp://x' };
    for (const fault of await faultsOf({ environment })) {
      expect(fault).toContain('enableServiceLinks: false');
    }
  });

  test.each([
    [
      ['--insecure-no-auth', '--jwks-url', 'https://a.example/'],
      '--insecure-no-auth and --jwks-url',
    ],
    [['--jwt-issuer', 'x'], '--jwt-issuer says nothing without jwtSecret'],
    [['--come-back-min-ms', '60000'], '--come-back-min-ms is 60000 and must not be more than'],
    [['--headers-timeout-ms', '60000'], '--headers-timeout-ms is 60000 and must not be more than'],
    [['--cors-origins', '*', '--cors-credentials', 'on'], "--cors-origins can't be * together"],
    [['--cors-origins', '*,https://a.example'], "--cors-origins can't be * together"],
  ])('%j do not go together', async (args, message) => {
    const faults = await faultsOf({ args });
    expect(faults).toEqual([expect.stringContaining(message)]);
  });

  test('a hook and no authentication do not go together', async () => {
    const file = 'export default { insecureNoAuth: true, authenticate: () => undefined }';
    expect(await faultsOf({ file })).toEqual([
      expect.stringContaining("insecureNoAuth and authenticate can't both be given"),
    ]);
  });
});

describe('O7 the configuration file', () => {
  test.each([
    ['has no default export', 'export const port = 1;', 'It has no default export'],
    ['exports no object', 'export default [1];', 'Its default export is no object'],
    ['throws', 'throw new Error("no luck\\nline 2");', "It can't be loaded: no luck"],
    ['can not be read', 'export default {', "It can't be loaded: "],
    ['has a hook that is none', 'export default { authenticate: 1 }', 'authenticate must be a'],
  ])('is told by its path when it %s', async (_, file, message) => {
    const [fault = '', ...others] = await faultsOf({ file });
    expect(fault).toMatch(/^millrace\.config\.mjs: /);
    expect(fault).toContain(message);
    expect(fault).not.toContain('line 2');
    expect(others).toEqual([]);
  });

  test('is the one that is named, by flag or variable; one that is not there is told', async () => {
    const directory = await makeDirectory({
      'millrace.config.mjs': 'export default { port: 1 }',
      'one.mjs': 'export default { port: 2 }',
      'sub/two.mjs': 'export default { port: 3 }',
    });
    const environment = { MILLRACE_CONFIG: 'one.mjs' };
    const readIn = (args: string[]) => readConfig({ args, environment, directory });
    expect((await readIn([])).config.port).toBe(2);
    const named = await readIn(['--config', 'sub/two.mjs']);
    expect([named.config.port, named.path]).toEqual([3, join(directory, 'sub/two.mjs')]);
    const missing = await readIn(['--config', 'three.mjs']);
    expect(missing.faults).toEqual([`There is no configuration file ${directory}/three.mjs.`]);
  });

  test('is refused when there are two', async () => {
    const file = 'export default {}';
    const directory = await makeDirectory({
      'millrace.config.mjs': file,
      'millrace.config.js': file,
    });
    const { faults } = await readConfig({ args: [], environment: {}, directory });
    expect(faults).toEqual([expect.stringMatching(/^There are several configuration files: /)]);
  });

  test('may hold the hook that says who somebody is', async () => {
    const { authenticate, faults } = await read({
      file: 'export default { authenticate: () => "who" }',
    });
    expect(faults).toEqual([]);
    expect(authenticate).toBeTypeOf('function');
  });
});

describe('O7 the manifest of trusted documents', () => {
  const TEXT = 'query Who { server { version } }';
  const HASH = createHash('sha256').update(TEXT).digest('hex');
  const readManifest = async (text: string) => {
    const directory = await makeDirectory({ 'documents.json': text });
    const args = ['--trusted-documents', 'documents.json'];
    return readConfig({ args, environment: {}, directory });
  };

  test('is read, as generators write it', async () => {
    for (const key of [HASH, `sha256:${HASH}`]) {
      const { faults, trustedDocuments } = await readManifest(JSON.stringify({ [key]: TEXT }));
      expect(faults).toEqual([]);
      expect(trustedDocuments).toEqual(new Map([[HASH, TEXT]]));
    }
  });

  test.each([
    ['{', 'JSON'],
    ['[]', 'are no object'],
    [`{"${HASH}": 1}`, 'is no text'],
    [`{"${HASH}": "{ other }"}`, 'is not the SHA-256 of its text'],
    ['{}', 'It has none'],
  ])('is refused when it is %j', async (text, message) => {
    const { faults } = await readManifest(text);
    expect(faults).toEqual([expect.stringContaining(message)]);
    expect(faults[0]).toMatch(/^--trusted-documents: The trusted documents in .*documents\.json /);
  });

  test('is refused when it is not there', async () => {
    const faults = await faultsOf({ args: ['--trusted-documents', '/nowhere/documents.json'] });
    expect(faults).toEqual([
      expect.stringMatching(/^--trusted-documents: .*\/nowhere\/documents\.json.*ENOENT/),
    ]);
  });
});

describe('O5 the secret of tokens', () => {
  const SECRET = 's3cr3t-0123456789-0123456789-0123456789';

  test('comes from the environment, or from a file of its own', async () => {
    const directory = await makeDirectory({ jwt: `${SECRET}\n` });
    const byVariable = await read({ environment: { MILLRACE_JWT_SECRET: SECRET } });
    const environment = { MILLRACE_JWT_SECRET_FILE: join(directory, 'jwt') };
    const byFile = await read({ environment });
    expect([byVariable.config.jwtSecret, byVariable.faults]).toEqual([SECRET, []]);
    expect([byFile.config.jwtSecret, byFile.faults]).toEqual([SECRET, []]);
    expect(byFile.settings.jwtSecret).toMatchObject({ as: 'MILLRACE_JWT_SECRET_FILE' });
    expect(
      await faultsOf({ environment: { ...environment, MILLRACE_JWT_SECRET: SECRET } }),
    ).toEqual([
      "MILLRACE_JWT_SECRET and MILLRACE_JWT_SECRET_FILE can't both be given: each says the secret.",
    ]);
  });

  test('is in no fault', async () => {
    const directory = await makeDirectory({ jwt: 's3cr3t-short' });
    for (const said of [
      { args: ['--jwt-secret', SECRET] },
      { args: [`--jwt-secret=${SECRET}`] },
      { args: ['--jwt-secert', SECRET] },
      { args: [`--jwt-secert=${SECRET}`, SECRET] },
      { args: ['--port', `https://u:${SECRET}@host/?token=${SECRET}`] },
      { args: ['--database-url', `u:${SECRET}@host/db`] },
      { args: ['--database-url', `oracle://u:a@${SECRET}@host/db?password=${SECRET}`] },
      { args: ['--cors-origins', `https://u:${SECRET}@a.example`] },
      { args: ['--jwt-secret-file', join(directory, 'jwt')] },
      { args: ['--jwt-secret-file', join(directory, 'none')] },
      { environment: { MILLRACE_JWT_SECRET: 's3cr3t-short' } },
      { environment: { MILLRACE_JWT_SECERT: SECRET } },
      { file: `export default { jwtSecret: ['${SECRET}'] }` },
      { file: `export default { jwtSecert: '${SECRET}' }` },
      { file: `export default { port: { password: '${SECRET}' } }` },
      { file: `export default { jwtSecret: '${SECRET}'` },
    ]) {
      const faults = await faultsOf(said);
      expect(faults.length, JSON.stringify(said)).toBeGreaterThan(0);
      expect(faults.join(), JSON.stringify(said)).not.toContain('s3cr3t-');
    }
  });
});

test('docs/options.md tells of every option; `npm run codegen` writes it', async () => {
  const document = new URL('../../docs/options.md', import.meta.url);
  expect(await readFile(document, 'utf8')).toBe(printOptions());
});
