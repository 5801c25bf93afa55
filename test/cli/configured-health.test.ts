import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { config as configCommand } from '../../src/cli/config.ts';
import { appOptionsOf } from '../../src/cli/start-config.ts';
import { readConfig } from '../../src/config/read-config.ts';

const SECRET = 's3cr3t-0123456789';
const silent = pino({ level: 'silent' });

/** Reads a configuration file that exports this, with further flags. */
async function read(file: string, ...args: string[]) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-config-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'millrace.config.mjs'), `export default ${file}`);
  const found = await readConfig({ args, environment: {}, directory });
  return { ...found, faults: found.faults.map((fault) => fault.replaceAll(`${directory}/`, '')) };
}

async function faultsOf(file: string, ...args: string[]): Promise<readonly string[]> {
  return (await read(file, ...args)).faults;
}

describe('H1 services of the configuration file', () => {
  test('are handed on as they are written', async () => {
    const found = await read(`{ services: [
      { name: 'payments', url: 'http://pay.example/health', intervalMs: 50, dependsOn: ['later', 'agent:bank'] },
      { name: 'payments', tenant: 'acme', url: 'https://pay.example/', intervalMs: 60000, extendedInterval: true },
    ] }`);
    expect(found.faults).toEqual([]);
    const { health } = appOptionsOf(found, silent);
    expect(health).toEqual({
      services: [
        {
          name: 'payments',
          url: 'http://pay.example/health',
          intervalMs: 50,
          dependsOn: ['later', 'agent:bank'],
        },
        {
          name: 'payments',
          tenant: 'acme',
          url: 'https://pay.example/',
          intervalMs: 60_000,
          extendedInterval: true,
        },
      ],
      allow: undefined,
      deny: [],
      parts: true,
      maxServices: 10_000,
      maxChecksPerSecond: 2_000,
    });
    expect(found.services.definitions[0]?.thing).toMatchObject({
      timeoutMs: 5_000,
      failureThreshold: 3,
    });
  });

  test('are refused with all their faults, each by file, position and name', async () => {
    const faults = await faultsOf(`{ services: [
      { name: 'fast', url: 'http://a.example/', intervalMs: 49 },
      { name: 'slow', url: 'ftp://a.example/', intervalMs: 1001 },
      { name: 'slower', url: 'http://a.example/', intervalMs: 86400001, extendedInterval: true },
      'http://a.example/',
      { url: 'http://a.example/', tenant: 'not one' },
      { name: 'no name', url: 'http://a.example/', timeout: 3, conditions: ['body.ok =='] },
      { name: 'fine', url: 'http://a.example/' },
      { name: 'fine', url: 'http://b.example/' },
      { name: 'fine', url: 'http://b.example/', tenant: 'other' },
    ] }`);
    const at = (place: string, fault: string) =>
      expect.stringMatching(
        new RegExp(`^millrace\\.config\\.mjs: services${place}: ${fault}`),
      ) as string;
    expect(faults).toEqual([
      at('\\[0\\] "fast"', 'intervalMs: .*50 to 1,000 ms'),
      at('\\[1\\] "slow"', 'url: '),
      at('\\[1\\] "slow"', 'intervalMs: .*extendedInterval'),
      at('\\[2\\] "slower"', 'intervalMs: .*50 to 86,400,000 ms'),
      expect.stringMatching(/services\[3\] must be an object\.$/),
      at('\\[4\\]', 'name: '),
      at('\\[4\\]', 'tenant must be'),
      at('\\[5\\]', 'name: '),
      at('\\[5\\]', 'conditions\\[0\\]: '),
      at('\\[5\\]', 'timeout: There is no such key\\. Did you mean `timeoutMs`'),
      at('\\[7\\] "fine"', 'it has the name of services\\[6\\]\\.$'),
    ]);
  });

  test.each(['{ }', '"all"', 'null', '3'])('are refused when they are %s', async (written) => {
    expect(await faultsOf(`{ services: ${written}, alertRules: ${written} }`)).toEqual([
      'millrace.config.mjs: services must be a list.',
      'millrace.config.mjs: alertRules must be a list.',
    ]);
  });

  test('may need what is not there, but not each other in a circle', async () => {
    const service = (name: string, needed: string, tenant = 'default') =>
      `{ name: '${name}', url: 'http://a.example/', dependsOn: ['${needed}'], tenant: '${tenant}' }`;
    const list = [
      ...[service('a', 'b'), service('b', 'c'), service('c', 'a'), service('d', 'a')],
      ...[service('x', 'y', 'one'), service('y', 'x', 'two'), service('self', 'self')],
    ];
    const faults = await faultsOf(`{ services: [${list}] }`);
    expect(faults).toEqual([
      expect.stringMatching(/services\[6\] "self": dependsOn: /),
      'millrace.config.mjs: services[2] "c": dependsOn goes round in a circle: "c" → "a" → "b" → "c".',
    ]);
  });

  test('are as many of a tenant as maxServices lets there be', async () => {
    const file = `{ services: Array.from({ length: 5 }, (_, at) => (
      { name: 's' + at, url: 'http://a.example/', tenant: at < 2 ? 'acme' : 'default' })) }`;
    expect(await faultsOf(file, '--max-services', '3')).toEqual([]);
    expect(await faultsOf(file, '--max-services', '2')).toEqual([
      'millrace.config.mjs: services: 3 are of the tenant "default", and maxServices is 2.',
    ]);
  });

  test('commands that serve nothing pass them over', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-config-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    await writeFile(join(directory, 'millrace.config.mjs'), 'export default { services: 1 }');
    const { faults } = await readConfig(
      { args: [], environment: {}, directory },
      { names: ['dataDir', 'databaseUrl'] },
    );
    expect(faults).toEqual([]);
  });
});

describe('what health checks may connect to', () => {
  test('is a list of hosts and networks, each of which is looked at', async () => {
    const found = await read(
      `{ healthAllow: ['10.0.0.0/8', '*.Example.org'], healthParts: false }`,
      ...['--health-deny', '10.0.0.1, fd00::/8', '--max-services', '7'],
      ...['--max-checks-per-second', '9'],
    );
    expect(found.faults).toEqual([]);
    expect(appOptionsOf(found, silent).health).toMatchObject({
      allow: ['10.0.0.0/8', '*.Example.org'],
      deny: ['10.0.0.1', 'fd00::/8'],
      parts: false,
      maxServices: 7,
      maxChecksPerSecond: 9,
    });
    for (const wrong of ['10.0.0.0/33', 'http://a.example', '10.0.0', '*', 'a b']) {
      expect(await faultsOf('{}', '--health-allow', `a.example,${wrong}`), wrong).toEqual([
        expect.stringContaining('and must be a list of hosts'),
      ]);
    }
  });
});

describe('M10 alert rules of the configuration file', () => {
  test('are handed on as they are written', async () => {
    const found = await read(`{ alertRules: [
      { name: 'down', kind: 'SERVICE_STATUS', forMs: 30000, severity: 'CRITICAL' },
      { name: 'full', kind: 'QUEUE_PRESSURE', flowId: 'articles', tenant: 'acme' },
    ] }`);
    expect(found.faults).toEqual([]);
    expect(appOptionsOf(found, silent).alerts).toEqual({
      rules: [
        { name: 'down', kind: 'SERVICE_STATUS', forMs: 30_000, severity: 'CRITICAL' },
        { name: 'full', kind: 'QUEUE_PRESSURE', flowId: 'articles', tenant: 'acme' },
      ],
    });
  });

  test('are refused with all their faults, each by file, position and name', async () => {
    const faults = await faultsOf(`{ alertRules: [
      { name: 'down', kind: 'SERVICE_STATE', forMs: -1 },
      { name: 'full', kind: 'QUEUE_PRESSURE', condition: 'usge > 1', minFailures: 3 },
      { name: 'full', kind: 'JOB_FAILURES' },
    ] }`);
    expect(faults).toEqual([
      expect.stringMatching(/^millrace\.config\.mjs: alertRules\[0\] "down": kind: /),
      expect.stringMatching(/alertRules\[0\] "down": forMs: /),
      expect.stringMatching(/alertRules\[1\] "full": minFailures: /),
      expect.stringMatching(/alertRules\[1\] "full": condition: .*usge/),
      expect.stringMatching(/alertRules\[2\] "full": it has the name of alertRules\[1\]\./),
    ]);
  });
});

describe('O5 secrets of services', () => {
  const service = `{
    name: 'payments',
    url: 'http://pay.example/health?token=${SECRET}',
    headers: { Authorization: 'Bearer ${SECRET}', 'X-Plain': '${SECRET}', accept: 'text/plain' },
  }`;

  test('are in no fault', async () => {
    for (const written of [
      `[{ name: '${SECRET} ${SECRET}', url: 'http://${SECRET}@pay.example' }]`,
      `[{ name: 'a', url: 'http://u:${SECRET}@pay.example/' }]`,
      `[{ name: 'a', url: '${SECRET}' }]`,
      `[{ name: 'a', url: 'http://pay.example/?token=${SECRET}', intervalMs: '${SECRET}' }]`,
      `[{ name: 'a', url: 'http://pay.example/', headers: { 'X-A': '${SECRET}\\n' } }]`,
      `[{ name: 'a', url: 'http://pay.example/', headers: '${SECRET}' }]`,
      `[{ name: 'a', url: 'https://pay.example/', tls: { key: '${SECRET}' } }]`,
      `[{ name: 'a', url: 'https://pay.example/', tls: { cert: '-----BEGIN ${SECRET}', key: '-----BEGIN ${SECRET}' } }]`,
      `[{ name: 'a', url: 'http://pay.example/', tenant: '${SECRET} ${SECRET}' }]`,
      `['${SECRET}']`,
      `'${SECRET}'`,
    ]) {
      const faults = await faultsOf(`{ services: ${written} }`);
      expect(faults.length, written).toBeGreaterThan(0);
      expect(faults.join(), written).not.toContain('s3cr3t-');
    }
  });

  test('are not printed by `millrace config`', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-config-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const path = join(directory, 'millrace.config.mjs');
    const rule = `{ name: 'down', kind: 'SERVICE_STATUS' }`;
    await writeFile(path, `export default { services: [${service}], alertRules: [${rule}] }`);
    const text = await print('--config', path);
    expect(text).toMatch(/^ {2}services +file +1: payments$/m);
    expect(text).toMatch(/^ {2}alertRules +file +1: down$/m);
    const json = await print('--config', path, '--json');
    expect(JSON.parse(json).options).toMatchObject({
      services: {
        from: 'file',
        value: [
          {
            name: 'payments',
            tenant: 'default',
            url: 'http://pay.example/health?token=***',
            headers: { Authorization: '***', 'X-Plain': '***', accept: 'text/plain' },
            intervalMs: 1000,
          },
        ],
      },
      alertRules: { value: [{ name: 'down', kind: 'SERVICE_STATUS', severity: 'WARNING' }] },
    });
    expect(text + json).not.toContain('s3cr3t-');
  });
});

/** What `millrace config` prints. */
async function print(...args: string[]): Promise<string> {
  const written: string[] = [];
  const { write } = process.stdout;
  process.stdout.write = (text) => {
    written.push(String(text));
    return true;
  };
  try {
    await configCommand.run(args);
  } finally {
    process.stdout.write = write;
  }
  return written.join('');
}
