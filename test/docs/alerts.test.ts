import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OperationDefinitionNode, parse } from 'graphql';
import { expect, onTestFinished, test } from 'vitest';
import { CONDITION_NAMES } from '../../src/alerts/condition-names.ts';
import { readConfig } from '../../src/config/read-config.ts';
import { ask, openApp, watch } from '../api/api.ts';

const text = await readFile(join(import.meta.dirname, '../../docs/alerts.md'), 'utf8');

/** How long it may take until an alert is raised, in milliseconds. */
const PATIENCE_MS = 10_000;

test('M10 a server takes the configuration', async () => {
  const [, block = ''] = /^```ts\n([\s\S]*?)^```$/m.exec(text) ?? [];
  const directory = await mkdtemp(join(tmpdir(), 'millrace-docs-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = block.replace(/^import .*$/m, 'const defineConfig = (options) => options;');
  await writeFile(join(directory, 'millrace.config.mjs'), file);
  const found = await readConfig({ args: [], environment: {}, directory });
  expect(found.faults).toEqual([]);
  const kinds = found.alertRules.definitions.map(({ thing }) => thing.settings.kind);
  expect(kinds).toEqual(Object.keys(CONDITION_NAMES));
});

test('M10 the names that conditions may read are all told', () => {
  const [, section = ''] = text.split('## Conditions');
  for (const [kind, names] of Object.entries(CONDITION_NAMES)) {
    const row = section.split('\n').find((line) => line.startsWith(`| \`${kind}\` |`)) ?? '';
    const told = Array.from(row.matchAll(/`([^`]+)`/g), ([, name]) => name).slice(1);
    expect(told, kind).toEqual(Object.keys(names));
  }
});

test('M10 the operations are answered', async () => {
  const app = await openApp({
    flows: [],
    health: { parts: false },
    alerts: { rules: [{ name: 'down', kind: 'SERVICE_STATUS' }] },
  });
  await app.health.report({ name: 'printer', health: 'out of paper' });
  const idOfAlert = async () => {
    const { alerts } = (await ask(app, parse('{ alerts { nodes { id } } }'), {})) as {
      alerts: { nodes: { id: string }[] };
    };
    return alerts.nodes[0]?.id;
  };
  await expect.poll(idOfAlert, { timeout: PATIENCE_MS }).toMatch(/^Alert:/);
  const alert = await idOfAlert();
  for (const [, operation = ''] of text.matchAll(/^```graphql\n([\s\S]*?)^```$/gm)) {
    const document = parse(operation);
    const [definition] = document.definitions as [OperationDefinitionNode];
    if (definition.operation === 'subscription') {
      const watched = await watch(app, document, {});
      if (operation.includes('alertResolved')) {
        await app.health.report({ name: 'printer', health: 'healthy' });
      }
      expect(JSON.stringify(await watched.next()), operation).toContain('Alert:');
      continue;
    }
    const variables = operation.includes('$alert') ? { alert } : {};
    const told = JSON.stringify(await ask(app, document, variables));
    expect(told, operation).not.toContain('"code":');
    if (definition.operation === 'query') expect(told).toContain('out of paper');
  }
});
