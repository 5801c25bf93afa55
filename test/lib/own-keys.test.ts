import { expect, test } from 'vitest';
import { OwnKeys } from '../../src/lib/own-keys.ts';

const wide = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`key${at}`, at]));

test('lists keys until there were too many; what it listed it lists again', () => {
  const keys = new OwnKeys(1_000);
  const [one, other] = [wide(900), wide(2_000)];
  expect(keys.list(one)).toEqual(Object.keys(one));
  expect(keys.list(other)).toHaveLength(2_000);
  expect(keys.list(one)).toHaveLength(900);
  expect(keys.list({ a: 1 })).toBeUndefined();
});
