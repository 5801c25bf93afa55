import { test } from 'vitest';
import { expectClientWorks } from './run-client.ts';

test('the example with urql starts a job, watches it and reads its end', async () => {
  await expectClientWorks('urql');
});
