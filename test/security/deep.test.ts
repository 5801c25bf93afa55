import { expect, test } from 'vitest';
import { codesOf, forEachTransport, type Sent } from '../server/each-transport.ts';
import { serve } from '../server/serve.ts';

const LEVELS = 20_000;

/** In characters. */
const LONG = 200 * 1024;

const around = (open: string, middle: string, close: string) =>
  open.repeat(LEVELS) + middle + close.repeat(LEVELS);

const doubling = (count: number) => {
  const fragments = Array.from(
    { length: count },
    (_, at) => `fragment F${at} on Book { ...F${at + 1} next { ...F${at + 1} } }`,
  );
  return `{ maybe(id: "x") { ...F0 } } ${fragments.join(' ')} fragment F${count} on Book { id }`;
};

/** Documents that are nested without measure, or have no end. */
const DOCUMENTS: Readonly<Record<string, string>> = {
  'selection sets': around('{next', '{id}', '}'),
  'selection sets with no end': '{next'.repeat(LEVELS),
  'inline fragments': around('{...', '{id}', '}'),
  'lists in an argument': `{ maybe(id: ${around('[', '1', ']')}) { id } }`,
  'lists with no end': `{ maybe(id: ${'['.repeat(LEVELS)}`,
  'objects in an argument': `{ maybe(id: ${around('{a:', '1', '}')}) { id } }`,
  'lists in a directive': `{ transport @skip(if: ${around('[', '1', ']')}) }`,
  'lists in a default': `query ($id: String = ${around('[', '1', ']')}) { transport }`,
  'types of a variable': `query ($id: ${around('[', 'Int', ']')}) { transport }`,
  'types with no end': `query ($id: ${'['.repeat(LEVELS)}`,
  'types that must be there': `query ($id: ${around('[', 'Int', '!]')}) { transport }`,
  'fragments, one in another': `{ maybe(id: "x") { ...F0 } } ${Array.from({ length: LEVELS }, (_, at) => `fragment F${at} on Book{...F${at + 1}}`).join('')}`,
  fields: `{ ${'transport '.repeat(LEVELS)} }`,
  aliases: `{ ${Array.from({ length: LEVELS }, (_, at) => `a${at}:transport`).join(' ')} }`,
  arguments: `{ maybe(${'id:1 '.repeat(LEVELS)}) { id } }`,
  directives: `{ transport ${'@a '.repeat(LEVELS)} }`,
  operations: Array.from({ length: LEVELS }, (_, at) => `query A${at}{transport}`).join(''),
  variables: `query (${Array.from({ length: LEVELS }, (_, at) => `$a${at}:Int`).join(' ')}) { transport }`,
};

/** One token that is very long. */
const LONG_DOCUMENTS: Readonly<Record<string, string>> = {
  'a text': `{ maybe(id: "${'x'.repeat(LONG)}") { id } }`,
  'a text of many escapes': `{ maybe(id: "${'\\u0041'.repeat(LONG / 6)}") { id } }`,
  'a text that does not end': `{ maybe(id: "${'x'.repeat(LONG)}`,
  'a block of text': `{ maybe(id: """${'\n  x'.repeat(LONG / 4)}""") { id } }`,
  'a name': `{ ${'x'.repeat(LONG)} }`,
  'a number': `{ slow(ms: ${'9'.repeat(LONG)}) }`,
  'a comment': `{ transport } #${'x'.repeat(LONG)}`,
  commas: `{ transport ${','.repeat(LONG)} }`,
};

const QUERY = 'query ($id: String!) { maybe(id: $id) { id } }';

const VARIABLES: Readonly<Record<string, string>> = {
  lists: around('[', '1', ']'),
  objects: around('{"a":', '1', '}'),
  'both in turn': around('[{"a":', '1', '}]'),
  'empty lists': around('[', '', ']'),
};

/** So that it is not the message that is too large. */
const ROOM = { maxFrameBytes: 1e7, maxBodyBytes: 1e7, maxUrlLength: 1e7, maxHeaderBytes: 1e7 };

forEachTransport((send, name) => {
  /** It is refused as what it is, and soon; the next one is served. */
  const expectRefused = async (url: string, what: string, sent: Sent, codes: readonly string[]) => {
    const startedMs = performance.now();
    const { errors, data, closeCode } = await send(url, sent);
    const [code] = codesOf({ errors });
    expect([what, data, errors.length]).toEqual([what, undefined, closeCode === undefined ? 1 : 0]);
    if (closeCode === undefined)
      expect([what, code]).toEqual([what, codes.find((each) => each === code) ?? codes[0]]);
    else expect([what, name, closeCode]).toEqual([what, 'WebSocket', 4400]); // it can't be taken apart
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect((await send(url, { query: '{ transport }' })).errors).toEqual([]);
  };

  test('O5 documents of 20,000 levels, and long ones, are refused for their length', async () => {
    const { url, logged } = await serve({ limits: ROOM });
    for (const [what, query] of Object.entries({ ...DOCUMENTS, ...LONG_DOCUMENTS })) {
      const codes = ['DOCUMENT_TOO_LARGE', 'GRAPHQL_PARSE_FAILED', 'TOO_COSTLY'];
      await expectRefused(url, what, { query }, codes);
    }
    expect(logged).toEqual([]);
  });

  test('O5 and for what they are made of, where they may be that long', async () => {
    const { url, logged } = await serve({ limits: { ...ROOM, maxDocumentLength: 1e7 } });
    for (const [what, query] of Object.entries(DOCUMENTS)) {
      await expectRefused(url, what, { query }, ['GRAPHQL_PARSE_FAILED', 'TOO_COSTLY']);
    }
    expect(logged).toEqual([]);
  });

  test('O5 fragments that double thirty times are refused, used or not', async () => {
    const { url, logged } = await serve({ limits: ROOM });
    const used = doubling(30);
    const unused = `{ transport } ${used.slice(used.indexOf('fragment'))}`;
    for (const query of [used, unused]) {
      await expectRefused(url, query.slice(0, 30), { query }, ['TOO_COSTLY']);
    }
    expect(logged).toEqual([]);
  });

  test('O5 variables of 20,000 levels are refused', async () => {
    const { url, logged } = await serve({ limits: ROOM });
    for (const [what, deep] of Object.entries(VARIABLES)) {
      const rawVariables = `{"id":${deep}}`;
      await expectRefused(url, what, { query: QUERY, rawVariables }, ['BAD_USER_INPUT']);
      const unused = { query: '{ transport }', rawVariables };
      await expectRefused(url, `${what}, not used`, unused, ['BAD_USER_INPUT']);
    }
    expect(logged).toEqual([]);
  });
});
