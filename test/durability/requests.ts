import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { StartJobDocument } from '../generated/operations.ts';
import { readEffects } from './effects.ts';
import type { Work } from './flows/work.ts';
import type { ServerProcess } from './process.ts';
import { hasEnded, type SurveyedJob, surveyJobs } from './survey.ts';
import { faultsOf } from './wanted.ts';

/** Asks for a job of a flow, under a key that names it. */
export async function requestJob(server: ServerProcess, flowId: string, work: Work) {
  const input = { flowId: `Flow:${flowId}`, input: work, idempotencyKey: work.key };
  const { startJob: answer } = await server.ask(StartJobDocument, { input });
  return answer;
}

/** The same, and answers its id. @throws when it is refused */
export async function startJob(server: ServerProcess, flowId: string, work: Work): Promise<string> {
  const answer = await requestJob(server, flowId, work);
  if (answer.__typename !== 'StartJobPayload') throw new Error(JSON.stringify(answer));
  return answer.job.id;
}

/** Waits until the readiness probe answers so, and tells why. */
export async function untilReadyIs(
  server: ServerProcess,
  status: number,
): Promise<string | undefined> {
  for (;;) {
    const answer = await server.ready();
    if (answer.status === status) return answer.problem;
    await delay(10);
  }
}

/** Waits until a job has had so many effects. */
export async function untilEffects(file: string, key: string, count: number): Promise<void> {
  while ((readEffects(file).get(key)?.length ?? 0) < count) await delay(10);
}

/** Waits until all jobs have ended. */
export async function untilAllEnded(server: ServerProcess): Promise<SurveyedJob[]> {
  for (;;) {
    const jobs = await surveyJobs(server);
    if (jobs.every(hasEnded)) return jobs;
    await delay(100);
  }
}

/**
 * Jobs were asked for these works, by key: they are all there, nothing else is, and each came to what it should.
 * @param isOnce whether no effect may have happened twice
 */
export function expectOutcomes(
  jobs: readonly SurveyedJob[],
  works: readonly Work[],
  isOnce: boolean,
): void {
  expect(jobs.map(({ idempotencyKey }) => idempotencyKey).toSorted()).toEqual(
    works.map(({ key }) => key).toSorted(),
  );
  for (const job of jobs) {
    const work = works.find(({ key }) => key === job.idempotencyKey);
    if (work === undefined) continue;
    const items = readEffects(work.effects).get(work.key) ?? [];
    expect(faultsOf(job, work, items), `${job.flowId} ${work.key}`).toEqual([]);
    if (isOnce)
      expect(
        items.toSorted((a, b) => a - b),
        work.key,
      ).toEqual([...new Set(items)].toSorted((a, b) => a - b));
  }
}
