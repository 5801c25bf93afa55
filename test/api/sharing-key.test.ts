import { expect, test } from 'vitest';
import { createContext, sharingKey, type Viewer } from '../../src/graphql/context.ts';
import type { Scope } from '../../src/lib/identity.ts';
import { openApp } from './api.ts';

test('who may see other things, or is somebody else, shares nothing; from where one asks does not matter', async () => {
  const { services } = await openApp({ flows: [] });
  const keyOf = (scopes: readonly Scope[], more: Partial<Viewer> = {}) =>
    sharingKey(createContext(services, { scopes: new Set(scopes), tenant: 'default', ...more }));
  const keys = [
    keyOf([]),
    keyOf(['read']),
    keyOf(['control']),
    keyOf(['read', 'control']),
    keyOf(['read'], { subject: 'ada' }),
    keyOf(['read'], { subject: 'bob' }),
    keyOf(['read'], { subject: 'null' }),
    keyOf(['read'], { tenant: 'acme' }),
    keyOf(['read'], { tenant: 'acme', subject: 'ada' }),
    keyOf(['read'], { tenant: 'ada' }),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(keyOf(['control', 'read'])).toBe(keyOf(['read', 'control']));
  expect(keyOf(['read'], { address: '10.0.0.1' })).toBe(keyOf(['read']));
});
