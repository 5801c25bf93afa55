import { expect, test } from 'vitest';
import type { Job } from '../../src/jobs/job.ts';
import { JobCache } from '../../src/jobs/job-cache.ts';

const job = (id: string, state: Job['state'] = 'RUNNING') => ({ id, state }) as Job; // what a cache looks at

test('what was kept is found, until it is written', async () => {
  const cache = new JobCache();
  cache.keep(job('a'), 10, cache.mark);
  expect(cache.get('a')).toEqual(job('a'));
  await cache.during('a', async () => undefined);
  expect(cache.get('a')).toBeUndefined();
});

test('what a read found that overlaps a write is not kept', async () => {
  const cache = new JobCache();
  const before = cache.mark;
  let during = 0;
  await cache.during('a', async () => {
    cache.keep(job('a'), 10, before);
    expect(cache.get('a')).toBeUndefined();
    during = cache.mark;
    cache.keep(job('a'), 10, during);
    expect(cache.get('a')).toBeDefined();
  });
  expect(cache.get('a')).toBeUndefined();
  cache.keep(job('a'), 10, during);
  expect(cache.get('a')).toBeUndefined();
});

test('a write that fails may have happened', async () => {
  const cache = new JobCache();
  cache.keep(job('a'), 10, cache.mark);
  const write = cache.during('a', () => Promise.reject(new Error('no')));
  await expect(write).rejects.toThrow('no');
  expect(cache.get('a')).toBeUndefined();
});

test('it is bounded by jobs and by text, and lets go of what was not used for longest', () => {
  const cache = new JobCache();
  for (let at = 0; at < 5_000; at++) cache.keep(job(`job-${at}`), 10, cache.mark);
  expect(cache.get('job-0')).toBeDefined();
  cache.keep(job('another'), 10, cache.mark);
  expect(cache.get('job-0')).toBeDefined();
  expect(cache.get('job-1')).toBeUndefined();
  cache.keep(job('large'), 15_999_000, cache.mark);
  expect(cache.get('job-2')).toBeUndefined();
  expect(cache.get('large')).toBeDefined();
  cache.keep(job('too large'), 16_000_001, cache.mark);
  expect(cache.get('too large')).toBeUndefined();
});
