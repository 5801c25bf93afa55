import { describe, expect, test } from 'vitest';
import { createStatusCheck, readExpectedStatus } from '../../src/health/expected-status.ts';

describe('an expected status', () => {
  test.each([
    [404, '404'],
    ['404', '404'],
    ['200-299', '200-299'],
    [' 200 - 204 ', '200-204'],
    ['2xx', '200-299'],
    ['5XX', '500-599'],
    ['301-301', '301'],
  ])('%j is read as %s', (written, read) => {
    expect(readExpectedStatus(written)).toBe(read);
  });

  test.each([
    0,
    99,
    199,
    600,
    200.5,
    -200,
    '',
    'ok',
    '20',
    '1xx',
    '6xx',
    '299-200',
    '200-',
    '200-600',
    '2x',
  ])('%j is none', (written) => {
    expect(readExpectedStatus(written)).toBeUndefined();
  });

  test('is found in ranges and alone, and nothing else is', () => {
    const isExpected = createStatusCheck(['200-202', '404']);
    const found = Array.from({ length: 1_100 }, (_, status) => status).filter(isExpected);
    expect(found).toEqual([200, 201, 202, 404]);
  });
});
