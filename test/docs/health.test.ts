import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { type OperationDefinitionNode, parse } from 'graphql';
import { describe, expect, onTestFinished, test } from 'vitest';
import config from '../../examples/health/millrace.config.ts';
import { openShop } from '../../examples/health/shop.ts';
import { readConfig } from '../../src/config/read-config.ts';
import { HealthState } from '../../src/health/health-state.ts';
import type { ServiceStatus } from '../../src/health/service.ts';
import { ask, openApp, watch } from '../api/api.ts';

const ROOT = join(import.meta.dirname, '../..');
const text = await readFile(join(ROOT, 'docs/health.md'), 'utf8');

/** How long it may take until something is as it is shown, in milliseconds. */
const PATIENCE_MS = 10_000;
const DAY_MS = 86_400_000;

/** What stands in the document in fences of one language. */
function fences(language: string): string[] {
  return Array.from(
    text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm')),
    ([, body = '']) => body,
  );
}

test('the walk goes as it is written', async () => {
  // It reports to nobody: where to is known only later. That it does is shown by the test of the example.
  const shop = await openShop(0, 'http://127.0.0.1:9/');
  onTestFinished(() => shop.close());
  // Ports are free ones here, and no check waits for longer than it has to.
  const at = (url: string) => url.replace('http://127.0.0.1:4100', shop.url);
  const services = (config.services ?? []).map((service) => ({
    ...service,
    url: at(service.url),
    intervalMs: 50,
  }));
  const { alertRules: rules = [] } = config;
  const app = await openApp({ flows: [], health: { services, parts: false }, alerts: { rules } });
  const { url } = await app.listen({ port: 0 });
  await app.health.report({ name: 'stock', health: 'healthy' });
  const answers: unknown[] = [];

  const run = {
    graphql: async (operation: string) => {
      const document: TypedDocumentNode<unknown, Record<string, unknown>> = parse(operation);
      const [definition] = document.definitions as [OperationDefinitionNode];
      if (definition.operation === 'subscription') {
        const watched = await watch(app, document, {});
        expect(await watched.next(), operation).toBeDefined();
        return;
      }
      const until = new Date(Date.now() + DAY_MS).toISOString();
      const data = await ask(app, document, operation.includes('$until') ? { until } : {});
      expect(JSON.stringify(data), operation).not.toMatch(/"code":|s3cr3t-/);
      answers.push(data);
    },
    json: async (shown: string) => {
      expect(maskTimes(answers.at(-1))).toEqual(maskTimes(JSON.parse(shown)));
    },
    sh: async (commands: string) => {
      const [, target = '', body] =
        /^curl (http:\S+)(?: [^']*'[^']*' -d '([^']*)')?$/m.exec(commands) ?? [];
      if (target === '') return;
      const method = body === undefined ? 'GET' : 'POST';
      const headers = { 'content-type': 'application/json' };
      const place = at(target).replace('http://127.0.0.1:4000/graphql', url);
      const response = await fetch(place, { method, headers, ...(body && { body }) });
      const answer = await response.text();
      expect([response.status, answer]).toEqual([200, expect.not.stringMatching(/errors|"code"/)]);
    },
    until: async (states: string) => {
      for (const [, name = '', status] of states.matchAll(/([\w:.-]+) ([A-Z]+)/g)) {
        const read = () => app.health.get(name)?.status;
        await expect.poll(read, { timeout: PATIENCE_MS, message: name }).toBe(status);
      }
    },
  };
  const steps = text.matchAll(/^```(graphql|json|sh)\n([\s\S]*?)^```$|^<!-- (until) (.*) -->$/gm);
  for (const [, language, body = '', until, states = ''] of steps) {
    await run[(language ?? until) as keyof typeof run](until === undefined ? body : states);
  }
});

/** Moments are never the same. */
function maskTimes(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"<moment>"'));
}

describe('code', () => {
  test('the configuration is that of the example, which a server takes', async () => {
    const [block = ''] = fences('ts');
    const path = join(ROOT, 'examples/health/millrace.config.ts');
    expect(block).toBe(await readFile(path, 'utf8'));
    const environment = { MILLRACE_CONFIG: path };
    const found = await readConfig({ args: [], environment, directory: ROOT });
    expect(found.faults).toEqual([]);
    expect(found.services.definitions.map(({ thing }) => thing.name)).toEqual(['shop', 'checkout']);
  });

  test('the flags of the address rules are taken', async () => {
    const [line = ''] = /^millrace start --health-allow .*$/m.exec(text) ?? [];
    const args = line.replaceAll("'", '').split(' ').slice(2);
    const found = await readConfig({ args, environment: {}, directory: '/nowhere' });
    expect(found.faults).toEqual([]);
    expect(found.config).toMatchObject({
      healthAllow: ['*.example.org', '10.20.0.0/16'],
      healthDeny: ['10.20.0.1'],
    });
  });

  test('H5 the program with an agent that is asked, and a subscriber, runs', async () => {
    const [, block = ''] = fences('ts');
    const directory = await mkdtemp(join(tmpdir(), 'millrace-docs-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const path = join(directory, 'program.ts');
    const index = pathToFileURL(join(ROOT, 'src/index.ts')).href;
    const program = block
      .replace("'millrace'", JSON.stringify(index))
      .replace('console.log(', 'told.push(');
    await writeFile(
      path,
      `export const told: string[] = [];\n${program}\nexport { app, unsubscribe };`,
    );
    const { app, told, unsubscribe } = await import(pathToFileURL(path).href);
    onTestFinished(() => app.close());
    await expect
      .poll(() => app.health.get('agent:printer')?.status, { timeout: PATIENCE_MS })
      .toBe('HEALTHY');
    await expect.poll(() => told.join('\n')).toContain('agent:printer: UNKNOWN → HEALTHY. ');
    unsubscribe();
  });
});

describe('H8 the worked examples', () => {
  const LETTERS: Record<string, ServiceStatus> = {
    H: 'HEALTHY',
    D: 'DEGRADED',
    U: 'UNHEALTHY',
    '?': 'UNKNOWN',
  };
  const cases = fences('text').flatMap((block) => {
    const [head = '', ...rows] = block.trim().split(/\n+/);
    const [failureThreshold = 0, successThreshold = 0, windowSize = 0, flapThreshold = 0] =
      Array.from(head.matchAll(/\d+/g), Number);
    const thresholds = { failureThreshold, successThreshold, windowSize, flapThreshold };
    const letters = (row = '') => row.trim().split(/\s+/).slice(1);
    return rows.flatMap((row, at) =>
      row.startsWith('results')
        ? [{ thresholds, results: letters(row), statuses: letters(rows[at + 1]) }]
        : [],
    );
  });

  test('there are some', () => {
    expect(cases.length).toBeGreaterThan(5);
  });

  test.each(cases)('of $results come $statuses', ({ thresholds, results, statuses }) => {
    const state = new HealthState(thresholds);
    const shown = results.map((letter, at) => {
      const status = LETTERS[letter] ?? 'UNKNOWN';
      state.note({
        status,
        at,
        responseTimeMs: 1,
        httpStatus: undefined,
        failure: undefined,
        error: undefined,
        details: undefined,
      });
      return state.status;
    });
    expect(shown).toEqual(statuses.map((letter) => LETTERS[letter]));
  });
});
