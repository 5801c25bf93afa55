import { test } from 'vitest';
import { expectExactlyOnce } from './exactly-once.ts';

test('W4 a client that is cut 20 times during 10,000 events sees each event exactly once, in order', async () => {
  await expectExactlyOnce(10_000, 20, 1000);
});
