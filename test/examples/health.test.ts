import { expect, onTestFinished, test } from 'vitest';
import config from '../../examples/health/millrace.config.ts';
import { openShop } from '../../examples/health/shop.ts';
import { openApp } from '../api/api.ts';

/** How long it may take until something is as it should be, in milliseconds. */
const PATIENCE_MS = 10_000;

test('H1 H5 the example of health: a shop that is checked, and an agent that reports', async () => {
  const reported = await openApp({ flows: [], health: { parts: false } });
  const { url: reportTo } = await reported.listen({ port: 0 });
  const shop = await openShop(0, reportTo);
  onTestFinished(() => shop.close());
  expect(reported.health.require('agent:stock')).toMatchObject({
    status: 'HEALTHY',
    intervalMs: 1_000,
    lastResult: { details: '{"articles":1204}' },
  });

  const services = (config.services ?? []).map((service) => ({
    ...service,
    url: service.url.replace('http://127.0.0.1:4100', shop.url),
    intervalMs: 50,
  }));
  const app = await openApp({ flows: [], health: { services, parts: false } });
  const comesTo = (status: string) =>
    expect.poll(() => app.health.require('shop').status, { timeout: PATIENCE_MS }).toBe(status);
  await comesTo('HEALTHY');
  await (await fetch(`${shop.url}/close`)).text();
  await comesTo('UNHEALTHY');
  expect(app.health.require('shop').explanation?.text).toBe(
    '3 checks in a row failed (threshold 3). The last: Condition failed: body.isOpen (body.isOpen was false).',
  );
  await (await fetch(`${shop.url}/open`)).text();
  await comesTo('HEALTHY');
});
