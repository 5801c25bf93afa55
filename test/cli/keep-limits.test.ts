import { expect, test } from 'vitest';
import { readKeepLimits } from '../../src/cli/keep-limits.ts';

const DAY_MS = 86_400_000;

test('what is kept is said by age and count', () => {
  expect(readKeepLimits('jobs=90d,100000 traces=12h  audit=5 log=200 minutes=1d')).toEqual({
    jobs: { maxAgeMs: 90 * DAY_MS, maxCount: 100_000 },
    traces: { maxAgeMs: DAY_MS / 2 },
    audit: { maxCount: 5 },
    logLinesPerJob: 200,
    metrics: { minutesMs: DAY_MS },
  });
  expect(readKeepLimits('')).toEqual({ metrics: {} });
});

test.each(['jobs', 'jobs=', 'jobs=soon', 'jobs=1y', 'jobs=-1d', 'log=1d', 'minutes=5', 'other=1d'])(
  '%s is refused',
  (text) => expect(readKeepLimits(text)).toBeUndefined(),
);
