import { expect, it } from 'vitest';
import type { Alert, AlertFilter, AlertSubject } from '../../src/alerts/alert.ts';
import { createAlertStore } from '../../src/alerts/alert-store.ts';
import { forEachDatabase, type TestDatabase } from '../support/databases.ts';
import { makeAlert, makeRule } from './stored-alerts.ts';

const ODD_TEXT = 'a\0b\ud800\ue000 "Ünï" \u2028 🦆';

const SUBJECTS: readonly AlertSubject[] = [
  { kind: 'QUEUE', flowId: 'orders', jobId: 'j1', routineId: 'work', slot: 'line' },
  { kind: 'ROUTINE', flowId: 'orders', jobId: 'j2', routineId: 'work' },
  { kind: 'FLOW', flowId: 'orders' },
  { kind: 'SERVICE', service: 'agent:crawler' },
];

const idsOf = (alerts: readonly Alert[]) => alerts.map(({ id }) => id).join('');

/** Alerts 1–4, one of each kind of subject, of which 3 is resolved and 4 acknowledged; and one of another tenant. */
async function openFilled(open: TestDatabase['open']) {
  const store = createAlertStore(await open());
  const critical = { ...makeAlert().rule, name: 'other', severity: 'CRITICAL' as const };
  const alerts = SUBJECTS.map((subject, at) =>
    makeAlert({ id: `${at + 1}`, subject, raisedAt: at }),
  );
  await store.putAlerts([
    ...alerts.slice(0, 2),
    makeAlert({ ...alerts[2], resolvedAt: 20, resolution: 'CONDITION_GONE', rule: critical }),
    makeAlert({ ...alerts[3], acknowledgement: { at: 30, by: 'ann', comment: 'mine' } }),
    makeAlert({ id: '5', tenant: 'acme' }),
  ]);
  return store;
}

forEachDatabase(({ open }) => {
  it('gives rules and alerts back as they were', async () => {
    const store = createAlertStore(await open());
    const odd = { tenant: ODD_TEXT, idempotencyKey: ODD_TEXT, updatedAt: Number.MAX_SAFE_INTEGER };
    const rules = [
      makeRule({ name: 'full', condition: 'usage > 0.5' }),
      makeRule({ kind: 'SERVICE_STATUS', description: ODD_TEXT, serviceId: ODD_TEXT }, odd),
    ];
    for (const rule of rules) await store.putRule(rule);
    expect(await store.loadRules()).toEqual(expect.arrayContaining(rules));
    const alerts = SUBJECTS.map((subject, at) =>
      makeAlert({
        id: `${at}`,
        tenant: ODD_TEXT,
        subject,
        message: ODD_TEXT,
        values: { text: ODD_TEXT, list: ['a'], none: null, share: 0.5 },
        resolvedAt: Number.MAX_SAFE_INTEGER,
        resolution: 'MAINTENANCE',
        acknowledgement: { at: 3, by: ODD_TEXT, comment: ODD_TEXT },
      }),
    );
    await store.putAlerts(alerts);
    expect(await store.findAlerts(ODD_TEXT, ['2', 'x', '0', '1', '3'])).toEqual([
      alerts[2],
      undefined,
      alerts[0],
      alerts[1],
      alerts[3],
    ]);
  });

  it('puts what is stored again in the place of what was', async () => {
    const store = createAlertStore(await open());
    await store.putRule(makeRule());
    await store.putRule(makeRule({ severity: 'INFO' }));
    await store.putRule(makeRule({}, { tenant: 'acme' }));
    expect(await store.loadRules()).toMatchObject([
      { tenant: 'acme', severity: 'WARNING' },
      { tenant: 'default', severity: 'INFO' },
    ]);
    await store.removeRule('default', 'full');
    expect(await store.loadRules()).toMatchObject([{ tenant: 'acme' }]);
    await store.putAlerts([makeAlert()]);
    await store.putAlerts([makeAlert({ resolvedAt: 12, resolution: 'SUBJECT_GONE' })]);
    expect(await store.findAlerts('default', ['0'])).toMatchObject([{ resolvedAt: 12 }]);
  });

  it('lists and counts those of one tenant that fit, newest first, page by page', async () => {
    const store = await openFilled(open);
    const page = { limit: 10, fromEnd: false };
    const found: [AlertFilter, string][] = [
      [{}, '4321'],
      [{ isOpen: true }, '421'],
      [{ isOpen: false }, '3'],
      [{ isAcknowledged: true }, '4'],
      [{ isAcknowledged: false }, '321'],
      [{ severities: ['CRITICAL'] }, '3'],
      [{ severities: [] }, ''],
      [{ kinds: ['QUEUE_PRESSURE'] }, '4321'],
      [{ kinds: ['JOB_FAILURES'] }, ''],
      [{ ruleId: 'other' }, '3'],
      [{ flowId: 'orders' }, '321'],
      [{ jobId: 'j2' }, '2'],
      [{ serviceId: 'agent:crawler' }, '4'],
      [{ raisedSince: 1, raisedUntil: 3 }, '32'],
    ];
    for (const [filter, ids] of found) {
      expect(idsOf(await store.listAlerts('default', { ...page, filter }))).toBe(ids);
      expect(await store.countAlerts('default', filter)).toBe(ids.length);
    }
    const all = { filter: {}, limit: 2 };
    const list = (query: object) =>
      store.listAlerts('default', { ...all, fromEnd: false, ...query }).then(idsOf);
    expect(await list({})).toBe('43');
    expect(await list({ after: '3' })).toBe('21');
    expect(await list({ fromEnd: true })).toBe('21');
    expect(await list({ fromEnd: true, before: '1' })).toBe('32');
    expect(await store.findAlerts('acme', ['1', '5'])).toMatchObject([undefined, { id: '5' }]);
  });

  it('finds at the start what is open, and what was resolved lately', async () => {
    const store = await openFilled(open);
    expect(idsOf(await store.loadOpen())).toBe('1245');
    expect(idsOf(await store.loadResolvedSince(20))).toBe('3');
    expect(await store.loadResolvedSince(21)).toEqual([]);
  });

  it('removes resolved ones that are old or too many of their tenant, and never open ones', async () => {
    const store = createAlertStore(await open());
    const resolution = 'CONDITION_GONE' as const;
    await store.putAlerts([
      makeAlert({ id: 'open' }),
      ...[1, 2, 3, 4].map((at) => makeAlert({ id: `${at}`, resolvedAt: at, resolution })),
      makeAlert({ id: '5', tenant: 'acme', resolvedAt: 5, resolution }),
    ]);
    expect(await store.removeResolvedBefore(3, 1)).toBe(1);
    expect(await store.removeResolvedBefore(3, 10)).toBe(1);
    expect(await store.removeResolvedBefore(3, 10)).toBe(0);
    expect(await store.removeBeyond(1, 10)).toBe(1);
    expect(await store.removeBeyond(1, 10)).toBe(0);
    const list = { filter: {}, limit: 10, fromEnd: false };
    expect(idsOf(await store.listAlerts('default', list))).toBe('open4');
    expect(idsOf(await store.listAlerts('acme', list))).toBe('5');
  });
});
