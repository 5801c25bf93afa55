import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { createApp } from '../../src/app.ts';
import { appOptionsOf, serveOptionsOf } from '../../src/cli/start-config.ts';
import { serverLimitOptions } from '../../src/config/limit-options.ts';
import { flagOf } from '../../src/config/option.ts';
import { type FoundConfig, readConfig } from '../../src/config/read-config.ts';
import { DEFAULT_RETENTION } from '../../src/jobs/retention.ts';

import { DEFAULT_LIMITS, type ServerLimits } from '../../src/server/limits.ts';

const silent = pino({ level: 'silent' });

async function configOf(...args: string[]): Promise<FoundConfig> {
  const found = await readConfig({ args, environment: {}, directory: '/nowhere' });
  expect(found.faults).toEqual([]);
  return found;
}

test('O7 each limit that an option says is that of the server or of operations', async () => {
  const args = (Object.keys(serverLimitOptions) as (keyof ServerLimits)[]).flatMap((name) => [
    flagOf(name),
    String(DEFAULT_LIMITS[name]),
  ]);
  const found = await configOf(
    ...[...args, '--max-variables-depth', '11'], // the last one counts
    ...['--max-complexity', '7', '--max-depth', '8', '--max-breadth', '9'],
  );
  expect(serveOptionsOf(found).limits).toEqual({ ...DEFAULT_LIMITS, maxVariablesDepth: 11 });
  expect(appOptionsOf(found, silent).limits).toEqual({ complexity: 7, depth: 8, breadth: 9 });
});

test('O7 what no option says is as in a server that is told nothing', async () => {
  const found = await configOf();
  const { limits, retention, ...options } = appOptionsOf(found, silent);
  const app = await createApp({ flows: [], logger: silent });
  onTestFinished(() => app.close());
  expect(limits).toEqual(app.services.limits);
  const { intervalMs, pauseMs, ...kept } = DEFAULT_RETENTION;
  expect(retention).toEqual(kept);
  expect(options).toMatchObject({ isReadOnly: false, auth: { jwt: undefined, hook: undefined } });
  expect(serveOptionsOf(found)).toEqual({
    host: '127.0.0.1',
    port: 4000,
    knownHosts: [],
    isInsecure: false,
    trustProxy: 0,
    graphiql: true,
    introspection: true,
    suggestions: true,
    logVariables: false,
    limits: {},
  });
});

test('what is said is handed on', async () => {
  const found = await configOf(
    ...['--read-only', '--evaluation', 'on', '--data-dir', 'there', '--keep', 'jobs=5'],
    ...['--max-running-jobs', '3', '--checkpoint-interval-ms', '70', '--pause-ttl-ms', '0'],
    ...['--lease-ms', '2000', '--code-grace-ms', '11', '--host', '::1', '--port', '0'],
    ...['--known-hosts', 'A.example, b.example', '--trust-proxy', '2', '--graphiql', 'off'],
    ...['--introspection', 'off', '--suggestions', 'off', '--log-variables', 'on'],
    ...['--cors-origins', 'https://a.example', '--cors-credentials', 'on'],
    ...['--jwks-url', 'https://b.example/', '--jwt-issuer', 'i', '--jwt-audience', 'a'],
    ...['--jwt-scopes-claim', 's', '--jwt-tenant-claim', 't', '--jwt-clock-tolerance-sec', '9'],
  );
  expect(appOptionsOf(found, silent)).toMatchObject({
    auth: {
      jwt: {
        jwksUrl: 'https://b.example/',
        issuer: 'i',
        audience: 'a',
        scopesClaim: 's',
        tenantClaim: 't',
        clockToleranceSec: 9,
      },
    },
    isReadOnly: true,
    database: 'sqlite:there/millrace.db',
    retention: { jobs: { maxCount: 5 } },
    engine: { maxRunningJobs: 3 },
    checkpointIntervalMs: 70,
    debugger: { evaluation: true, pauseTtlMs: 0, leaseMs: 2000 },
    closeGraceMs: 11,
  });
  expect(serveOptionsOf(found)).toEqual({
    host: '::1',
    port: 0,
    knownHosts: ['a.example', 'b.example'],
    isInsecure: false,
    cors: { origins: ['https://a.example'], credentials: true },
    trustProxy: 2,
    graphiql: false,
    introspection: false,
    suggestions: false,
    logVariables: true,
    limits: {},
  });
  const open = await configOf('--insecure-no-auth', '--cors-origins', '*');
  expect(serveOptionsOf(open)).toMatchObject({
    isInsecure: true,
    cors: { origins: '*', credentials: false },
  });
});
