import { describe, expect, test } from 'vitest';
import { completionsAt } from '../../src/expression/completions.ts';

const values: Readonly<Record<string, unknown>> = {
  item: {
    name: 'a',
    nested: { deep: 1 },
    'a b': 2,
    get computed() {
      throw new Error('It was run.');
    },
  },
  items: [{ n: 1 }],
  map: new Map([['key', 'v']]),
  wide: Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`key${at}`, at])),
  text: 'abc',
  proxy: new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('It was run.');
      },
    },
  ),
};
const names = Object.keys(values).map((name) => ({ name, description: `the ${name}` }));

/** Completions where `|` is in the text. */
function complete(marked: string) {
  const position = marked.indexOf('|');
  return completionsAt(marked.replace('|', ''), position, names, (name) => values[name]);
}

const textsOf = (marked: string) => complete(marked).map(({ text }) => text);

describe('completions', () => {
  test('names, functions and words, those that begin as typed first', () => {
    expect(textsOf('it|').slice(0, 2)).toEqual(['item', 'items']);
    expect(textsOf('1 + le|')[0]).toBe('len');
    expect(textsOf('sorted(item|')).toEqual(['item', 'items']);
    expect(textsOf('with|')).toEqual(['startsWith', 'endsWith']);
    expect(textsOf('no|')).toContain('not');
    expect(textsOf('N|')[0]).toBe('None');
    expect(textsOf('|')).toEqual(expect.arrayContaining(['item', 'sorted', 'and', 'None']));
  });

  test('say what they are', () => {
    expect(complete('item|')[0]).toEqual({
      text: 'item',
      kind: 'VARIABLE',
      detail: 'the item',
      from: 0,
      to: 4,
    });
    expect(complete('le|')[0]).toMatchObject({
      kind: 'FUNCTION',
      detail: expect.stringMatching(/^len\(value\): /),
    });
    expect(complete('item.na|')[0]).toMatchObject({ kind: 'PROPERTY', detail: 'string' });
    expect(complete('an|').find(({ text }) => text === 'and')).toMatchObject({ kind: 'WORD' });
  });

  test('take the place of the whole word', () => {
    expect(complete('1 + it|ems.length')[0]).toMatchObject({ from: 4, to: 9 });
  });

  test('the parts of a value after a dot, but for accessors', () => {
    expect(textsOf('item.|')).toEqual(['name', 'nested', '["a b"]']);
    expect(textsOf('item?.|')).toEqual(['name', 'nested', '?.["a b"]']);
    expect(textsOf('item.nested.|')).toEqual(['deep']);
    expect(textsOf('not items[0].|')).toEqual(['n']);
    expect(textsOf('item["nested"].|')).toEqual(['deep']);
    expect(textsOf('map.|')).toEqual(['key']);
    expect(textsOf('items.|')).toEqual(['length']);
    expect(textsOf('text.|')).toEqual(['length']);
    expect(textsOf('1 < item.ne|')).toEqual(['nested']);
    expect(textsOf('item .nested . |')).toEqual(['deep']);
    expect(textsOf(`\`\${item.nested.|`)).toEqual(['deep']);
  });

  test('a key that is no name is put in brackets, for the dot as well', () => {
    expect(complete('item.|')[2]).toMatchObject({ text: '["a b"]', from: 4, to: 5 });
  });

  test.each([
    'item.none.|',
    'unknown.|',
    'proxy.|',
    'item.computed.|',
    '"item.|',
    'len(items).|',
    '.|',
    '5|',
    '1.|',
  ])('nothing at %s', (marked) => {
    expect(complete(marked)).toEqual([]);
  });

  test('of a text that is as long as can be take a moment; of a longer one there are none', () => {
    const text = 'a'.repeat(9_999);
    expect(completionsAt(`${text} `, 10_000, names, () => undefined)).not.toEqual([]);
    expect(completionsAt(`${text}  `, 10_001, names, () => undefined)).toEqual([]);
  });

  test('100 at most', () => {
    expect(complete('wide.|')).toHaveLength(100);
  });

  test('any place of any text is fine', () => {
    const text = `a.b["c"].d ?. e \`x\${y.z}\` (((`;
    for (let at = -1; at <= text.length + 1; at++) completionsAt(text, at, names, () => undefined);
  });
});
