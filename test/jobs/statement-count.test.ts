import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { ask, ended, openApp } from '../api/api.ts';
import { Broken, echo, running } from '../api/flows.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

interface ShownJob {
  readonly id: string;
  readonly retryOf?: { readonly id: string } | null;
}

interface Page {
  readonly jobs: {
    readonly totalCount?: number;
    readonly edges: readonly { readonly node: ShownJob }[];
  };
}

/** Everything that a list of jobs shows of each. */
const SHOWN = `
  edges { cursor node {
    id status isEnding progress durationMs input metadata
    flow { id }
    metrics { executionCount errorCount durations { p95Ms } }
    routines { id status job { id } queues { slot usage job { status } } }
    queues { slot unconsumedCount }
    activeRoutines { routineId }
    outputs { name count values }
    retryOf { id status metrics { executionCount } retryOf { id } }
    debugSession { id status owner stop { number } watches { expression } }
  } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }`;

function listing(fields: string) {
  const text = `query ($first: Int, $filter: JobFilter) { jobs(first: $first, filter: $filter) { ${fields} } }`;
  // Its data look as the interface above says.
  return parse(text) as TypedDocumentNode<Page, { first: number; filter?: object }>;
}

/** A hundred jobs that have ended, half of them retries of the others, and the means to count statements. */
async function openHundred() {
  const statements: string[] = [];
  const broken = running(() => Promise.reject(new Broken('no')), 'broken');
  const clock = new ManualClock(); // nothing happens in the background while it stands still
  const app = await openApp({
    flows: [echo(), broken],
    clock,
    database: { url: 'sqlite::memory:', onStatement: (sql) => statements.push(sql) },
  });
  for (let at = 0; at < 50; at++) {
    const { id } = await app.jobs.start({ flowId: 'broken', input: at });
    await ended(app, `Job:${id}`);
    await ended(app, `Job:${(await app.jobs.retry(id)).id}`);
  }
  await settle();
  const count = async (fields: string, variables: { first: number; filter?: object }) => {
    statements.length = 0;
    const { jobs } = await ask(app, listing(fields), variables);
    return { jobs, statements: statements.splice(0) };
  };
  return { app, count };
}

describe('O1 statements', () => {
  it('a page of a hundred jobs with all that is shown of them costs as many as one of ten', async () => {
    const { count } = await openHundred();
    const ten = await count(`totalCount ${SHOWN}`, { first: 10 });
    const hundred = await count(`totalCount ${SHOWN}`, { first: 100 });
    expect(ten.jobs.edges).toHaveLength(10);
    expect(hundred.jobs.edges).toHaveLength(100);
    expect(hundred.jobs.totalCount).toBe(100);
    expect(hundred.jobs.edges.filter(({ node }) => node.retryOf !== null)).toHaveLength(50);
    expect(hundred.statements).toHaveLength(ten.statements.length);
    expect(hundred.statements.length).toBeLessThanOrEqual(12);
  });

  it('the total is counted only when it is asked for', async () => {
    const { count } = await openHundred();
    const without = await count('edges { node { id status flow { id } } }', { first: 100 });
    expect(without.statements).toHaveLength(1);
    expect(without.statements[0]).not.toContain('count(');
    const withTotal = await count('totalCount edges { node { id } }', { first: 100 });
    expect(withTotal.statements).toHaveLength(2);
    expect((await count('totalCount', { first: 1 })).jobs.totalCount).toBe(100);
  });

  it('a job that was deleted is no retried job any more, and no error', async () => {
    const { app, count } = await openHundred();
    const all = await count('edges { node { id retryOf { id } } }', { first: 100 });
    const retry = all.jobs.edges.find(({ node }) => node.retryOf !== null)?.node;
    await app.jobs.delete(retry?.retryOf?.id.slice(4) ?? '');
    const { jobs } = await count('edges { node { id retryOf { id } } }', { first: 100 });
    const found = jobs.edges.find(({ node }) => node.id === retry?.id);
    expect(found?.node.retryOf).toBeNull();
  });
});
