/** The page that every contender answers: 100 jobs of 8 fields. */
export const QUERY = `query Page {
  jobs(first: 100) {
    nodes { id status flowId owner priority createdAt finishedAt durationMs }
  }
}`;

export const JOBS = 100;

/** A job as the contenders besides Millrace hold it. */
export interface PlainJob {
  readonly id: string;
  readonly status: string;
  readonly flowId: string;
  readonly owner: string;
  readonly priority: number;
  readonly createdAt: string;
  readonly finishedAt: string;
  readonly durationMs: number;
}

export function makePlainJobs(): PlainJob[] {
  return Array.from({ length: JOBS }, (_, at) => ({
    id: `Job:01a1f9f8-63ff-7237-9cf2-${String(574_000_000_000 + at)}`,
    status: 'COMPLETED',
    flowId: 'articles',
    owner: `owner-${at % 7}`,
    priority: at % 3,
    createdAt: new Date(1_790_000_000_000 + at * 1000).toISOString(),
    finishedAt: new Date(1_790_000_000_500 + at * 1000).toISOString(),
    durationMs: 500 + at / 7,
  }));
}
