import {
  type ExpressionBuilder,
  type Kysely,
  type SelectQueryBuilder,
  type SqlBool,
  sql,
} from 'kysely';
import type { Database } from '../storage/database.ts';
import { toStoredText } from '../storage/stored-text.ts';
import type { Tables } from '../storage/tables.ts';
import { type Branch, type PagePlan, planPage, type Segment, toWhole } from './job-list-plan.ts';
import type { JobFilter, JobQuery } from './job-query.ts';
import { JOB_COLUMNS, type JobRow, searchable } from './job-row.ts';

/** Finds the jobs of a tenant in the database. */
export interface JobLists {
  /** At most two statements, however long the list is. */
  list(tenant: string, query: JobQuery): Promise<JobRow[]>;
  /** The same, but only what index and order tell: the ids. */
  listIds(tenant: string, query: JobQuery): Promise<string[]>;
  count(tenant: string, filter: JobFilter): Promise<number>;
}

export function createJobLists({ reads, scans }: Database): JobLists {
  const readSegment = async (plan: PagePlan, segment: Segment, limit: number) => {
    const db = segment.isSearch ? scans : reads;
    const [first, second] = segment.branches;
    if (first === undefined) return [];
    if (second === undefined && !plan.isScoped) {
      return selectBranch(db, plan, segment, first, limit).select(JOB_COLUMNS).execute();
    }
    // SQLite takes the index with all columns of a filter only if it need not look into the table at once.
    const ids = selectIds(db, plan, segment, limit);
    const rows = await db.selectFrom('jobs').select(JOB_COLUMNS).where('id', 'in', ids).execute();
    return rows.sort((a, b) => compareRows(a, b, plan, segment));
  };

  const readIds = async (plan: PagePlan, segment: Segment, limit: number) => {
    const db = segment.isSearch ? scans : reads;
    const [first, second] = segment.branches;
    if (first === undefined) return [];
    const isOne = second === undefined && !plan.isScoped;
    const ids = isOne
      ? selectBranch(db, plan, segment, first, limit).select('id')
      : selectIds(db, plan, segment, limit);
    return (await ids.execute()).map(({ id }) => id);
  };

  const readPage = async <Place>(
    tenant: string,
    query: JobQuery,
    read: (plan: PagePlan, segment: Segment, limit: number) => Promise<Place[]>,
  ) => {
    const plan = planPage(tenant, query);
    const page: Place[] = [];
    for (const segment of plan.segments) {
      const room = query.limit - page.length;
      if (room > 0) page.push(...(await read(plan, segment, room)));
    }
    return query.fromEnd ? page.reverse() : page;
  };

  return {
    list: (tenant, query) => readPage(tenant, query, readSegment),
    listIds: (tenant, query) => readPage(tenant, query, readIds),
    async count(tenant, filter) {
      const { flowIds, states } = filter;
      if (flowIds?.length === 0 || states?.length === 0) return 0;
      let jobs = scans
        .selectFrom('jobs')
        .where('tenant', '=', toStoredText(tenant))
        .where((eb) => matches(eb, filter));
      if (states !== undefined) jobs = jobs.where('state', 'in', states);
      const found = await jobs.select(({ fn }) => fn.countAll().as('count')).executeTakeFirst();
      return Number(found?.count ?? 0);
    },
  };
}

/** The ids of the first jobs of all branches together. */
function selectIds(db: Kysely<Tables>, plan: PagePlan, segment: Segment, limit: number) {
  const direction = plan.isDescending ? 'desc' : 'asc';
  const [first, ...others] = segment.branches.map((branch, at) =>
    db
      .selectFrom(
        selectBranch(db, plan, segment, branch, limit)
          .select(['id', 'state', `${plan.column} as place`])
          .as(`branch_${at}`),
      )
      .select(['id', 'state', 'place']),
  );
  if (first === undefined) throw new Error('A segment without branches has no jobs.');
  const all = others.reduce((union, other) => union.unionAll(other), first);
  let page = db.selectFrom(all.as('page')).select('id');
  if (plan.isByState) page = page.orderBy('state', direction);
  if (segment.isKeyed) page = page.orderBy('place', direction);
  return page.orderBy('id', direction).limit(limit);
}

/** The first jobs of a branch, in order. */
function selectBranch(
  db: Kysely<Tables>,
  { tenant, column, isDescending, rest }: PagePlan,
  { isKeyed }: Segment,
  { flowId, state, lower, upper }: Branch,
  limit: number,
): SelectQueryBuilder<Tables, 'jobs', object> {
  const direction = isDescending ? 'desc' : 'asc';
  let jobs = db
    .selectFrom('jobs')
    .where('tenant', '=', toStoredText(tenant))
    .where((eb) => matches(eb, rest));
  if (flowId !== undefined) jobs = jobs.where('flow_id', '=', toStoredText(flowId));
  if (state !== undefined) jobs = jobs.where('state', '=', state);
  const bounds = [
    ['>', lower],
    ['<', upper],
  ] as const;
  if (!isKeyed) {
    // Who has not ended took no time, so one index has both.
    jobs = jobs.where('duration_ms', 'is', null);
    if (column === 'finished_at') jobs = jobs.where('finished_at', 'is', null);
    for (const [sign, bound] of bounds) {
      if (bound !== undefined) jobs = jobs.where('id', sign, toStoredText(bound.id));
    }
    return jobs.orderBy('id', direction).limit(limit);
  }
  if (column !== 'created_at') jobs = jobs.where(column, 'is not', null);
  for (const [sign, bound] of bounds) {
    if (bound === undefined) continue;
    const { key, id } = bound;
    jobs = jobs.where(({ eb, refTuple, tuple }) =>
      eb(refTuple(column, 'id'), sign, tuple(key, toStoredText(id))),
    );
  }
  return jobs.orderBy(column, direction).orderBy('id', direction).limit(limit);
}

/** Whether a job is one of those a filter asks for; its tenant and its state are not looked at. */
function matches(eb: ExpressionBuilder<Tables, 'jobs'>, filter: JobFilter) {
  const { flowIds, owner, text } = filter;
  const conditions = [];
  if (flowIds !== undefined) conditions.push(eb('flow_id', 'in', flowIds.map(toStoredText)));
  if (owner !== undefined) conditions.push(eb('owner', '=', toStoredText(owner)));
  const times = [
    ['created_at', filter.createdAfter, filter.createdBefore],
    ['finished_at', filter.finishedAfter, filter.finishedBefore],
  ] as const;
  for (const [column, after, before] of times) {
    // Times are whole numbers.
    if (after !== undefined) conditions.push(eb(column, '>', toWhole(Math.floor(after))));
    if (before !== undefined) conditions.push(eb(column, '<', toWhole(Math.ceil(before))));
  }
  if (text !== undefined) {
    const pattern = `%${searchable(text).replace(/[\\%_]/g, '\\$&')}%`;
    conditions.push(sql<SqlBool>`search_text like ${pattern} escape '\\'`);
  }
  return eb.and(conditions);
}

/** Which of two jobs of a segment is read first. */
function compareRows(
  a: JobRow,
  b: JobRow,
  { column, isByState, isDescending }: PagePlan,
  { isKeyed }: Segment,
): number {
  const sign = isDescending ? -1 : 1;
  if (isByState && a.state !== b.state) return a.state < b.state ? -sign : sign;
  const [left, right] = isKeyed ? [a[column] ?? 0, b[column] ?? 0] : [0, 0];
  if (left !== right) return left < right ? -sign : sign;
  return a.id < b.id ? -sign : sign;
}
