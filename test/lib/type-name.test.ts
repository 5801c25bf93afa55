import { describe, expect, test } from 'vitest';
import { typeName } from '../../src/lib/type-name.ts';

class Article {}
class Stamp extends Date {}

describe('typeName', () => {
  test.each<[unknown, string]>([
    ['a', 'string'],
    [1, 'number'],
    [true, 'boolean'],
    [null, 'null'],
    [undefined, 'undefined'],
    [1n, 'bigint'],
    [Symbol('s'), 'symbol'],
    [() => 1, 'function'],
    [class {}, 'function'],
    [[], 'list'],
    [{}, 'object'],
    [Object.create(null), 'object'],
    [Object.create({}), 'object'],
    [new Map(), 'Map'],
    [new Set(), 'Set'],
    [new Date(), 'Date'],
    [new Stamp(), 'Stamp'],
    [new TypeError(), 'TypeError'],
    [/x/, 'RegExp'],
    [Promise.resolve(), 'Promise'],
    [new Uint8Array(), 'Uint8Array'],
    [Buffer.alloc(1), 'Buffer'],
    [new Article(), 'Article'],
    [new (class {})(), 'object'],
    [new (class extends Map {})(), 'Map'],
    [new Proxy({}, {}), 'proxy'],
    [new Proxy(() => 1, {}), 'proxy'],
    [Object.setPrototypeOf({}, new Proxy({}, {})), 'object'],
  ])('%o', (value, name) => {
    expect(typeName(value)).toBe(name);
  });

  test('runs nothing, and is short', () => {
    let runs = 0;
    const trap = { get: () => runs++ };
    class Getter {}
    Object.defineProperty(Getter, 'name', trap);
    class Method {}
    Object.defineProperty(Method, 'name', { value: () => runs++ });
    class Own {}
    Object.defineProperty(Own.prototype, 'constructor', trap);
    class Derived {}
    Derived.prototype.constructor = new Proxy(Derived, trap);
    for (const Each of [Getter, Method, Own, Derived]) expect(typeName(new Each())).toBe('object');
    expect(runs).toBe(0);
    class Long {}
    Object.defineProperty(Long, 'name', { value: 'x'.repeat(1e6) });
    expect(typeName(new Long())).toHaveLength(100);
  });
});
