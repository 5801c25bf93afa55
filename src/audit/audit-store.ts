import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { Database } from '../storage/database.ts';
import { fromStoredText, toStoredText } from '../storage/stored-text.ts';
import type { AuditEntriesTable, Tables } from '../storage/tables.ts';
import type {
  AuditChanges,
  AuditEntry,
  AuditFilter,
  AuditPosition,
  AuditQuery,
} from './audit-entry.ts';

/** Keeps the entries of the audit log. What is read is that of one tenant. */
export interface AuditStore {
  /**
   * Is kept once the entry is on disk.
   * @param deadlineMs as of `Database.write`
   */
  insert(entry: AuditEntry, deadlineMs: number): Promise<void>;
  /** In the order of the ids. */
  getMany(tenant: string, ids: readonly string[]): Promise<(AuditEntry | undefined)[]>;
  /** Newest first. */
  list(tenant: string, query: AuditQuery): Promise<AuditEntry[]>;
  count(tenant: string, filter: AuditFilter): Promise<number>;
}

export function createAuditStore(database: Database): AuditStore {
  const { reads, scans } = database;
  return {
    async insert(entry, deadlineMs) {
      // Entries have ids of their own, so one that is there already was written by an earlier try.
      const insert = reads
        .insertInto('audit_entries')
        .values(fromEntry(entry))
        .onConflict((conflict) => conflict.column('id').doNothing());
      await database.write([insert], { deadlineMs });
    },

    async getMany(tenant, ids) {
      if (ids.length === 0) return [];
      const rows = await reads
        .selectFrom('audit_entries')
        .selectAll()
        .where('tenant', '=', toStoredText(tenant))
        .where('id', 'in', ids.map(toStoredText))
        .execute();
      const byId = new Map(rows.map((row) => [row.id, toEntry(row)]));
      return ids.map((id) => byId.get(id));
    },

    async list(tenant, { filter, after, before, limit, fromEnd }) {
      const direction = fromEnd ? 'asc' : 'desc';
      const pageOf = (part: AuditFilter) =>
        scans
          .selectFrom('audit_entries')
          .selectAll()
          .where((eb) =>
            eb.and([
              ...conditionsOf(eb, tenant, part),
              ...(after === undefined ? [] : [compare('<', after)]),
              ...(before === undefined ? [] : [compare('>', before)]),
            ]),
          )
          .orderBy('at', direction)
          .orderBy('id', direction)
          .limit(limit);
      // A page of each operation by its index, then the page of these: else all that match would have to be sorted.
      const operations = [...new Set(filter.operations)];
      const pages = operations.map((operation) => pageOf({ ...filter, operations: [operation] }));
      const merged = sql.join(
        pages.map((page) => sql`select * from (${page}) as page`),
        sql` union all `,
      );
      const query =
        pages.length < 2
          ? pageOf(filter)
          : scans
              .selectFrom(sql<AuditEntriesTable>`(${merged})`.as('pages'))
              .selectAll()
              .orderBy('at', direction)
              .orderBy('id', direction)
              .limit(limit);
      const entries = (await query.execute()).map(toEntry);
      return fromEnd ? entries.toReversed() : entries;
    },

    async count(tenant, filter) {
      const { count } = await scans
        .selectFrom('audit_entries')
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .where((eb) => eb.and(conditionsOf(eb, tenant, filter)))
        .executeTakeFirstOrThrow();
      return Number(count);
    },
  };
}

function compare(than: '<' | '>', { at, id }: AuditPosition): Expression<SqlBool> {
  return sql<SqlBool>`(at, id) ${sql.raw(than)} (${at}, ${toStoredText(id)})`;
}

function conditionsOf(
  eb: ExpressionBuilder<Tables, 'audit_entries'>,
  tenant: string,
  { operations, outcomes, actor, target, after, before }: AuditFilter,
): Expression<SqlBool>[] {
  const isOneOf = (column: 'operation' | 'outcome', values: readonly string[]) =>
    values.length === 0
      ? sql<SqlBool>`1 = 0`
      : sql<SqlBool>`${sql.ref(column)} in (${sql.join(values.map(toStoredText))})`;
  return [
    eb('tenant', '=', toStoredText(tenant)),
    ...(operations === undefined ? [] : [isOneOf('operation', operations)]),
    ...(outcomes === undefined ? [] : [isOneOf('outcome', outcomes)]),
    ...(actor === undefined ? [] : [eb('actor', '=', toStoredText(actor))]),
    ...(target === undefined ? [] : [eb('target', '=', toStoredText(target))]),
    ...(after === undefined ? [] : [eb('at', '>', after)]),
    ...(before === undefined ? [] : [eb('at', '<', before)]),
  ];
}

function fromEntry(entry: AuditEntry): AuditEntriesTable {
  return {
    id: entry.id,
    tenant: toStoredText(entry.tenant),
    at: entry.at,
    operation: entry.operation,
    actor: toText(entry.actor),
    address: toText(entry.address),
    arguments: entry.arguments,
    outcome: entry.outcome,
    error_code: toText(entry.errorCode),
    error_message: toText(entry.errorMessage),
    target: toText(entry.target),
    duration_ms: entry.durationMs,
    changes: entry.changes === undefined ? null : JSON.stringify(entry.changes),
  };
}

function toEntry(row: AuditEntriesTable): AuditEntry {
  return {
    id: row.id,
    tenant: fromStoredText(row.tenant),
    at: row.at,
    operation: row.operation,
    actor: fromText(row.actor),
    address: fromText(row.address),
    arguments: row.arguments,
    outcome: row.outcome,
    errorCode: fromText(row.error_code),
    errorMessage: fromText(row.error_message),
    target: fromText(row.target),
    durationMs: row.duration_ms,
    changes: toChanges(row.changes),
  };
}

function toChanges(text: string | null): AuditChanges | undefined {
  if (text === null) return undefined;
  const { before, after } = JSON.parse(text);
  return { before, after };
}

function toText(text: string | undefined): string | null {
  return text === undefined ? null : toStoredText(text);
}

function fromText(stored: string | null): string | undefined {
  return stored === null ? undefined : fromStoredText(stored);
}
