import { indexLinks, type Trail } from '../monitoring/lineage.ts';
import type { ActivationRecord, TraceLink } from '../monitoring/readings.ts';
import type { JobHistory } from './job-history.ts';
import type { JobHost } from './job-host.ts';

const AT_A_TIME = 1_000;

/** A trace has no more entries than its monitor remembers, unless the server was set up to remember very many. */
const MOST_PAGES = 20;

/**
 * Reads all that is known of who emitted what to whom in a job: from the host, if it knows the job, and from what is kept.
 * The records that are kept are read once, and stand in the trail as they are.
 */
export async function readTrail(
  jobId: string,
  host: Pick<JobHost, 'readLinks'>,
  history: Pick<JobHistory, 'readTrace' | 'readReadings'>,
): Promise<Trail> {
  const live = await host.readLinks(jobId);
  if (live === undefined) {
    const [links, [reading]] = await Promise.all([
      readKept(jobId, undefined, history),
      history.readReadings([jobId]),
    ]);
    const byId = indexLinks(links);
    const begun = reading?.routines.reduce((sum, { startedCount }) => sum + startedCount, 0) ?? 0;
    let activationCount = begun;
    for (const id of byId.keys()) activationCount = Math.max(activationCount, id);
    return { byId, activationCount };
  }
  const { links, completeFrom, activationCount } = live;
  const older = completeFrom <= 1 ? [] : await readKept(jobId, completeFrom, history);
  return { byId: indexLinks([...older, ...links]), activationCount };
}

/** What is kept of a trace before a place, in order. */
async function readKept(
  jobId: string,
  before: number | undefined,
  history: Pick<JobHistory, 'readTrace'>,
): Promise<TraceLink[]> {
  const kept: TraceLink[][] = [];
  let end = before;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const query = { filter: {}, before: end, limit: AT_A_TIME, fromEnd: true };
    const page = await history.readTrace(jobId, query);
    kept.push([...page]);
    end = page[0]?.sequence;
    if (page.length < AT_A_TIME) break;
  }
  return kept.reverse().flat();
}

/** What is kept of a trace are whole records. */
export function isRecord(link: TraceLink): link is ActivationRecord {
  return 'inputs' in link;
}
