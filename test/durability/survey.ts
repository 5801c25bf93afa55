import {
  SurveyAuditDocument,
  type SurveyAuditQuery,
  SurveyFlowsDocument,
  SurveyJobsDocument,
  type SurveyJobsQuery,
} from '../generated/operations.ts';
import type { ServerProcess } from './process.ts';

/** A job as the API tells it. */
export type SurveyedJob = SurveyJobsQuery['jobs']['nodes'][number];
export type SurveyedAuditEntry = SurveyAuditQuery['auditEntries']['nodes'][number];

export function hasEnded({ status }: SurveyedJob): boolean {
  return status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELLED';
}

/** Every job there is. */
export function surveyJobs(server: ServerProcess): Promise<SurveyedJob[]> {
  return readAll(async (page) => (await server.ask(SurveyJobsDocument, page)).jobs);
}

/** The whole audit log. */
export function surveyAudit(server: ServerProcess): Promise<SurveyedAuditEntry[]> {
  return readAll(async (page) => (await server.ask(SurveyAuditDocument, page)).auditEntries);
}

/** How many jobs ended, by flow. */
export async function surveyFinished(server: ServerProcess): Promise<Map<string, number>> {
  const { flows } = await server.ask(SurveyFlowsDocument, {});
  return new Map(flows.nodes.map(({ flowId, metrics }) => [flowId, metrics.finishedCount]));
}

interface Page<T> {
  readonly nodes: readonly T[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

async function readAll<T>(
  readPage: (page: { first: number; after: string | null }) => Promise<Page<T>>,
): Promise<T[]> {
  const all: T[] = [];
  let after: string | null = null;
  do {
    // A page that is smaller than the list, so that pages are tried too.
    const { nodes, pageInfo }: Page<T> = await readPage({ first: 20, after });
    all.push(...nodes);
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after !== null);
  return all;
}
