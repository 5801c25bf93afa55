import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { AlertRuleConfig } from '../../src/alerts/alert-rule.ts';
import { ended, startJob, until } from '../api/api.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { listAll, listOpen, openAlerted } from './alerted.ts';

async function makeDatabase(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-alerts-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return `sqlite:${join(directory, 'millrace.db')}`;
}

const bad = { kind: 'SERVICE_STATUS', coolDownMs: 10_000 } as const;

test('M10 after a restart an open alert is the same, if its rule and its subject are', async () => {
  const database = await makeDatabase();
  const queues = { name: 'queues', kind: 'QUEUE_PRESSURE', coolDownMs: 0 } as const;
  const before: AlertRuleConfig[] = [
    queues,
    { ...bad, name: 'stays' },
    { ...bad, name: 'goes' },
    { ...bad, name: 'changes' },
    { ...bad, name: 'sleeps' },
    { name: 'failures', kind: 'JOB_FAILURES' },
  ];
  const clock = new ManualClock();
  const restart = async ({ app }: Awaited<ReturnType<typeof openAlerted>>) => {
    const closed = app.close();
    await clock.advance(100);
    await closed;
  };
  const first = await openAlerted(before, { database, clock });
  await first.app.alerts.addRule({ ...bad, name: 'live', severity: 'INFO' });
  await first.app.health.report({ name: 'a', health: 'bad' });
  await ended(first.app, await startJob(first.app, { flowId: 'failing', input: 'no luck' }));
  await startJob(first.app, { flowId: 'full', input: 9 });
  await until(() => first.gate.waiting === 1);
  await clock.advance(1_000);
  const open = await listOpen(first.app);
  expect(open).toHaveLength(7);
  const [acknowledged] = open.filter(({ rule }) => rule.name === 'live');
  await first.app.alerts.acknowledge(acknowledged?.id ?? '', { by: 'ann', comment: undefined });
  await restart(first);

  const second = await openAlerted(
    [
      queues,
      { ...bad, name: 'stays', severity: 'CRITICAL' },
      { ...bad, name: 'changes', forMs: 1 },
      { ...bad, name: 'sleeps', isEnabled: false },
      { name: 'failures', kind: 'JOB_FAILURES' },
    ],
    { database, clock },
  );
  await settle();
  const namesOf = (resolution: string | undefined) => async () =>
    (await listAll(second.app))
      .filter((alert) => alert.resolution === resolution)
      .map(({ rule, id }) => [rule.name, open.some((each) => each.id === id)])
      .toSorted();
  expect(await namesOf('RULE_REMOVED')()).toEqual([['goes', true]]);
  expect(await namesOf('RULE_CHANGED')()).toEqual([['changes', true]]);
  expect(await namesOf('RULE_DISABLED')()).toEqual([['sleeps', true]]);
  expect(await namesOf(undefined)()).toEqual([
    ['failures', true],
    ['live', true],
    ['queues', true],
    ['stays', true],
  ]);
  expect(second.app.alerts.getRule('live')).toMatchObject({ origin: 'API', openCount: 1 });
  expect(await second.app.alerts.require(acknowledged?.id ?? '')).toMatchObject({
    acknowledgement: { by: 'ann' },
  });

  // What does not match any more is resolved, and cools down for what is left of its time.
  await second.app.health.report({ name: 'a', health: 'healthy' });
  await clock.advance(4_000);
  await restart(second);
  const third = await openAlerted([{ ...bad, name: 'stays' }], { database, clock });
  await third.app.health.report({ name: 'a', health: 'bad' });
  await clock.advance(1_000);
  expect((await listOpen(third.app)).map(({ rule }) => rule.name)).not.toContain('stays');
  await clock.advance(11_000);
  expect((await listOpen(third.app)).map(({ rule }) => rule.name)).toContain('stays');
});
