import { expect, test } from 'vitest';
import { readKeepLimits } from '../../src/config/keep-limits.ts';

const DAY_MS = 86_400_000;

test('what is kept is said by age and count', () => {
  expect(
    readKeepLimits('jobs=90d,100000 traces=12h  audit=5 log=200 events=300 minutes=1d'),
  ).toEqual({
    jobs: { maxAgeMs: 90 * DAY_MS, maxCount: 100_000 },
    traces: { maxAgeMs: DAY_MS / 2 },
    audit: { maxCount: 5 },
    logLinesPerJob: 200,
    events: 300,
    metrics: { minutesMs: DAY_MS },
  });
  expect(readKeepLimits('')).toEqual({ metrics: {} });
});

test('no jobs, traces and audit entries may be kept', () => {
  expect(readKeepLimits('jobs=0 traces=0d audit=0h,0')).toEqual({
    jobs: { maxCount: 0 },
    traces: { maxAgeMs: 0 },
    audit: { maxAgeMs: 0, maxCount: 0 },
    metrics: {},
  });
});

test.each([
  ...['jobs', 'jobs=', 'jobs=soon', 'jobs=1y', 'jobs=-1d', 'log=1d', 'minutes=5', 'other=1d'],
  ...['jobs=1d,2d', 'jobs=1d,2h', 'jobs=1,2', 'jobs=0,0', 'jobs=1d,2,3d', 'jobs=1d,'],
  ...['jobs=1d jobs=2', 'log=1 log=1', 'minutes=1d hours=1d minutes=2d'],
  ...[
    'log=0',
    'log=00',
    'events=0',
    'events=1d',
    'minutes=0h',
    'hours=0d',
    'days=0d',
    'minutes=0',
    'log=0,0',
  ],
])('%s is refused', (text) => expect(readKeepLimits(text)).toBeUndefined());
