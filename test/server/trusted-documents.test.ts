import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getIntrospectionQuery, Kind, print } from 'graphql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeResumable } from '../../src/client/resume-document.ts';
import * as operations from '../../src/generated/operations.ts';
import { hashText, type TrustedDocuments } from '../../src/server/documents/documents.ts';
import { readTrustedDocuments } from '../../src/server/documents/read-trusted-documents.ts';
import { codesOf, forEachTransport } from './each-transport.ts';
import { serve } from './serve.ts';

const KNOWN = 'query Known($id: String!) { maybe(id: $id) { pages } }';
const TICKS = 'subscription { ticks(count: 1) }';
const OTHER = '{ transport }';

const trustedDocuments: TrustedDocuments = {
  documents: new Map([KNOWN, TICKS].map((text) => [hashText(text), text])),
  mode: 'only',
};

const persisted = (text: string) => ({
  persistedQuery: { version: 1, sha256Hash: hashText(text) },
});

forEachTransport((send) => {
  test('O7 only trusted documents are answered, by id, by hash and by text', async () => {
    const { url } = await serve({ trustedDocuments });
    const variables = { id: 'book-1' };
    const known = hashText(KNOWN);
    for (const asked of [
      { documentId: `sha256:${known}` },
      { documentId: known },
      { extensions: persisted(KNOWN) },
      { query: KNOWN },
      { query: KNOWN, extensions: persisted(KNOWN) },
      { query: '', documentId: known },
    ]) {
      const { errors, data } = await send(url, { ...asked, variables });
      expect({ asked, errors, data }).toEqual({
        asked,
        errors: [],
        data: { maybe: { pages: 1 } },
      });
    }
    for (const asked of [
      { query: OTHER },
      { query: `${KNOWN} ` },
      { query: getIntrospectionQuery() },
      { documentId: hashText(OTHER) },
      { documentId: '' },
      { documentId: '__proto__' },
      { extensions: persisted(OTHER) },
      { query: OTHER, documentId: known },
      { query: OTHER, extensions: persisted(KNOWN) },
      { query: OTHER, extensions: persisted(OTHER) },
      { query: '{ not even a document' },
    ]) {
      const { status = 400, errors, data } = await send(url, { ...asked, variables });
      const told = { asked, status, codes: codesOf({ errors }), data };
      expect(told).toEqual({
        asked,
        status: 400,
        codes: ['DOCUMENT_NOT_TRUSTED'],
        data: undefined,
      });
    }
  });

  test('where every document is answered, one that was named only can not be', async () => {
    const { url } = await serve();
    for (const asked of [{ documentId: hashText(KNOWN) }, { extensions: persisted(KNOWN) }]) {
      expect(codesOf(await send(url, asked))).toEqual(['PERSISTED_QUERY_NOT_SUPPORTED']);
      // As Apollo's clients do next.
      const { errors, data } = await send(url, { query: KNOWN, variables: { id: 'x' }, ...asked });
      expect({ errors, data }).toEqual({ errors: [], data: { maybe: null } });
    }
  });
});

forEachTransport(
  (send) => {
    test('O7 subscriptions, too, are answered only where their document is trusted', async () => {
      const { url } = await serve({ trustedDocuments });
      const { data } = await send(url, { documentId: hashText(TICKS) });
      expect(data).toEqual({ ticks: 1 });
      const other = await send(url, { query: 'subscription { ticks(count: 2) }' });
      expect(codesOf(other)).toEqual(['DOCUMENT_NOT_TRUSTED']);
    });
  },
  ['SSE, distinct', 'SSE, single', 'WebSocket'],
);

test('O7 what comes in parts is answered only where its document is trusted', async () => {
  const text = '{ list { id ... @defer { title } } }';
  const documents = new Map([[hashText(text), text]]);
  const { send } = await serve({ trustedDocuments: { documents, mode: 'only' } });
  const ask = (body: object) =>
    send({
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', accept: 'multipart/mixed' },
    });
  expect((await ask({ documentId: hashText(text) })).body).toContain('"hasNext":false');
  const other = await ask({ query: text.replace('title', 'author') });
  expect(JSON.stringify(other.body)).toContain('DOCUMENT_NOT_TRUSTED');
});

describe('the file of trusted documents', () => {
  async function write(content: string) {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-trusted-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'documents.json');
    await writeFile(path, content);
    return path;
  }

  test('is read as code generators write it', async () => {
    const path = await write(
      JSON.stringify({ [hashText(KNOWN)]: KNOWN, [`sha256:${hashText(TICKS)}`]: TICKS }),
    );
    expect((await readTrustedDocuments(path)).documents).toEqual(trustedDocuments.documents);
  });

  test.each([
    ['no JSON', '{ "a"', /can't be read: .*JSON/],
    ['a list', '[]', /are no object/],
    ['null', 'null', /are no object/],
    ['empty', '{}', /can't be used. It has none/],
  ])('that is %s is refused', async (_what, content, message) => {
    await expect(readTrustedDocuments(await write(content))).rejects.toThrow(message);
  });

  test('that does not exist is refused', async () => {
    await expect(readTrustedDocuments('/nowhere/documents.json')).rejects.toThrow(/ENOENT/);
  });

  test('tells all its faults', async () => {
    const broken = '{ oh';
    const wrong = { a: KNOWN, b: 1, [hashText(broken)]: broken, [hashText(KNOWN)]: KNOWN };
    await expect(readTrustedDocuments(await write(JSON.stringify(wrong)))).rejects.toThrow(
      /"a" is not the SHA-256.*What "b" names is no text.*has a fault: Syntax Error/,
    );
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`${at}`, 1]));
    await expect(readTrustedDocuments(await write(JSON.stringify(many)))).rejects.toThrow(
      /"9" names is no text. And 20 more\.$/,
    );
  });

  test('that the package brings has all that the command line sends', async () => {
    const path = new URL('../../trusted-documents.json', import.meta.url).pathname;
    const { documents } = await readTrustedDocuments(path);
    const texts = new Set(documents.values());
    const exported = Object.values(operations);
    expect(exported.length).toBeGreaterThan(5);
    for (const document of exported) {
      expect(document.kind).toBe(Kind.DOCUMENT);
      expect(texts).toContain(print(document));
      const resumable = makeResumable(document);
      if (resumable === undefined) continue;
      expect(texts).toContain(print(resumable.document));
      expect(texts).toContain(resumable.cursorQuery);
    }
  });
});
