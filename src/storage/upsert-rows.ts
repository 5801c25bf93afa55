import { type Compilable, CompiledQuery } from 'kysely';
import type { Capabilities } from './capabilities.ts';
import { TABLE_KEYS, type Tables } from './tables.ts';

/** A row and where it belongs. */
export interface TableRow {
  readonly table: keyof Tables;
  readonly row: Readonly<Record<string, unknown>>;
}

/** Rows of one statement. Few sizes, so that few statements have to be prepared. */
const STATEMENT_ROWS = [500, 64, 8, 1] as const;

/**
 * Statements that insert rows of any tables, replacing those that are there already. Of several rows with the same key
 * the last counts. They are written out here rather than by Kysely, which takes longer to build a statement of so many
 * values than SQLite takes to run it.
 */
export function upsertRows(
  rows: readonly TableRow[],
  capabilities: Capabilities,
): readonly Compilable[] {
  return groupByShape(rows).flatMap(({ table, columns, rows: alike }) => {
    const statements: Compilable[] = [];
    let at = 0;
    for (const size of STATEMENT_ROWS) {
      if (size * columns.length > capabilities.maxParameters) continue;
      for (; at + size <= alike.length; at += size) {
        const parameters: unknown[] = [];
        for (let row = at; row < at + size; row++) {
          for (const column of columns) parameters.push(alike[row]?.[column]);
        }
        const query = CompiledQuery.raw(writeOnce(table, columns, size, capabilities), parameters);
        statements.push({ compile: () => query });
      }
    }
    return statements;
  });
}

interface Shape {
  readonly table: keyof Tables;
  readonly columns: readonly string[];
  readonly rows: TableRow['row'][];
}

/** The last row of each key, with those that go to the same columns together. */
function groupByShape(rows: readonly TableRow[]): readonly Shape[] {
  const newest = new Map<string, TableRow>();
  for (const each of rows) {
    let key: string = each.table;
    for (const column of TABLE_KEYS[each.table]) key += `\0${each.row[column]}`;
    newest.set(key, each);
  }
  const shapes: Shape[] = [];
  let shape: Shape | undefined;
  for (const each of newest.values()) {
    // Most rows are like the one before.
    if (shape === undefined || !isOf(shape, each)) {
      shape = shapes.find((known) => isOf(known, each));
    }
    if (shape === undefined) {
      shape = { table: each.table, columns: Object.keys(each.row), rows: [] };
      shapes.push(shape);
    }
    shape.rows.push(each.row);
  }
  return shapes;
}

/** Whether a row has the columns of a shape, in the same order. */
function isOf({ table, columns }: Shape, each: TableRow): boolean {
  if (table !== each.table) return false;
  let at = 0;
  for (const column in each.row) if (columns[at++] !== column) return false;
  return at === columns.length;
}

/** Statements that were written before, by what they are written from. There are as many as tables and sizes. */
const written = new Map<string, string>();

function writeOnce(
  table: keyof Tables,
  columns: readonly string[],
  count: number,
  capabilities: Capabilities,
): string {
  const name = `${capabilities.dialect} ${table} ${count} ${columns.join()}`;
  const known = written.get(name);
  if (known !== undefined) return known;
  const sql = upsertSql(table, columns, count, capabilities);
  written.set(name, sql);
  return sql;
}

function upsertSql(
  table: keyof Tables,
  columns: readonly string[],
  count: number,
  { placeholder }: Capabilities,
): string {
  const keys: readonly string[] = TABLE_KEYS[table];
  const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');
  let position = 0;
  const values = Array.from({ length: count }, () => {
    const row = columns.map(() => {
      position += 1;
      return placeholder(position);
    });
    return `(${row.join(', ')})`;
  });
  const changes = columns
    .filter((column) => !keys.includes(column))
    .map((column) => `"${column}" = excluded."${column}"`);
  const conflict = changes.length === 0 ? 'nothing' : `update set ${changes.join(', ')}`;
  return `insert into "${table}" (${quoted(columns)}) values ${values.join(', ')} on conflict (${quoted(keys)}) do ${conflict}`;
}
