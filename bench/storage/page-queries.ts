import type { JobOrderField, JobPosition, JobQuery } from '../../src/jobs/job-query.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import type { BareDriver } from './places.ts';

const COLUMNS: Readonly<Record<JobOrderField, string>> = {
  CREATED_AT: 'created_at',
  FINISHED_AT: 'finished_at',
  DURATION: 'duration_ms',
  STATUS: 'created_at',
};

/** Reads a page, descending, by the statement that one would write for it by hand; keyless jobs by a second one. */
export async function readPlainPage(
  driver: BareDriver,
  dialect: 'sqlite' | 'postgres',
  query: JobQuery,
): Promise<Readonly<Record<string, unknown>>[]> {
  const { order, after, limit } = query;
  const isNullable = order.field === 'FINISHED_AT' || order.field === 'DURATION';
  const read = (isKeyed: boolean, from: JobPosition | undefined, rest: number) => {
    const { sql, parameters } = writePage(query, isKeyed, from, rest, dialect);
    return driver.query(sql, parameters);
  };
  if (after?.key === null) return read(false, after, limit);
  const rows = await read(true, after, limit);
  if (!isNullable || rows.length === limit) return rows;
  return [...rows, ...(await read(false, undefined, limit - rows.length))];
}

function writePage(
  { filter, order: { field } }: JobQuery,
  isKeyed: boolean,
  after: JobPosition | undefined,
  limit: number,
  dialect: 'sqlite' | 'postgres',
) {
  const parameters: unknown[] = [];
  const put = (value: unknown) => {
    parameters.push(value);
    return dialect === 'sqlite' ? '?' : `$${parameters.length}`;
  };
  const column = COLUMNS[field];
  const conditions = [`tenant = ${put(DEFAULT_TENANT)}`];
  const [flowId] = filter.flowIds ?? [];
  if (flowId !== undefined) conditions.push(`flow_id = ${put(flowId)}`);
  if (filter.states !== undefined) {
    conditions.push(`state in (${filter.states.map(put).join(', ')})`);
  }
  if (column !== 'created_at') conditions.push(`${column} is ${isKeyed ? 'not null' : 'null'}`);
  const keys = [...(field === 'STATUS' ? ['state'] : []), ...(isKeyed ? [column] : []), 'id'];
  if (after !== undefined) {
    const values = isKeyed ? keysOf(after, field) : [];
    const place = [...values, after.id].map(put);
    conditions.push(`(${keys.join(', ')}) < (${place.join(', ')})`);
  }
  const where = `where ${conditions.join(' and ')}`;
  const order = keys.map((key) => `${key} desc`).join(', ');
  return { sql: `select * from jobs ${where} order by ${order} limit ${put(limit)}`, parameters };
}

function keysOf({ key }: JobPosition, field: JobOrderField): readonly unknown[] {
  if (field !== 'STATUS') return [key];
  const [state, createdAt] = String(key).split(' ');
  return [state, Number(createdAt)];
}
