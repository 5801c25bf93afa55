import { describe, expect, test } from 'vitest';
import { DomainError, formatPath, messageOf } from '../../src/lib/domain-error.ts';

class LostError extends DomainError {
  readonly code = 'LOST';
}

test('a domain error has its class as name, a code and a cause', () => {
  const cause = new Error('why');
  const error = new LostError('It is lost.', { cause });
  expect(error).toMatchObject({ name: 'LostError', code: 'LOST', message: 'It is lost.', cause });
});

test.each([
  [[], 'input'],
  [['files'], 'files'],
  [['files', 2, 'name'], 'files[2].name'],
  [[0, 'name'], '[0].name'],
])('formatPath(%j) is %s', (path, text) => {
  expect(formatPath(path)).toBe(text);
});

describe('messageOf', () => {
  const circular = { self: {} };
  circular.self = circular;
  const no = () => {
    throw new Error('no');
  };
  const hostile = { toJSON: no };
  const proxy = new Proxy(new Error('hidden'), { get: no, getPrototypeOf: no });

  test.each([
    [new Error('broken'), 'broken'],
    [new TypeError(''), 'TypeError'],
    ['text', 'text'],
    [undefined, 'undefined'],
    [null, 'null'],
    [404, '404'],
    [{ status: 500 }, '{"status":500}'],
    [circular, "[object that can't be shown]"],
    [hostile, "[object that can't be shown]"],
    [proxy, "[object that can't be shown]"],
    [10n, '10'],
    [Symbol('s'), 'Symbol(s)'],
  ])('case %#', (thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
  });
});
