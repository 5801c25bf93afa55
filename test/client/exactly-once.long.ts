import { test } from 'vitest';
import { expectExactlyOnce } from './exactly-once.ts';

test('W4 a client that is cut 50 times during 100,000 events sees each event exactly once, in order', async () => {
  await expectExactlyOnce(100_000, 50, 20_000);
});
