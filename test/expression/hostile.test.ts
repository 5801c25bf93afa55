import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { completionsAt } from '../../src/expression/completions.ts';
import { checkExpression, compileExpression, scopeOf } from '../../src/expression/expression.ts';
import { ExpressionError } from '../../src/expression/expression-error.ts';
import { compileTemplate } from '../../src/expression/template.ts';
import { makeHostileData } from './hostile-data.ts';

const { values, ran } = makeHostileData();
const names = Object.keys(values);
const scope = scopeOf(values);

/** Refused when it is checked, with this reason. */
const refused = (reason: string) => ({ reason, isChecked: true });
/** Fails when it is worked out. */
const fails = (...reasons: string[]) => ({ reason: new RegExp(`^(${reasons.join('|')})$`) });
/** Answers this. */
const is = (value: unknown) => ({ value });
/** Answers this with a large budget; a small one may not do. */
const isInTurns = (value: unknown) => ({ value, isLong: true });

interface Outcome {
  readonly reason?: string | RegExp;
  readonly isChecked?: boolean;
  readonly value?: unknown;
  readonly isLong?: boolean;
}

const LIMIT = fails('STEP_LIMIT', 'MEMORY_LIMIT', 'DEADLINE');

const TABLE: readonly (readonly [text: string, outcome: Outcome])[] = [
  // Out through constructors
  ['"".constructor', is(undefined)],
  ['"".constructor.constructor', fails('NO_VALUE')],
  ['"".constructor("return process")()', refused('NOT_ALLOWED')],
  ['"".constructor.constructor("return process")()', refused('NOT_ALLOWED')],
  ['[].constructor', is(undefined)],
  ['[]["constructor"]["constructor"]("return this")()', refused('NOT_ALLOWED')],
  ['[]["constructor"]["constructor"]', fails('NO_VALUE')],
  ['({}).constructor', is(undefined)],
  ['({}).constructor.constructor', fails('NO_VALUE')],
  ['(1).constructor', is(undefined)],
  ['true.constructor', is(undefined)],
  ['plain.constructor', is(undefined)],
  ['plain["con" + "structor"]', is(undefined)],
  ['plain[`constructor`]', is(undefined)],
  [String.raw`plain["\u0063onstructor"]`, is(undefined)],
  ['plain[["constructor"]]', fails('TYPE')],
  ['plain[["constructor"][0]]', is(undefined)],
  ['map.constructor', is(undefined)],
  ['date.constructor', is(undefined)],
  ['promise.constructor', is(undefined)],
  ['inherited.constructor', is(undefined)],
  ['failure.constructor', is(undefined)],
  ['bytes.constructor', is(undefined)],
  ['range(1).constructor', is(undefined)],
  ['dict().constructor', is(undefined)],
  ['set().constructor', is(undefined)],
  ['`x`.constructor', is(undefined)],
  ['symbol.constructor', fails('TYPE')],
  ['f.constructor', fails('TYPE')],
  ['call.constructor', fails('TYPE')],
  ['call.call', fails('TYPE')],
  ['f.prototype', fails('TYPE')],
  ['f["prototype"]', fails('TYPE')],
  ['f("return 1")', refused('UNKNOWN_FUNCTION')],
  ['f("return 1")()', refused('NOT_ALLOWED')],
  ['call()', refused('UNKNOWN_FUNCTION')],
  ['call.apply(none)', refused('NOT_ALLOWED')],
  ['call.bind', fails('TYPE')],
  ['host.require("fs")', refused('NOT_ALLOWED')],
  ['host.process.exit(1)', refused('NOT_ALLOWED')],
  ['host.process.mainModule.require', fails('NO_VALUE', 'CODE')],
  ['host.globalThis.Function("1")', refused('NOT_ALLOWED')],
  ['host.require.constructor', fails('TYPE')],
  ['len.constructor', refused('UNKNOWN_NAME')],
  ['len(len)', refused('UNKNOWN_NAME')],
  // Prototypes
  ['({}).__proto__', is(undefined)],
  ['[].__proto__', is(undefined)],
  ['"".__proto__', is(undefined)],
  ['plain.__proto__', is(undefined)],
  ['plain["__proto__"]', is(undefined)],
  ['plain.__proto__.polluted', fails('NO_VALUE')],
  ['inherited.__proto__', is(undefined)],
  ['map.__proto__', is(undefined)],
  ['own.__proto__', is(1)],
  ['own.constructor', is(2)],
  ['own.prototype', is(3)],
  ['{__proto__: plain}.a', is(undefined)],
  ['{"__proto__": plain}.a', is(undefined)],
  ['{__proto__: 1}.__proto__', is(1)],
  ['dict([["__proto__", plain]]).a', is(undefined)],
  ['dict([["__proto__", plain]]).__proto__.a', is(1)],
  ['dict(own).__proto__', is(1)],
  ['keys(own)', is(['__proto__', 'constructor', 'prototype'])],
  ['"__proto__" in plain', is(false)],
  ['"toString" in plain', is(false)],
  ['"toString" in {}', is(false)],
  ['plain.hasOwnProperty', is(undefined)],
  ['plain.hasOwnProperty("a")', refused('NOT_ALLOWED')],
  ['plain.toString()', refused('NOT_ALLOWED')],
  ['{toString: 1} + ""', fails('TYPE')],
  ['{valueOf: 1} < 2', fails('TYPE')],
  ['plain.__defineGetter__', is(undefined)],
  ['plain.__lookupGetter__("a")', refused('NOT_ALLOWED')],
  ['inherited.method', is(undefined)],
  ['inherited.method()', refused('NOT_ALLOWED')],
  ['inherited.secret', is(undefined)],
  ['inherited.own', is(1)],
  ['underProxy.anything', is(undefined)],
  ['"x" in underProxy', is(false)],
  ['keys(underProxy)', is([])],
  ['underProxy ? 1 : 2', is(1)],
  ['str(underProxy)', is('{}')],
  // Accessors
  ['accessors.value', fails('CODE')],
  ['accessors["value"]', fails('CODE')],
  ['accessors?.value', fails('CODE')],
  ['accessors.length', fails('CODE')],
  ['accessors.constructor', fails('CODE')],
  ['accessors.then', fails('CODE')],
  ['"value" in accessors', is(true)],
  ['keys(accessors)', is(['value', 'length', 'then', 'constructor'])],
  ['values(accessors)', fails('CODE')],
  ['entries(accessors)', fails('CODE')],
  ['dict(accessors)', fails('CODE')],
  ['str(accessors)', fails('CODE')],
  [`\`\${accessors}\``, fails('CODE')],
  ['accessors == {value: 1, length: 2, then: 3, constructor: 4}', fails('CODE')],
  ['accessors == plain', is(false)],
  ['[accessors] == [accessors]', is(true)],
  ['sorted([accessors], "value")', fails('CODE')],
  ['len(accessors)', is(4)],
  ['trappedList[0]', fails('CODE')],
  ['trappedList[1]', is(2)],
  ['sum(trappedList)', fails('CODE')],
  ['list(trappedList)', fails('CODE')],
  ['2 in trappedList', fails('CODE')],
  ['trappedList == [1, 2]', fails('CODE')],
  ['max(trappedList)', fails('CODE')],
  // Proxies
  ['proxy.a', fails('CODE')],
  ['proxy?.a', fails('CODE')],
  ['proxy["a"]', fails('CODE')],
  ['proxyList[0]', fails('CODE')],
  ['proxyList.length', fails('CODE')],
  ['len(proxy)', fails('CODE')],
  ['len(proxyList)', fails('CODE')],
  ['list(proxyList)', fails('CODE')],
  ['keys(proxy)', fails('CODE')],
  ['str(proxy)', fails('CODE')],
  ['"a" + proxy', fails('TYPE')],
  [`\`\${proxy}\``, fails('CODE')],
  ['"a" in proxy', fails('CODE')],
  ['1 in proxyList', fails('CODE')],
  ['proxy == {a: 1}', fails('CODE')],
  ['{a: 1} == proxy', fails('CODE')],
  ['[[1]] == [proxyList]', fails('CODE')],
  ['proxy == proxy', is(true)],
  ['proxy == 1', is(false)],
  ['proxy is None', is(false)],
  ['proxy ? 1 : 2', fails('CODE')],
  ['not proxy', fails('CODE')],
  ['bool(proxy)', fails('CODE')],
  ['proxy < 1', fails('TYPE')],
  ['sum(proxyList)', fails('CODE')],
  ['sorted(proxyList)', fails('CODE')],
  ['dict(proxyList)', fails('CODE')],
  ['dict([proxyList])', fails('TYPE')],
  ['set([proxy]) == set([proxy])', is(true)],
  ['proxyFunction.a', fails('TYPE')],
  ['proxyFunction()', refused('UNKNOWN_FUNCTION')],
  ['str(proxyFunction)', is('[function]')],
  ['revoked.a', fails('CODE')],
  ['len(revoked)', fails('CODE')],
  ['str([revoked])', fails('CODE')],
  ['dict([revoked])', fails('TYPE')],
  // Coercion
  ['coercing + 1', fails('TYPE')],
  ['coercing + ""', fails('TYPE')],
  ['-coercing', fails('TYPE')],
  ['coercing * 1', fails('TYPE')],
  ['coercing < 1', fails('TYPE')],
  ['coercing == "ran"', is(false)],
  ['plain[coercing]', fails('TYPE')],
  ['list[coercing]', fails('TYPE')],
  ['"ran"[coercing]', fails('TYPE')],
  ['coercing in plain', fails('TYPE')],
  ['coercing in "ran"', fails('TYPE')],
  ['list(coercing)', is(['toString', 'valueOf', 'toJSON'])],
  ['int(coercing)', fails('TYPE')],
  ['float([1])', fails('TYPE')],
  ['range(coercing)', fails('TYPE')],
  ['abs(coercing)', fails('TYPE')],
  ['round(1, coercing)', fails('TYPE')],
  ['lower(coercing)', fails('TYPE')],
  ['dict([[coercing, 1]])', fails('TYPE')],
  ['str(coercing)', is('{"toString":[function],"valueOf":[function],"toJSON":[function]}')],
  ['str([date])', is('["1970-01-01T00:00:00.000Z"]')],
  ['date < date', is(false)],
  ['date - date', fails('TYPE')],
  ['symbol + ""', fails('TYPE')],
  [`\`\${symbol}\``, is('[symbol]')],
  ['plain[symbol]', fails('TYPE')],
  ['failure.name + failure.message', is('BadErrorbad')],
  ['failure.stack', fails('CODE')],
  ['str(failure)', is('"BadError: bad"')],
  // Built-ins with methods of their own
  ['map.k', is(1)],
  ['map["k"]', is(1)],
  ['len(map)', is(1)],
  ['"k" in map', is(true)],
  ['list(map)', is(['k'])],
  ['entries(map)', is([['k', 1]])],
  ['map ? 1 : 2', is(1)],
  ['map.get', is(values.map.get)],
  ['map.get("k")', refused('NOT_ALLOWED')],
  ['1 in set', is(true)],
  ['len(set)', is(1)],
  ['list(set)', is([1])],
  ['set == set([1])', is(true)],
  ['list[0]', is(2)],
  ['sorted(list)', is([1, 2, 3])],
  ['3 in list', is(true)],
  ['list == [2, 1, 3]', is(true)],
  ['str(list)', is('[2,1,3]')],
  ['zip(list, list)[0]', is([2, 2])],
  // Async
  ['promise', is(values.promise)],
  ['promise.then', is(undefined)],
  ['promise.then(f)', refused('NOT_ALLOWED')],
  ['await promise', refused('NOT_ALLOWED')],
  ['async () => 1', refused('NOT_ALLOWED')],
  ['str(promise)', is('[Promise]')],
  ['promise == 1', is(false)],
  ['len(promise)', fails('TYPE')],
  ['thenable.then', is(values.thenable.then)],
  // Names of the host
  ...[
    ...['globalThis', 'global', 'window', 'process', 'require', 'module', 'exports', 'Function'],
    ...['Object', 'Reflect', 'Proxy', 'Promise', 'Symbol', 'eval', 'arguments', 'Buffer'],
    ...['console', 'WebAssembly', 'constructor', '__proto__', 'hasOwnProperty', 'toString'],
    ...['__dirname', 'self', 'setTimeout', 'fetch', 'Math', 'JSON', 'NaN', 'Infinity'],
  ].map((name) => [name, refused('UNKNOWN_NAME')] as const),
  ...['eval("1")', 'Function("1")', 'require("fs")', 'setTimeout(1)', 'constructor("a")'].map(
    (text) => [text, refused('UNKNOWN_FUNCTION')] as const,
  ),
  ...['__proto__()', 'toString()', 'hasOwnProperty("len")', 'fetch("http://localhost")'].map(
    (text) => [text, refused('UNKNOWN_FUNCTION')] as const,
  ),
  ...['this', 'this.constructor', 'super', 'import("fs")', 'new f()', 'new.target', 'yield 1'].map(
    (text) => [text, refused('NOT_ALLOWED')] as const,
  ),
  // What changes something
  ...['plain.a = 2', 'plain["a"] = 2', 'plain.a += 1', 'a => plain', 'plain; plain'].map(
    (text) => [text, refused('NOT_ALLOWED')] as const,
  ),
  ...['delete plain.a', 'function x() {}', 'list.push(1)', 'map.set("k", 2)'].map(
    (text) => [text, refused('NOT_ALLOWED')] as const,
  ),
  ['plain.a++', refused('SYNTAX')],
  ['list[0]--', refused('SYNTAX')],
  // Tags
  ['f`return 1`', refused('NOT_ALLOWED')],
  ['call`x`', refused('NOT_ALLOWED')],
  ['plain.a`x`', refused('NOT_ALLOWED')],
  [`\`\${f\`x\`}\``, refused('NOT_ALLOWED')],
  // Too much: texts
  ['text + text', fails('MEMORY_LIMIT')],
  ['half + half', LIMIT],
  [`\`\${half}\${half}\``, LIMIT],
  ['upper(text)', fails('MEMORY_LIMIT')],
  ['str([half, half])', LIMIT],
  ['half in text', isInTurns(false)],
  ['"aaaaaaaab" in text', isInTurns(false)],
  ['contains(text, half)', isInTurns(false)],
  ['text == text', isInTurns(true)],
  ['list(text)', LIMIT],
  ['sorted(list(text + "b"))', LIMIT],
  ['text < text', fails('TYPE')],
  // Too much: lists
  ['range(1e9)', fails('MEMORY_LIMIT')],
  ['range(0, -1e12, -1)', fails('MEMORY_LIMIT')],
  ['range(1e308)', fails('TYPE')],
  ['len(range(9e15))', fails('MEMORY_LIMIT')],
  ['[range(1e7), range(1e7)]', LIMIT],
  ['zip(range(3000000), range(3000000), range(3000000))', LIMIT],
  ['enumerate(range(9000000))', LIMIT],
  ['str(range(1000000))', LIMIT],
  ['list(sparse)', LIMIT],
  ['sum(sparse)', LIMIT],
  ['sorted(sparse)', LIMIT],
  ['max(sparse)', LIMIT],
  ['sparse == [1]', is(false)],
  ['str(sparse)', LIMIT],
  ['len(sparse)', is(2 ** 32 - 1)],
  ['sparse[-1]', is(undefined)],
  ['list(bytes)', LIMIT],
  ['sum(bytes)', LIMIT],
  ['len(bytes)', is(50_000_000)],
  ['keys(bytes)', fails('TYPE')],
  ['keys(boxed)', fails('TYPE')],
  ['len(boxed)', fails('TYPE')],
  ['sorted(numbers, None, True)[0]', isInTurns(39_999)],
  ['-1 in numbers', isInTurns(false)],
  ['numbers == list(numbers)', isInTurns(true)],
  ['len(set(numbers)) == len(dict(zip(numbers, numbers)))', isInTurns(true)],
  // Too much: depth, cycles
  ['cyclic == twin', is(true)],
  ['[cyclic] == [twin]', is(true)],
  ['cyclic in [twin]', is(true)],
  ['str(cyclic)', is('{"n":1,"self":[circular]}')],
  ['sorted([cyclic, cyclic])', fails('TYPE')],
  ['cyclic.self.self.self.n', is(1)],
  ['deep == deepTwin', isInTurns(true)],
  ['str(deep)', fails('TYPE')],
  ['wide == wideTwin', is(true)],
  ['str(wide)', LIMIT],
  ['max(wide)', fails('TYPE')],
  // Too much: numbers
  ['9 ** 9 ** 9', is(Number.POSITIVE_INFINITY)],
  ['huge + huge', fails('TYPE')],
  ['huge ** huge', fails('TYPE')],
  ['str(huge)', fails('TYPE')],
  ['"" + huge', fails('TYPE')],
  ['float(huge)', fails('TYPE')],
  ['huge == 1', is(false)],
  ['huge > 1', is(true)],
  ['int("9" + text)', fails('MEMORY_LIMIT')],
  ['int(text)', fails('TYPE')],
  ['1e400', is(Number.POSITIVE_INFINITY)],
  // Regular expressions
  ['/(a+)+$/.test(text)', refused('NOT_ALLOWED')],
  ['regexp.test(text)', refused('NOT_ALLOWED')],
  ['regexp.source', is(undefined)],
  ['text in regexp', fails('TYPE')],
  ['traced.stack', fails('CODE')],
  ['sorted([traced], "stack")', fails('CODE')],
  ['str(traced)', fails('CODE')],
  ['values(traced)', fails('CODE')],
  ['traced == {stack: 1, message: 1}', fails('CODE')],
  ['len(keys(traced))', is(2)],
  // Too much text of the expression itself
  [`${'('.repeat(5000)}`, refused('TOO_DEEP')],
  [`${'['.repeat(5000)}${']'.repeat(5000)}`, refused('TOO_DEEP')],
  [`"${'x'.repeat(10_000)}"`, refused('TOO_LONG')],
  [`plain${'.a'.repeat(2000)}`, refused('TOO_DEEP')],
  [`1${' + 1'.repeat(2000)}`, refused('TOO_DEEP')],
  [`[${'1,'.repeat(4000)}]`, is(expect.any(Array))],
  [`max(${'1,'.repeat(4000)}1)`, is(1)],
  [`{${'a:1,'.repeat(2000)}}`, is(expect.anything())],
  [`[${'sorted(numbers),'.repeat(500)}]`, LIMIT],
  [`[${'upper(half),'.repeat(500)}]`, LIMIT],
  [`[${'sum(numbers),'.repeat(600)}]`, LIMIT],
  ['\u0000', refused('SYNTAX')],
  ['\u202eplain', refused('UNKNOWN_NAME')],
  ['пример', refused('UNKNOWN_NAME')],
  ['plain\u200b.a', refused('UNKNOWN_NAME')],
  ['\ud800', refused('UNKNOWN_NAME')],
];

/** Everything of the host that an escape might change. */
function takeSnapshot(): string {
  const roots: Record<string, unknown> = {
    Object,
    Function,
    Array,
    String,
    Number,
    Map,
    Set,
    Date,
  };
  Object.assign(roots, { Promise, Reflect, JSON, Math, Symbol, RegExp, Error, Proxy, BigInt });
  const describeAll = (object: object) =>
    Reflect.ownKeys(object).map((key) => {
      const property = Object.getOwnPropertyDescriptor(object, key);
      return [String(key), typeof property?.value, property?.writable, property?.enumerable];
    });
  const shapes = Object.entries(roots).map(([name, root]) => {
    const { prototype = {} } = root as { prototype?: object };
    return [name, describeAll(root as object), describeAll(prototype)];
  });
  return JSON.stringify([shapes, Object.keys(process.env).length, Object.keys(globalThis)]);
}

let before = '';
beforeAll(() => {
  before = takeSnapshot();
});

describe('hostile expressions are refused or answered within their budget', () => {
  test('there are enough of them', () => {
    expect(new Set(TABLE.map(([text]) => text)).size).toBe(TABLE.length);
    expect(TABLE.length).toBeGreaterThan(250);
  });

  test.each(TABLE.map(([text, outcome]) => [text.slice(0, 80), text, outcome] as const))(
    '%s',
    async (_, text, outcome) => {
      const { problem } = checkExpression(text, names);
      if (outcome.isChecked) {
        expect(problem?.reason).toBe(outcome.reason);
        expect(() => compileExpression(text, names)).toThrow(ExpressionError);
        return;
      }
      expect(problem).toBeUndefined();
      const expression = compileExpression(text, names);
      const budget = { steps: 900_000, memoryBytes: 50 * 2 ** 20 };
      const later = await settle(() => expression.evaluate(scope, { budget }));
      const now = await settle(() => ({ value: expression.evaluateNow(scope) }));
      expectOutcome(later, outcome);
      if (outcome.isLong === true && now.error !== undefined) expectOutcome(now, LIMIT);
      else expectOutcome(now, outcome);
    },
  );
});

interface Settled {
  readonly value?: unknown;
  readonly error?: unknown;
}

async function settle(run: () => Settled | Promise<Settled>): Promise<Settled> {
  try {
    return await run();
  } catch (error) {
    return { error };
  }
}

function expectOutcome({ value, error }: Settled, outcome: Outcome): void {
  if (outcome.reason === undefined) {
    expect(error).toBeUndefined();
    if (outcome.value === values.promise) return;
    expect(value).toEqual(outcome.value);
    return;
  }
  expect(error).toBeInstanceOf(ExpressionError);
  expect((error as ExpressionError).reason).toMatch(outcome.reason);
}

test('messages and completions run nothing of it either', () => {
  for (const name of names) {
    try {
      compileTemplate(`{${name}}`, names).evaluateNow(scope);
    } catch (error) {
      expect(error).toBeInstanceOf(ExpressionError);
    }
    const described = names.map((known) => ({ name: known, description: '' }));
    const text = `${name}.`;
    completionsAt(text, text.length, described, (wanted) => scope.read(wanted));
  }
});

afterAll(() => {
  expect(ran).toEqual([]);
  expect(takeSnapshot()).toBe(before);
  expect('polluted' in {}).toBe(false);
});
