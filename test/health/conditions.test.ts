import { describe, expect, test } from 'vitest';
import { compileConditions } from '../../src/health/conditions.ts';

function findFailures(
  conditions: readonly string[],
  body: unknown,
  status = 200,
): string | undefined {
  return compileConditions(conditions).findFailures({ body, status, responseTimeMs: 12.5 });
}

describe('conditions', () => {
  test('that are true are no failure', () => {
    const conditions = [
      "body.status == 'ok'",
      'status < 300',
      'responseTimeMs < 20',
      'body.n in [1, 2]',
    ];
    expect(findFailures(conditions, { status: 'ok', n: 1 })).toBeUndefined();
    expect(findFailures([], undefined)).toBeUndefined();
  });

  test.each<[string, unknown, string]>([
    ["body.status == 'ok'", { status: 'starting' }, '(body.status was "starting")'],
    ['body.checks[1].up', { checks: [{}, { up: false }] }, '(body.checks[1].up was false)'],
    ['body["a-b"] > 3', { 'a-b': 2 }, '(body["a-b"] was 2)'],
    ['body?.a?.b == 1', { a: null }, '(body.a.b was undefined)'],
    ['len(body.list) > 1', { list: [1] }, '(body.list was [1])'],
    ['status == 201 and body.a', { a: 0 }, '(status was 200, body.a was 0)'],
    ['body.a == 1 or body.a == 2', { a: 3 }, '(body.a was 3)'],
    ['responseTimeMs < 10', {}, '(responseTimeMs was 12.5)'],
    ['body[status] == 1', { 200: 2 }, '(body was {"200":2}, status was 200)'],
    ['body == null', { password: 's3cr3t-1' }, '(body was {"password":"***"})'],
    ['body.auth.apiKey == "x"', { auth: { apiKey: 's3cr3t-2' } }, '(body.auth.apiKey was ***)'],
    ['body.toString', {}, '(body.toString was undefined)'],
    ['1 == 2', {}, ''],
  ])('%s is told with what it read', (condition, body, seen) => {
    const told = `Condition failed: ${condition}${seen === '' ? '' : ` ${seen}`}`;
    expect(findFailures([condition], body)).toBe(told);
  });

  test('that can not be worked out fail with the reason', () => {
    const failure = findFailures(['body.a.b == 1', '"x" < body.a'], { a: null });
    expect(failure).toMatch(
      /^Condition failed: body\.a\.b == 1 \(it can't be worked out: .+, body\.a\.b was undefined\); Condition failed: "x" < body\.a \(it can't be worked out: .+, body\.a was null\)$/,
    );
  });

  test('are all told that fail, shortly', () => {
    const body = { a: 'x'.repeat(10_000), b: 2 };
    const failure = findFailures(['body.a == 1', 'body.b == 2', 'body.b == 3'], body) ?? '';
    expect(failure).toContain('Condition failed: body.a == 1 (body.a was "xxx');
    expect(failure).toContain('Condition failed: body.b == 3 (body.b was 2)');
    expect(failure).not.toContain('body.b == 2');
    expect(failure.length).toBeLessThan(400);
    const many = Array.from({ length: 20 }, (_, at) => `body.a == ${at}`);
    expect(findFailures(many, body)?.length).toBeLessThanOrEqual(1_001);
  });

  test('that take too much work fail, and do not hold the others up', () => {
    const body = { list: Array.from({ length: 100_000 }, (_, at) => at) };
    expect(
      findFailures(['body.list == [1] or max(body.list) > 0 and sum(body.list) > 0'], body),
    ).toMatch(/it can't be worked out/);
  });

  test('show the beginning of a large body at no great cost, with its secrets hidden', () => {
    const many = Array.from({ length: 30_000 }, (_, at) => ({ at, token: `s3cr3t-${at}` }));
    const conditions = Array.from({ length: 20 }, () => 'body == 1');
    const startMs = performance.now();
    expect(findFailures(conditions, many)).toMatch(
      /^Condition failed: body == 1 \(body was \[\{"at":0,"token":"\*\*\*"\},\{"at":1,.*…\]\); /,
    );
    expect(performance.now() - startMs).toBeLessThan(1_000); // masking all of it each time takes many seconds
    const pair = Object.fromEntries(many.map(({ at }) => [`k${at}`, at]));
    const told = findFailures(['body == 1'], { value: 's3cr3t-x', ...pair, name: 'password' });
    expect(told).toContain('(body was {"value":"***","k0":0,');
  });

  test('tell no secret that was sent, however it is cut', () => {
    const long = `s3cr3t-${'x'.repeat(200)}`;
    const { findFailures } = compileConditions(
      [
        `body.a == "${long}"`,
        'body.b == 1',
        'body["s3cr3t-key"] == 1',
        'int(body.a) == 1',
        'int(body.auth.password) == 1',
      ],
      ['s3cr3t-key', long],
    );
    const a = `${'y'.repeat(50)}${long}${long}${'z'.repeat(100)}`;
    const b = { 's3cr3t-key': ['s3cr3t-key', 1] };
    const body = { a, b, auth: { password: 's3cr3t-password' } };
    const told = findFailures({ body, status: 200, responseTimeMs: 1 }) ?? '';
    expect(told).toContain(
      `body.a == "***" (body.a was "${'y'.repeat(50)}******${'z'.repeat(44)}…")`,
    );
    expect(told).toContain('body.b == 1 (body.b was {"***":["***",1]})');
    expect(told).toContain('body["***"] == 1 (body["***"] was undefined)');
    expect(told).toMatch(/\(it can't be worked out: [^"]+, body\.auth\.password was \*\*\*\)$/);
    expect(told).not.toContain('s3cr3t-');
  });

  test('say whether they need the body', () => {
    expect(compileConditions(['status == 200']).readsBody).toBe(false);
    expect(compileConditions(['status == 200', 'len(body) > 0']).readsBody).toBe(true);
  });
});

test('a body that is nested as deep as it may be is told of', () => {
  const depth = 10_000;
  const body: unknown = JSON.parse(`${'{"key":'.repeat(depth)}1${'}'.repeat(depth)}`);
  const { findFailures } = compileConditions(['body == 1']);
  const failures = findFailures({ body, status: 200, responseTimeMs: 1 });
  expect(failures).toContain('Condition failed: body == 1');
});
