import { expect, test } from 'vitest';
import { createContext, type Right, sharingKey, type Viewer } from '../../src/graphql/context.ts';
import { openApp } from './api.ts';

test('who may see other things, or is somebody else, shares nothing; from where one asks does not matter', async () => {
  const { services } = await openApp({ flows: [] });
  const keyOf = (rights: readonly Right[], more: Omit<Viewer, 'rights'> = {}) =>
    sharingKey(createContext(services, { rights: new Set(rights), ...more }));
  const keys = [
    keyOf([]),
    keyOf(['watch']),
    keyOf(['control']),
    keyOf(['watch', 'control']),
    keyOf(['watch'], { actor: 'ada' }),
    keyOf(['watch'], { actor: 'bob' }),
    keyOf(['watch'], { actor: 'null' }),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(keyOf(['control', 'watch'])).toBe(keyOf(['watch', 'control']));
  expect(keyOf(['watch'], { address: '10.0.0.1' })).toBe(keyOf(['watch']));
});
