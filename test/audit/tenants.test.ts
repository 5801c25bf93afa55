import { CompiledQuery } from 'kysely';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AuditEntry, AuditFilter } from '../../src/audit/audit-entry.ts';
import { createAuditStore } from '../../src/audit/audit-store.ts';
import { createContext } from '../../src/graphql/context.ts';
import { ANYBODY } from '../../src/lib/identity.ts';
import { openDatabase } from '../../src/storage/open-database.ts';
import { answer, openApp } from '../api/api.ts';
import { echo } from '../api/flows.ts';
import {
  GetAuditEntryDocument,
  ListAuditEntriesDocument,
  ReleaseSessionDocument,
  StartJobDocument,
} from '../generated/operations.ts';
import { forEachDatabase } from '../support/databases.ts';

const entry = (id: string, tenant: string, at: number): AuditEntry => ({
  id,
  tenant,
  at,
  operation: at % 2 === 0 ? 'startJob' : 'pauseJob',
  actor: 'ann',
  address: undefined,
  arguments: '{}',
  outcome: 'SUCCEEDED',
  errorCode: undefined,
  errorMessage: undefined,
  target: 'Job:1',
  durationMs: 1,
  changes: undefined,
});

const FILTERS: readonly AuditFilter[] = [
  {},
  { operations: ['startJob', 'pauseJob'] },
  { outcomes: ['SUCCEEDED'] },
  { actor: 'ann' },
  { target: 'Job:1' },
  { after: -1, before: 99 },
];

describe('O7 the audit log of a tenant', () => {
  forEachDatabase(({ open, makeUrl }) => {
    test('lists, counts, pages and finds no entry of another', async () => {
      const store = createAuditStore(await open());
      const tenants = ['acme', 'beta', 'odd\0 \ud800'];
      for (let at = 0; at < 12; at++) {
        const tenant = tenants[at % 3] ?? '';
        await store.insert(entry(`id-${at}`, tenant, Math.floor(at / 3)), 30_000);
      }
      for (const [nth, tenant] of tenants.entries()) {
        const own = [9, 6, 3, 0].map((at) => `id-${at + nth}`);
        for (const filter of FILTERS) {
          const pages: AuditEntry[] = [];
          for (;;) {
            const query = { filter, limit: 3, fromEnd: false, after: pages.at(-1) };
            const page = await store.list(tenant, query);
            if (page.length === 0) break;
            pages.push(...page);
          }
          expect(pages.map(({ id }) => id)).toEqual(own);
          expect(pages.every((each) => each.tenant === tenant)).toBe(true);
          const fromEnd = await store.list(tenant, { filter, limit: 2, fromEnd: true });
          expect(fromEnd.map(({ id }) => id)).toEqual(own.slice(2));
          expect(await store.count(tenant, filter)).toBe(4);
        }
        const found = await store.getMany(tenant, ['id-0', 'id-1', 'id-2']);
        expect(found.map((each) => each?.tenant)).toEqual(
          tenants.map((each) => (each === tenant ? tenant : undefined)),
        );
      }
      expect(await store.count('nobody', {})).toBe(0);
    });

    test('has what its viewers asked for, and answers the id of an entry of others as an unknown one', async () => {
      const app = await openApp({ flows: [echo()], database: await makeUrl() });
      const as = (tenant: string) => createContext(app.services, { ...ANYBODY, tenant });
      const input = { flowId: 'echo', input: 1 };
      await answer(app, StartJobDocument, { input }, as('acme'));
      await answer(app, StartJobDocument, { input: { flowId: 'none' } }, as('beta'));
      await answer(app, StartJobDocument, { input: { flowId: 'nil' } }, as('beta'));
      const listed = async (tenant: string, after: string | null = null) => {
        const all = { filter: null, first: 1, after, last: null, before: null };
        const { data } = await answer(app, ListAuditEntriesDocument, all, as(tenant));
        return data?.auditEntries;
      };
      const beta = await listed('beta');
      expect(beta).toMatchObject({ totalCount: 2, pageInfo: { hasNextPage: true } });
      const acme = await listed('acme');
      expect(acme).toMatchObject({ totalCount: 1, pageInfo: { hasNextPage: false } });
      // Their places are no secret, but there is nothing of others at them.
      expect(await listed('acme', beta?.pageInfo.endCursor)).toMatchObject({
        nodes: acme?.nodes,
        totalCount: 1,
      });
      expect(await listed('gamma')).toMatchObject({ totalCount: 0, nodes: [] });

      const refusalOf = async (id: string) => {
        const { data, errors = [] } = await answer(app, GetAuditEntryDocument, { id }, as('acme'));
        expect(data?.node).toBeNull();
        return errors.map(({ message, originalError }) => [
          message.replace(id.slice(11), ''),
          (originalError as { code?: string } | undefined)?.code,
        ]);
      };
      const unknown = 'AuditEntry:01990000-0000-7000-8000-000000000001';
      expect(await refusalOf(beta?.nodes[0]?.id ?? '')).toEqual(await refusalOf(unknown));
      expect(await refusalOf(unknown)).toMatchObject([[expect.any(String), 'NOT_FOUND']]);
      const { data } = await answer(
        app,
        GetAuditEntryDocument,
        { id: acme?.nodes[0]?.id ?? '' },
        as('acme'),
      );
      expect(data?.node).toMatchObject({ operation: 'startJob' });
    });
  });

  test('is found by an index that begins with the tenant', async () => {
    const statements: string[] = [];
    const database = await openDatabase('sqlite::memory:', {
      onStatement: (sql) => statements.push(sql),
    });
    onTestFinished(() => database.close());
    const store = createAuditStore(database);
    const place = { at: 1, id: 'x' };
    for (const filter of FILTERS) {
      for (const range of [{}, { after: place }, { before: place }]) {
        statements.length = 0;
        await store.list('acme', { filter, limit: 3, fromEnd: 'before' in range, ...range });
        await store.count('acme', filter);
        for (const sql of statements.splice(0)) {
          const values = Array.from(sql.matchAll(/\?/g), () => null);
          const { rows } = await database.scans.executeQuery(
            CompiledQuery.raw(`explain query plan ${sql}`, values),
          );
          const details = (rows as { detail: string }[]).map(({ detail }) => detail); // as SQLite says
          const reads = details.filter((detail) => /audit_entries/.test(detail));
          expect(reads.length).toBeGreaterThan(0);
          for (const detail of reads) {
            expect(detail).toMatch(/SEARCH audit_entries USING .*INDEX \w+ \(tenant=\?/);
          }
          // Only the pages of several operations are put in order, and those are short.
          const isMerged = sql.includes('union all');
          expect(details.some((detail) => detail.includes('TEMP B-TREE'))).toBe(isMerged);
        }
      }
    }
  });
});

describe('O7 who asked', () => {
  const actorsOf = async (subject: string | undefined, actor: string | undefined) => {
    const app = await openApp({ flows: [echo()] });
    const context = createContext(app.services, { ...ANYBODY, subject });
    const input = { jobId: 'Job:1', actor };
    await answer(app, ReleaseSessionDocument, { input }, context);
    const entries = await context.audit.list({ filter: {}, limit: 9, fromEnd: false });
    return entries.map(({ actor: kept, arguments: given }) => [
      kept,
      JSON.parse(given).input.actor,
    ]);
  };

  test.each([
    ['ann', 'bob'],
    ['ann', undefined],
    [undefined, 'bob'],
    [undefined, undefined],
  ])('is %s, whatever they say: %s', async (subject, actor) => {
    expect(await actorsOf(subject, actor)).toEqual([[subject, actor]]);
  });
});
