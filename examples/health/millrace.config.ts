import { defineConfig } from 'millrace';

export default defineConfig({
  services: [
    {
      name: 'shop',
      description: 'Takes orders.',
      url: 'http://127.0.0.1:4100/health',
      intervalMs: 500,
      conditions: ['body.isOpen', 'body.waitingOrders < 100'],
      degradedAboveMs: 200,
      dependsOn: ['agent:stock'],
    },
    {
      name: 'checkout',
      url: 'http://127.0.0.1:4100/checkout/health',
      conditions: ['body.isOpen'],
      dependsOn: ['shop'],
    },
  ],
  alertRules: [
    {
      name: 'shop-is-down',
      kind: 'SERVICE_STATUS',
      serviceId: 'shop',
      forMs: 5_000,
      severity: 'CRITICAL',
    },
  ],
});
