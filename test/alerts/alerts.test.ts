import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AlertNews } from '../../src/alerts/alert-book.ts';
import type { AlertRuleInput } from '../../src/alerts/alert-service.ts';
import { ask, ended, jobOf, openApp, refusal, startJob, until, watch } from '../api/api.ts';
import { ofTenant } from '../api/of-tenant.ts';
import {
  AcknowledgeAlertDocument,
  AddAlertRuleDocument,
  type AlertRaisedSubscription as AlertRaised,
  AlertRaisedDocument,
  AlertResolvedDocument,
  GetAlertDocument,
  GetAlertRuleDocument,
  ListAlertRulesDocument,
  ListAlertsDocument,
  RemoveAlertRuleDocument,
  UpdateAlertRuleDocument,
} from '../generated/operations.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { failingFlow, listAll, listOpen, openAlerted } from './alerted.ts';

const badAgents = {
  name: 'bad',
  kind: 'SERVICE_STATUS',
  coolDownMs: 0,
} as const;

async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-alerts-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

describe('M10 a slot that is full for some time', () => {
  const rule = {
    name: 'full',
    kind: 'QUEUE_PRESSURE',
    flowId: 'full',
    severity: 'CRITICAL',
    forMs: 3_000,
    coolDownMs: 0,
  } as const;

  test('is told, with all that it is about, and again when it is over', async () => {
    const { app, clock, gate } = await openAlerted([rule]);
    const raised = await watch(app, AlertRaisedDocument, {});
    const resolved = await watch(app, AlertResolvedDocument, {});
    const id = await startJob(app, { flowId: 'full', input: 6 });
    await until(() => gate.waiting === 1);
    await clock.advance(3_000);
    expect(await listAll(app)).toEqual([]);
    await clock.advance(1_000);
    const { alertRaised: alert } = (await raised.next()) ?? {};
    expect(alert).toMatchObject({
      severity: 'CRITICAL',
      kind: 'QUEUE_PRESSURE',
      isOpen: true,
      message: expect.stringMatching(
        /^The slot "item" of routine "work" in job .* of flow "full" is full: 4 of 4 items wait, the oldest for 4 s\.$/,
      ),
      values: { usage: 1, unconsumedCount: 4, maxLength: 4, slot: 'item', isFull: true },
      job: { id },
      flow: { id: 'Flow:full' },
      routine: { id: 'Routine:full/work' },
      jobRoutine: { id: expect.stringMatching(/\/work$/) },
      queue: { id: expect.stringMatching(/\/work\.item$/) },
      service: null,
      rule: { id: 'AlertRule:full', openCount: 1 },
    });
    while (gate.waiting > 0) {
      gate.openAll();
      await settle();
    }
    await ended(app, id);
    await clock.advance(1_000);
    const { alertResolved } = (await resolved.next()) ?? {};
    expect(alertResolved).toMatchObject({
      id: alert?.id,
      isOpen: false,
      resolution: 'SUBJECT_GONE',
    });
    expect(await jobOf(app, id)).toMatchObject({ status: 'COMPLETED' });
  });

  test('for a shorter time is not', async () => {
    const { app, clock, gate } = await openAlerted([rule]);
    await startJob(app, { flowId: 'full', input: 5 });
    await until(() => gate.waiting === 1);
    await clock.advance(2_500);
    gate.openAll();
    await clock.advance(10_000);
    expect(await listAll(app)).toEqual([]);
  });

  test('is over when there is room again; and a condition has to be true besides', async () => {
    const { app, clock, gate } = await openAlerted([
      {
        ...rule,
        name: 'some',
        forMs: 0,
        condition: 'oldestWaitMs >= 5000 and jobState == "RUNNING"',
      },
      { ...rule, name: 'half', forMs: 0, level: 'MEDIUM', routineId: 'source' },
    ]);
    await startJob(app, { flowId: 'full', input: 5 });
    await until(() => gate.waiting === 1);
    await clock.advance(4_000);
    expect(await listAll(app)).toEqual([]);
    await clock.advance(2_000);
    expect(await listOpen(app)).toMatchObject([{ rule: { name: 'some' } }]);
    gate.openAll();
    await clock.advance(1_000);
    expect(await listAll(app)).toMatchObject([{ resolution: 'CONDITION_GONE' }]);
  });

  test('with a condition that can not be worked out is told on the rule', async () => {
    const condition = 'timeUntilFullMs.length > 1';
    const { app, clock, gate } = await openAlerted([{ ...rule, forMs: 0, condition }]);
    await startJob(app, { flowId: 'full', input: 5 });
    await until(() => gate.waiting === 1);
    await clock.advance(2_000);
    expect(await listAll(app)).toEqual([]);
    const { alertRule } = await ask(app, GetAlertRuleDocument, { id: 'full' });
    expect(alertRule?.problem).toMatch(/^The condition could not be worked out: /);
    gate.openAll();
    await clock.advance(3_000);
    expect(app.alerts.getRule('full')?.problem).toBeUndefined();
  });
});

describe('M10 a routine that fails too often', () => {
  test('is told, and over when it does no longer', async () => {
    const { app, clock, gate } = await openAlerted([
      {
        name: 'errors',
        kind: 'ROUTINE_ERROR_RATE',
        windowMs: 12_000,
        minExecutions: 4,
        errorRate: 0.5,
        coolDownMs: 0,
      },
    ]);
    const id = await startJob(app, { flowId: 'checking', input: [-1, -2, 3, 4, 0] });
    await until(() => gate.waiting === 1);
    await clock.advance(1_000);
    expect(await listOpen(app)).toMatchObject([
      {
        subject: { kind: 'ROUTINE', flowId: 'checking', jobId: id.slice(4), routineId: 'check' },
        message: expect.stringMatching(
          /^2 of 4 executions of routine "check" in job .* failed within 12 s\. The latest: -2 is negative\.$/,
        ),
        values: { errorRate: 0.5, errorCount: 2, executionCount: 4, lastError: '-2 is negative.' },
      },
    ]);
    await clock.advance(14_000);
    expect(await listAll(app)).toMatchObject([{ resolution: 'CONDITION_GONE' }]);
    gate.openAll();
  });
});

describe('M10 jobs that fail', () => {
  const rule = {
    name: 'failures',
    kind: 'JOB_FAILURES',
    windowMs: 10_000,
    minFailures: 2,
    coolDownMs: 5_000,
  } as const;

  test('are counted for each flow, in a window; with a cool-down after', async () => {
    const { app, clock } = await openAlerted([rule]);
    const fail = async (flowId = 'failing') => {
      await ended(app, await startJob(app, { flowId, input: 'no luck' }));
      await settle();
    };
    await fail();
    await fail('other');
    expect(await listAll(app)).toEqual([]);
    await clock.advance(4_000);
    await fail();
    expect(await listOpen(app)).toMatchObject([
      {
        subject: { kind: 'FLOW', flowId: 'failing' },
        message: expect.stringMatching(
          /^2 jobs of flow "failing" failed within 10 s\. The latest, .*: no luck$/,
        ),
        values: { failureCount: 2, lastError: 'no luck' },
      },
    ]);
    await clock.advance(6_500);
    expect(await listOpen(app)).toEqual([]); // the first has left the window
    await fail(); // two again, but it cools down
    expect(await listOpen(app)).toEqual([]);
    await clock.advance(3_000);
    expect(await listOpen(app)).toEqual([]);
    await fail();
    await clock.advance(3_000);
    expect(await listAll(app)).toMatchObject([
      { resolvedAt: undefined },
      { resolution: 'CONDITION_GONE' },
    ]);
  });

  test('before the rule was made count too', async () => {
    const { app } = await openAlerted([]);
    const id = await startJob(app, { flowId: 'failing', input: 'early' });
    await ended(app, id);
    await app.alerts.addRule({ ...rule, minFailures: 1 });
    expect(await listOpen(app)).toMatchObject([{ values: { lastJobId: id.slice(4) } }]);
  });
});

describe('M10 services', () => {
  test('of a status are told at once, in maintenance never', async () => {
    const { app, clock } = await openAlerted([
      { ...badAgents, statuses: ['UNHEALTHY', 'DEGRADED'] },
    ]);
    await app.health.report({ name: 'a', health: 'degraded', message: 'Slow.' });
    await app.health.report({ name: 'b', health: 'healthy' });
    await settle();
    const { alerts } = await ask(app, ListAlertsDocument, { filter: { serviceId: 'agent:a' } });
    expect(alerts).toMatchObject({
      totalCount: 1,
      nodes: [
        {
          message: expect.stringMatching(/^Service "agent:a" is DEGRADED\. /),
          values: { service: 'agent:a', status: 'DEGRADED', kind: 'AGENT' },
          service: { id: 'Service:agent:a' },
          flow: null,
          job: null,
        },
      ],
    });
    await app.health.startMaintenance('agent:a', { until: clock.now() + 60_000 });
    await settle();
    expect(await listAll(app)).toMatchObject([{ resolution: 'MAINTENANCE' }]);
    await app.health.report({ name: 'a', health: 'bad' });
    await clock.advance(2_000);
    expect(await listOpen(app)).toEqual([]);
    await app.health.endMaintenance('agent:a');
    await settle();
    expect(await listOpen(app)).toMatchObject([{ values: { status: 'UNHEALTHY' } }]);
    await app.health.report({ name: 'a', health: 'healthy' });
    await settle();
    expect((await listAll(app)).map(({ resolution }) => resolution)).toEqual([
      'CONDITION_GONE',
      'MAINTENANCE',
    ]);
  });

  test('that are removed leave no open alert', async () => {
    const { app } = await openAlerted([badAgents]);
    await app.health.report({ name: 'a', health: 'bad' });
    await settle();
    expect(await listOpen(app)).toHaveLength(1);
    await app.health.remove('agent:a');
    await settle();
    expect(await listAll(app)).toMatchObject([{ resolution: 'SUBJECT_GONE' }]);
  });

  test('have one open alert each, and a rule a hundred; what is beyond is counted, and has its turn', async () => {
    const { app, clock } = await openAlerted([badAgents]);
    for (let n = 0; n < 103; n++) await app.health.report({ name: `a${n}`, health: 'bad' });
    await clock.advance(1_000);
    await app.health.report({ name: 'a0', health: 'bad' });
    expect(await listOpen(app)).toHaveLength(100);
    expect(app.alerts.getRule('bad')).toMatchObject({ openCount: 100, suppressedCount: 3 });
    await app.health.report({ name: 'a0', health: 'healthy' });
    await clock.advance(1_000);
    expect(app.alerts.getRule('bad')).toMatchObject({ openCount: 100, suppressedCount: 2 });
  });
});

describe('M10 alerts', () => {
  test('are acknowledged, by whom and with what they say', async () => {
    const { app } = await openAlerted([badAgents]);
    await app.health.report({ name: 'a', health: 'bad' });
    await settle();
    const [{ id } = { id: '' }] = await listOpen(app);
    const input = { alertId: `Alert:${id}`, actor: 'ann', comment: 'Looking.' };
    const { acknowledgeAlert } = await ask(app, AcknowledgeAlertDocument, { input });
    expect(acknowledgeAlert).toMatchObject({
      alert: { isOpen: true, acknowledgedBy: 'ann', acknowledgeComment: 'Looking.' },
    });
    await app.health.report({ name: 'a', health: 'healthy' });
    await settle();
    const filter = { isAcknowledged: true, isOpen: false, ruleId: 'AlertRule:bad' };
    const { alerts } = await ask(app, ListAlertsDocument, { filter });
    expect(alerts.nodes).toMatchObject([{ id: `Alert:${id}`, acknowledgedBy: 'ann' }]);
    const nobody = { alertId: 'Alert:nobody' };
    expect(await ask(app, AcknowledgeAlertDocument, { input: nobody })).toMatchObject({
      acknowledgeAlert: { code: 'NOT_FOUND' },
    });
  });

  test('are listed and counted though the database can not be written: nobody waits long', async () => {
    const file = join(await makeDirectory(), 'millrace.db');
    const logged: string[] = [];
    const logger = pino({ level: 'error' }, { write: (line) => void logged.push(line) });
    const options = { database: `sqlite:${file}`, logger };
    const { app, clock } = await openAlerted([badAgents], options);
    await app.health.report({ name: 'a', health: 'healthy' });
    const other = new Sqlite(file);
    onTestFinished(() => void other.close());
    other.exec('begin immediate');
    await app.health.report({ name: 'a', health: 'bad' });
    await clock.advance(1_000);
    const asked = Promise.all([listAll(app), app.alerts.count({})]);
    await clock.advance(1_000);
    expect(await asked).toEqual([[], 0]);
    expect(logged.filter((line) => line.includes('Alerts were not stored'))).toEqual([]); // it is still tried
    other.exec('rollback');
    while ((await listAll(app)).length === 0) await settle();
    expect(await app.alerts.count({})).toBe(1);
  });

  test('are told to listeners, of which one that throws harms nobody; and first to who comes later', async () => {
    const { app, clock } = await openAlerted([
      badAgents,
      { ...badAgents, name: 'worst', severity: 'CRITICAL', serviceId: 'agent:c' },
    ]);
    const told: AlertNews[] = [];
    app.alerts.onAlert(() => {
      throw new Error('A listener that fails.');
    });
    const stop = app.alerts.onAlert((news) => told.push(news));
    await app.health.report({ name: 'a', health: 'bad' });
    await settle();
    const raised = await watch(app, AlertRaisedDocument, { minSeverity: 'WARNING', ruleId: 'bad' });
    expect(await raised.next()).toMatchObject({
      alertRaised: { service: { id: 'Service:agent:a' } },
    });
    const worst = await watch(app, AlertRaisedDocument, { minSeverity: 'CRITICAL' });
    await app.health.report({ name: 'a', health: 'healthy' });
    await settle();
    stop();
    await app.health.report({ name: 'b', health: 'bad' });
    await clock.advance(1_000);
    expect(told.map(({ change, alert }) => [change, alert.resolution])).toEqual([
      ['RAISED', undefined],
      ['RESOLVED', 'CONDITION_GONE'],
    ]);
    expect(await raised.next()).toMatchObject({
      alertRaised: { service: { id: 'Service:agent:b' } },
    });
    await app.health.report({ name: 'c', health: 'bad' });
    await clock.advance(1_000);
    expect(await worst.next()).toMatchObject({ alertRaised: { ruleName: 'worst' } });
  });

  test('are told once to each who watches, also to who comes while one is being told', async () => {
    const { app, clock } = await openAlerted([badAgents]);
    const bad = async (name: string) => {
      await app.health.report({ name, health: 'bad' });
      await settle();
    };
    const ids = async (watching: { next(): Promise<AlertRaised | undefined> }, count: number) => {
      const told: string[] = [];
      while (told.length < count) {
        told.push((await watching.next())?.alertRaised.service?.id ?? '');
      }
      return told;
    };
    const one = await watch(app, AlertRaisedDocument, {});
    await bad('a');
    await clock.advance(1_000);
    await bad('b');
    await bad('c'); // too soon after
    const other = await watch(app, AlertRaisedDocument, {});
    const first = ['Service:agent:a', 'Service:agent:b'];
    expect(await ids(other, 2)).toEqual(first);
    await clock.advance(1_000);
    await bad('d');
    await clock.advance(1_000);
    expect(await ids(one, 4)).toEqual([...first, 'Service:agent:c', 'Service:agent:d']);
    expect(await ids(other, 2)).toEqual(['Service:agent:c', 'Service:agent:d']);
  });

  test('and rules of one tenant are not there for another', async () => {
    const { app } = await openAlerted([
      badAgents,
      { ...badAgents, tenant: 'acme', severity: 'INFO' },
    ]);
    const acme = ofTenant(app, 'acme');
    await app.health.forTenant('acme').report({ name: 'a', health: 'bad' });
    await settle();
    expect(await listAll(app)).toEqual([]);
    const { alerts } = await ask(acme, ListAlertsDocument, {});
    expect(alerts.nodes).toMatchObject([{ severity: 'INFO' }]);
    const id = alerts.nodes[0]?.id ?? '';
    expect(await refusal(app, GetAlertDocument, { id })).toMatchObject({ code: 'NOT_FOUND' });
    const input = { alertId: id };
    expect(await ask(app, AcknowledgeAlertDocument, { input })).toMatchObject({
      acknowledgeAlert: { code: 'NOT_FOUND' },
    });
  });
});

describe('M10 alert rules', () => {
  test('are made, changed and removed live; those of the configuration are not', async () => {
    const { app } = await openAlerted([badAgents]);
    const add = (input: object) =>
      ask(app, AddAlertRuleDocument, { input: { name: 'live', kind: 'SERVICE_STATUS', ...input } });
    expect(await add({ serviceId: 'Service:agent:a', idempotencyKey: 'k' })).toMatchObject({
      addAlertRule: {
        alertRule: {
          id: 'AlertRule:live',
          origin: 'API',
          problem: 'There is no service "agent:a" now.',
          settings: { serviceName: 'agent:a', statuses: ['UNHEALTHY'] },
        },
      },
    });
    expect(await add({ idempotencyKey: 'k' })).toMatchObject({ addAlertRule: { alertRule: {} } });
    expect(await add({})).toMatchObject({ addAlertRule: { code: 'ALERT_RULE_EXISTS' } });
    expect(await add({ name: 'bad' })).toMatchObject({
      addAlertRule: { code: 'ALERT_RULE_EXISTS' },
    });
    expect(await add({ name: 'no', level: 'LOW', condition: 'stats' })).toMatchObject({
      addAlertRule: { issues: [{ pathText: 'input.level' }, { pathText: 'input.condition' }] },
    });
    const flow = { name: 'no', kind: 'JOB_FAILURES', flowId: 'ful' };
    expect(await add(flow)).toMatchObject({
      addAlertRule: { message: 'input.flowId: There is no flow "ful". Did you mean "full"?' },
    });
    await app.health.report({ name: 'a', health: 'bad' });
    await settle();
    const update = (input: object) =>
      ask(app, UpdateAlertRuleDocument, { input: { alertRuleId: 'AlertRule:live', ...input } });
    expect(await update({ severity: 'INFO' })).toMatchObject({
      updateAlertRule: { alertRule: { severity: 'INFO', openCount: 1 } },
    });
    expect(await update({ statuses: ['DEGRADED'] })).toMatchObject({
      updateAlertRule: { alertRule: { openCount: 0 } },
    });
    await update({ statuses: null });
    await update({ isEnabled: false });
    await update({ isEnabled: true });
    const { removeAlertRule } = await ask(app, RemoveAlertRuleDocument, {
      input: { alertRuleId: 'live' },
    });
    expect(removeAlertRule).toMatchObject({ removedAlertRuleId: 'AlertRule:live' });
    const ofLive = (await listAll(app)).filter(({ rule }) => rule.name === 'live');
    expect(ofLive.map(({ resolution }) => resolution)).toEqual([
      'RULE_REMOVED',
      'RULE_DISABLED',
      'RULE_CHANGED',
    ]);
    for (const change of [
      update({ alertRuleId: 'bad', severity: 'INFO' }),
      ask(app, RemoveAlertRuleDocument, { input: { alertRuleId: 'bad' } }),
    ]) {
      expect(Object.values(await change)).toMatchObject([{ code: 'ALERT_RULE_FIXED' }]);
    }
    const { alertRules } = await ask(app, ListAlertRulesDocument, {});
    expect(alertRules.nodes).toMatchObject([
      { name: 'bad', origin: 'CONFIGURATION', openCount: 1 },
    ]);
  });

  test('take the flow from the id of a routine, and refuse one of another flow', async () => {
    const { app } = await openAlerted([]);
    const add = (input: object) =>
      ask(app, AddAlertRuleDocument, {
        input: { name: 'live', kind: 'QUEUE_PRESSURE', routineId: 'Routine:full/work', ...input },
      });
    expect(await add({ flowId: 'checking' })).toMatchObject({
      addAlertRule: { issues: [{ pathText: 'input.routineId' }] },
    });
    expect(await add({})).toMatchObject({
      addAlertRule: { alertRule: { settings: { flowId: 'full' } } },
    });
  });

  test('of a flow that is gone can be changed otherwise, and disabled', async () => {
    const database = `sqlite:${join(await makeDirectory(), 'millrace.db')}`;
    const first = await openApp({ flows: [failingFlow()], database });
    const failures = { name: 'live', kind: 'JOB_FAILURES', flowId: 'failing' };
    await first.alerts.addRule(failures);
    await first.close();
    const app = await openApp({ flows: [failingFlow('other')], database });
    expect(app.alerts.getRule('live')?.problem).toBe('There is no flow "failing".');
    const update = (changes: AlertRuleInput) => app.alerts.updateRule('live', changes);
    expect(await update({ isEnabled: false })).toMatchObject({ isEnabled: false });
    await expect(update({ flowId: 'no' })).rejects.toMatchObject({
      issues: [{ path: ['input', 'flowId'] }],
    });
    expect(await update({ flowId: 'other' })).toMatchObject({ problem: undefined });
  });

  test('of the configuration that are wrong are refused, all faults at once, before anything is opened', async () => {
    const rules = [badAgents, badAgents, { name: '!', kind: 'JOB_FAILURES' as const }];
    const clock = new ManualClock();
    const directory = await makeDirectory();
    const database = `sqlite:${join(directory, 'millrace.db')}`;
    const opening = openApp({ flows: [], clock, database, alerts: { rules } });
    await expect(opening).rejects.toMatchObject({
      issues: [{ path: ['alerts', 'rules', 1, 'name'] }, { path: ['alerts', 'rules', 2, 'name'] }],
    });
    expect(await readdir(directory)).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  test('cost no timer while there is nothing to look at', async () => {
    const { app, clock } = await openAlerted([badAgents]);
    await clock.advance(5_000);
    const before = clock.timers;
    await app.alerts.addRule({ name: 'queues', kind: 'QUEUE_PRESSURE' });
    expect(clock.timers).toBe(before + 1);
    await app.alerts.removeRule('queues');
    await clock.advance(1_000);
    expect(clock.timers).toBe(before);
    await app.close();
    expect(app.pubsub.listenerCount('jobEvent')).toBe(0);
    expect(app.pubsub.listenerCount('serviceChanged')).toBe(0);
    expect(app.pubsub.listenerCount('alertChanged')).toBe(0);
  });
});
