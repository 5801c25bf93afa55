import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import articles from '../../examples/articles/flow.ts';
import { createApp } from '../../src/app.ts';
import { BAD_FLOWS, GOOD_FLOWS, millrace, STRAY_FLOWS, start } from './millrace.ts';

async function ask(url: string, query: string, more: object = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, ...more }),
  });
  return response.json();
}

/** The tabs that GraphiQL opens with. */
async function readTabs(url: string): Promise<{ query: string; variables?: string }[]> {
  const page = await (await fetch(url, { headers: { accept: 'text/html' } })).text();
  const options = page.slice(page.lastIndexOf('{"title":')); // the page ends with them
  return JSON.parse(options.slice(0, options.lastIndexOf('}') + 1)).defaultTabs;
}

/** The operations that were printed to be pasted. */
function operationsIn(text: string): string[] {
  return text.match(/^(query|mutation|subscription) [\s\S]*?^\}$/gm) ?? [];
}

test('without flows it serves the examples, runs a job, and prints operations that work', async () => {
  const { written, kill, ended } = start(['start', '--port', '0']);
  const [, url = ''] = await written(/GraphiQL: (http:\/\/127\.0\.0\.1:\d+\/graphql)/);
  const [, jobId] = await written(/is running: (Job:[\w-]+)/);
  const [text] = await written(/Three operations[\s\S]*^subscription [\s\S]*?^\}$/m);
  const [query = '', mutation = '', subscription = ''] = operationsIn(text);
  for (const operation of [query, mutation, subscription]) expect(operation).toContain(jobId);

  expect(await ask(url, query)).toMatchObject({ data: { job: { status: 'RUNNING' } } });
  expect(await ask(url, mutation)).toMatchObject({
    data: { pauseJob: { job: { id: jobId, status: 'PAUSED' } } },
  });
  const stream = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: subscription }),
  });
  const reader = stream.body?.getReader();
  let events = '';
  while (!events.includes('\ndata: '))
    events += new TextDecoder().decode((await reader?.read())?.value);
  expect(events).toContain('"queueStatusChanged":[{');

  kill('SIGTERM');
  const { code, stderr } = await ended;
  expect([code, stderr]).toEqual([0, '']);
});

test('a job of the examples that is paused is shown, and told as paused', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-start-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const database = `sqlite:${join(directory, 'millrace.db')}`;
  const app = await createApp({ flows: [articles], database, logger: pino({ level: 'silent' }) });
  const { id } = await app.jobs.start({ flowId: 'articles', input: {} });
  while ((await app.jobs.find(id))?.state !== 'RUNNING') await wait(5);
  await app.jobs.pause(id);
  await app.close();

  const { written, kill, ended } = start(['start', '--port', '0', '--database-url', database]);
  const [, how, jobId] = await written(/is (\w+): (Job:[\w-]+)/);
  expect([how, jobId]).toEqual(['paused', `Job:${id}`]);
  kill('SIGKILL');
  await ended;
});

test("O2 GraphiQL's tabs lead from a breakpoint through a step to the end of a job", async () => {
  const { written, kill, ended } = start(['start', '--port', '0']);
  const [, shownId = ''] = await written(/is running: (Job:[\w-]+)/);
  const [, url = ''] = await written(/GraphiQL: (http:\/\/127\.0\.0\.1:\d+\/graphql)/);
  const tabs = await readTabs(url);
  const [debugging, watching] = tabs.slice(-2);
  const variables = JSON.parse(debugging?.variables ?? '');
  expect(variables.jobId).toBe(shownId);
  expect(JSON.parse(watching?.variables ?? '')).toEqual({ jobId: shownId });
  expect(watching?.query).toContain('subscription WatchStops($jobId: ID!)');

  const run = async (operationName: string) => {
    const { data, errors } = await ask(url, debugging?.query ?? '', { operationName, variables });
    expect(errors).toBeUndefined();
    return data;
  };
  const look = async (number: number) => {
    for (;;) {
      const { debugSession } = await run('LookAtStop');
      if (debugSession.stop?.number === number) return debugSession.stop;
    }
  };
  variables.jobId = (await run('StartToDebug')).startJob.job.id;
  const stop = await look(1);
  expect([stop.reason, stop.frames[0].routineId]).toEqual(['BREAKPOINT', 'read']);
  expect(await run('StepIntoNext')).toMatchObject({ stepInto: { session: {} } });
  const next = await look(2);
  expect([next.reason, next.frames[0].routineId]).toEqual(['STEP', 'clean']);
  expect(await run('ContinueStopped')).toMatchObject({ continueJob: { session: {} } });

  kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test('with flows it serves those, and starts nothing by itself', async () => {
  const environment = {
    MILLRACE_FLOWS: GOOD_FLOWS,
    MILLRACE_PORT: '0',
    MILLRACE_HOST: '127.0.0.1',
  };
  const { written, kill, ended } = start(['start', '--read-only'], environment);
  const [, url = ''] = await written(/GraphiQL: (\S+)/);
  expect(await ask(url, '{ flows { nodes { flowId } } jobs { totalCount } }')).toMatchObject({
    data: {
      flows: {
        nodes: ['doubling', 'doubtful', 'endless', 'failing'].map((flowId) => ({ flowId })),
      },
      jobs: { totalCount: 0 },
    },
  });
  const mutation = 'mutation { startJob(input: { flowId: "doubling" }) { __typename } }';
  expect(await ask(url, mutation)).toMatchObject({
    data: { startJob: { __typename: 'ForbiddenError' } },
  });
  kill('SIGINT');
  expect((await ended).code).toBe(0);
});

test('flow modules at fault are all told, and nothing is started', async () => {
  const { code, stdout, stderr } = await millrace('start', '--flows', BAD_FLOWS, '--port', '0');
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain('broken.flow.ts\n  IMPORT_FAILED: line 8: The database');
  expect(stderr).toContain('invalid.flow.ts\n  UNKNOWN_ROUTINE at nobody.x: ');
});

test('an unknown directory of flows, and a port in use, are told with what to do', async () => {
  const unknown = await millrace('start', '--flows', '/nowhere', '--port', '0');
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('/nowhere\n  NOT_FOUND: There is no such directory.');

  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const { code, stderr } = await millrace('start', '--port', String(port));
  expect(code).toBe(1);
  expect(stderr).toContain(`millrace: Port ${port} on 127.0.0.1 is in use. Stop the program`);
});

test('code of a flow that fails where nobody waits for it is logged, and the server goes on', async () => {
  const { written, kill, ended } = start(['start', '--flows', STRAY_FLOWS, '--port', '0']);
  const [, url = ''] = await written(/GraphiQL: (http:\/\/127\.0\.0\.1:\d+\/graphql)/);
  await ask(url, 'mutation { startJob(input: { flowId: "stray" }) { __typename } }');
  const job = async () => (await ask(url, '{ jobs { nodes { status } } }')).data.jobs.nodes[0];
  while ((await job()).status !== 'COMPLETED');
  for (const error of [
    /a stray rejection/,
    /a stray timer/,
    /a hostile error/,
    /after its activation had ended/,
  ]) {
    await written(error, 'stderr');
  }
  expect(await job()).toEqual({ status: 'COMPLETED' });
  kill('SIGTERM');
  expect((await ended).code).toBe(0);
});
