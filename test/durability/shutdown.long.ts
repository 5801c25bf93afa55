import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { useBuilt } from './built.ts';
import type { Work } from './flows/work.ts';
import { makeDirectory } from './place.ts';
import { type ServerProcess, startProcess } from './process.ts';
import {
  expectOutcomes,
  requestJob,
  startJob,
  untilAllEnded,
  untilEffects,
  untilReadyIs,
} from './requests.ts';
import { surveyJobs } from './survey.ts';

// O1, "Durable": what a server does when it is told to stop.

const built = useBuilt();

async function makePlace() {
  const directory = await makeDirectory();
  const url = `sqlite:${join(directory, 'millrace.db')}`;
  const args = ['start', '--port', '0', '--flows', built.flows, '--database-url', url];
  const effects = join(directory, 'effects');
  return {
    effects,
    launch: () => startProcess(built.cli, args),
    work: (key: string, count: number, paceMs: number): Work => ({ key, count, paceMs, effects }),
  };
}

/** A client that watches all jobs over WebSocket; kept with the code that its socket is closed with. */
async function watchUntilClosed(
  server: ServerProcess,
): Promise<{ readonly code: Promise<number> }> {
  const url = new URL(await server.url);
  url.protocol = 'ws:';
  return new Promise((resolve, reject) => {
    const code = new Promise<number>((keep) => {
      const client = createClient({
        url: url.href,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        on: { closed: (event) => keep((event as CloseEvent).code) },
      });
      const query = 'subscription { jobStatusChanged { id status } }';
      const sink = {
        next: () => resolve({ code }),
        error: () => undefined,
        complete: () => undefined,
      };
      client.subscribe({ query }, sink);
      server.ended.then(() => reject(new Error('It ended before it told anything.')), reject);
    });
  });
}

it('lets code end, refuses jobs, goes away, and goes on where it was', async () => {
  const { launch, work, effects } = await makePlace();
  const server = launch();
  const watching = watchUntilClosed(server);
  // Sources that end soon, or at once; consumers that have much left to do.
  const works = [work('a', 40, 60), work('b', 40, 50), work('c', 40, 50), work('d', 30, 60)];
  const [a, b, c, d] = works as [Work, Work, Work, Work]; // there are four
  await startJob(server, 'crowded', a);
  await startJob(server, 'parallel', b);
  await startJob(server, 'failing', c);
  await startJob(server, 'restarting', d);
  for (const { key } of works) await untilEffects(effects, key, 5);
  const { code } = await watching;

  server.send('SIGTERM');
  expect(await untilReadyIs(server, 503)).toBe('The server is shutting down.');
  expect(await requestJob(server, 'parallel', work('late', 1, 1))).toMatchObject({
    __typename: 'ShuttingDownError',
    code: 'SHUTTING_DOWN',
  });
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(server.stderr).toBe('');
  const goingAway = 1001;
  expect(await code).toBe(goingAway);

  const next = launch();
  await next.url;
  const jobs = await surveyJobs(next);
  expect(jobs).toHaveLength(works.length);
  for (const { status, recovery } of jobs) {
    if (status !== 'COMPLETED') expect(recovery).toMatchObject({ count: 1, crashCount: 0 });
  }
  expect(jobs.find(({ flowId }) => flowId === 'crowded')).toMatchObject({
    status: 'RUNNING',
    recovery: { checkpointAt: expect.any(String) },
  });
  expectOutcomes(await untilAllEnded(next), works, true);
});

it('exits at once at a second signal, and loses nothing that was accepted', async () => {
  const { launch, work, effects } = await makePlace();
  const server = launch();
  // Its source would go on for ten seconds, and be let to.
  const works = [work('a', 4, 2_500), work('b', 40, 60), work('c', 40, 60)];
  const [a, b, c] = works as [Work, Work, Work]; // there are three
  await startJob(server, 'parallel', a);
  await startJob(server, 'crowded', b);
  await untilEffects(effects, 'b', 5);
  await startJob(server, 'summing', c);
  server.send('SIGTERM');
  await untilReadyIs(server, 503);
  server.send('SIGTERM');
  const terminated = 143;
  expect(await server.ended).toEqual({ code: terminated, signal: null });

  const next = launch();
  await next.url;
  const jobs = await surveyJobs(next);
  expect(jobs.map(({ idempotencyKey }) => idempotencyKey).toSorted()).toEqual(['a', 'b', 'c']);
  for (const { recovery } of jobs) expect(recovery).toMatchObject({ count: 1, crashCount: 1 });
  expectOutcomes(await untilAllEnded(next), works, false);
});
