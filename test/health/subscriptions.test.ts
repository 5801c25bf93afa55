import { expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { openApp, subscribeRefusal, watch } from '../api/api.ts';
import { ofTenant } from '../api/of-tenant.ts';
import {
  ClusterHealthChangedDocument,
  ServiceHealthChangedDocument,
} from '../generated/operations.ts';
import { ManualClock } from '../support/manual-clock.ts';

async function open() {
  const clock = new ManualClock();
  const app = await openApp({ flows: [], health: { parts: false }, clock });
  const report = (name: string, health: string, tenant = 'default') =>
    app.services.health.forTenant(tenant).report({ name, health });
  return { app, clock, report };
}

/** What a subscription says, one message after another, as `name status`. */
async function watchServices(app: App, variables: Parameters<typeof watchOf>[1] = {}) {
  const { next, leave } = await watchOf(app, variables);
  return {
    leave,
    next: async () => {
      const told = (await next())?.serviceHealthChanged;
      return told && `${told.name.replace('agent:', '')} ${told.status}`;
    },
  };
}

const watchOf = (
  app: App,
  variables: {
    service?: string;
    statuses?: ('HEALTHY' | 'DEGRADED' | 'UNHEALTHY' | 'UNKNOWN')[];
    maxRateHz?: number;
  },
) => watch(app, ServiceHealthChangedDocument, variables);

/** Whether nothing is told within a second. */
async function isSilent(clock: ManualClock, next: Promise<unknown>): Promise<boolean> {
  let isTold = false;
  void next.then(() => {
    isTold = true;
  });
  await clock.advance(1000);
  return !isTold;
}

test('H3 who watches services is told them as they are, and then only of changes', async () => {
  const { app, clock, report } = await open();
  await report('ann', 'healthy');
  await report('bob', 'bad');
  const { next } = await watchServices(app);
  expect([await next(), await next()]).toEqual(['ann HEALTHY', 'bob UNHEALTHY']);
  const change = next();
  for (let time = 0; time < 5; time++) {
    await report('ann', 'healthy');
    await report('bob', 'bad');
    await app.health.report({ name: 'ann', health: 'healthy', description: `The ${time}.` });
  }
  expect(await isSilent(clock, change)).toBe(true);
  await report('bob', 'healthy');
  expect(await change).toBe('bob HEALTHY');
  const other = next();
  await report('cid', 'degraded');
  await clock.advance(100);
  expect(await other).toBe('cid DEGRADED');
});

test('H3 with statuses it tells those alone that have one of them, or leave them', async () => {
  const { app, clock, report } = await open();
  for (const name of ['ann', 'bob']) await report(name, 'healthy');
  await report('cid', 'bad');
  const { next } = await watchServices(app, { statuses: ['UNHEALTHY', 'DEGRADED'] });
  expect(await next()).toBe('cid UNHEALTHY');
  const change = next();
  await app.health.report({ name: 'ann', status: 'running' }); // UNKNOWN
  await report('ann', 'healthy');
  expect(await isSilent(clock, change)).toBe(true);
  await report('cid', 'healthy');
  expect(await change).toBe('cid HEALTHY');
  const again = next();
  await report('cid', 'bad');
  await clock.advance(100);
  expect(await again).toBe('cid UNHEALTHY');
  const other = next();
  await report('ann', 'degraded');
  await clock.advance(100);
  expect(await other).toBe('ann DEGRADED');
});

test('one service is watched until it is removed', async () => {
  const { app, clock, report } = await open();
  for (const name of ['ann', 'bob']) await report(name, 'healthy');
  const { next } = await watchServices(app, { service: 'agent:ann' });
  expect(await next()).toBe('ann HEALTHY');
  const change = next();
  await report('bob', 'bad');
  expect(await isSilent(clock, change)).toBe(true);
  await report('ann', 'bad');
  expect(await change).toBe('ann UNHEALTHY');
  const last = next();
  await app.health.remove('agent:ann');
  expect(await last).toBeUndefined();
  expect(await subscribeRefusal(app, ServiceHealthChangedDocument, { service: 'ann' })).toEqual({
    code: 'NOT_FOUND',
    message: expect.stringContaining('There is no Service "ann"'),
  });
  const job = { service: 'Job:ann' };
  expect(await subscribeRefusal(app, ServiceHealthChangedDocument, job)).toMatchObject({
    code: 'VALIDATION_FAILED',
  });
});

test('the beginning and the end of a maintenance are told', async () => {
  const { app, clock, report } = await open();
  await report('ann', 'healthy');
  const { next } = await watchOf(app, { service: 'Service:agent:ann' });
  const reason = async () => (await next())?.serviceHealthChanged.maintenance?.reason;
  expect(await reason()).toBeUndefined();
  const begun = reason();
  await app.health.startMaintenance('agent:ann', {
    until: clock.now() + 60_000,
    reason: 'A new disk.',
  });
  await clock.advance(100);
  expect(await begun).toBe('A new disk.');
  const over = reason();
  await clock.advance(59_000);
  await clock.advance(2000);
  expect(await over).toBeUndefined();
  expect(app.health.require('agent:ann').maintenance).toBeUndefined();
});

test('what changes faster than it is told is merged: who reads gets the latest', async () => {
  const { app, clock, report } = await open();
  await report('ann', 'healthy');
  const { next } = await watchServices(app, { maxRateHz: 1 });
  expect(await next()).toBe('ann HEALTHY');
  await clock.advance(2000);
  const first = next();
  await report('ann', 'bad');
  expect(await first).toBe('ann UNHEALTHY');
  const change = next();
  await report('ann', 'healthy');
  await report('ann', 'degraded');
  await clock.advance(900);
  await report('ann', 'healthy');
  await report('ann', 'unsure');
  await report('ann', 'degraded');
  await clock.advance(200);
  expect(await change).toBe('ann DEGRADED');
  expect(await isSilent(clock, next())).toBe(true);
});

test('H3 several who watch are each told everything, at whatever rate', async () => {
  const { app, clock, report } = await open();
  await report('ann', 'healthy');
  const all = await Promise.all(
    [{}, {}, { maxRateHz: 20 }, { service: 'agent:ann' }].map((each) => watchServices(app, each)),
  );
  for (const { next } of all) expect(await next()).toBe('ann HEALTHY');
  await all[0]?.leave();
  const changes = all.slice(1).map(({ next }) => next());
  await clock.advance(200);
  await report('ann', 'bad');
  await clock.advance(200);
  expect(await Promise.all(changes)).toEqual(Array(3).fill('ann UNHEALTHY'));
});

test('O7 nothing is told of what is another tenant’s', async () => {
  const { app, clock, report } = await open();
  const acme = ofTenant(app, 'acme');
  await report('ann', 'healthy', 'acme');
  await report('ann', 'bad', 'globex');
  const { next } = await watchServices(acme);
  const { next: nextOfOne } = await watchServices(acme, { service: 'agent:ann' });
  const { next: nextCluster } = await watch(acme, ClusterHealthChangedDocument, {});
  expect([await next(), await nextOfOne()]).toEqual(['ann HEALTHY', 'ann HEALTHY']);
  expect((await nextCluster())?.clusterHealthChanged.status).toBe('HEALTHY');
  const changes = [next(), nextOfOne(), nextCluster()];
  await report('ann', 'healthy', 'globex');
  await report('bob', 'bad', 'globex');
  await app.services.health.forTenant('globex').remove('agent:ann');
  expect(await isSilent(clock, Promise.race(changes))).toBe(true);
  await report('ann', 'degraded', 'acme');
  expect(await Promise.all(changes.slice(0, 2))).toEqual(['ann DEGRADED', 'ann DEGRADED']);
});

test('H4 the cluster is told as it is, then when its status, counts or causes change', async () => {
  const { app, clock, report } = await open();
  await report('ann', 'healthy');
  await report('bob', 'healthy');
  const { next } = await watch(app, ClusterHealthChangedDocument, {});
  const cluster = async () => (await next())?.clusterHealthChanged;
  expect(await cluster()).toMatchObject({ status: 'HEALTHY', counts: { healthy: 2 }, causes: [] });
  const change = cluster();
  await report('ann', 'healthy');
  await app.health.report({ name: 'ann', health: 'healthy', description: 'Reads mail.' });
  expect(await isSilent(clock, change)).toBe(true);
  await report('ann', 'bad');
  expect(await change).toMatchObject({
    status: 'UNHEALTHY',
    counts: { healthy: 1, unhealthy: 1 },
    causes: [{ name: 'agent:ann' }],
  });
  const sameStatus = cluster();
  await report('bob', 'bad');
  await clock.advance(100);
  expect(await sameStatus).toMatchObject({ status: 'UNHEALTHY', counts: { unhealthy: 2 } });
});
