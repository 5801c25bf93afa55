import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { BAD_FLOWS, GOOD_FLOWS, millrace, STRAY_FLOWS, start } from './millrace.ts';

async function ask(url: string, query: string) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return response.json();
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

  // GraphiQL offers a breakpoint in that flow, and to look at the job.
  const page = await (await fetch(url, { headers: { accept: 'text/html' } })).text();
  // Not toContain: the page has 9 MB, which a failure would show.
  const wanted = [
    String.raw`{flowId: \"Flow:articles\", kind: ROUTINE, routineId: \"read\"}`,
    String.raw`debugSession(jobId: \"${jobId}\")`,
  ];
  expect(wanted.filter((text) => !page.includes(text))).toEqual([]);

  kill('SIGTERM');
  const { code, stderr } = await ended;
  expect([code, stderr]).toEqual([0, '']);
});

test('with flows it serves those, and starts nothing by itself', async () => {
  const environment = {
    MILLRACE_FLOWS: GOOD_FLOWS,
    MILLRACE_PORT: '0',
    MILLRACE_HOST: '127.0.0.1',
  };
  const { written, kill, ended } = start(['start', '--read-only'], environment);
  const [, url = ''] = await written(/GraphiQL: (\S+)/);
  expect(await ask(url, '{ flows { nodes { flowId } } jobs { totalCount } }')).toEqual({
    data: {
      flows: {
        nodes: ['doubling', 'doubtful', 'endless', 'failing'].map((flowId) => ({ flowId })),
      },
      jobs: { totalCount: 0 },
    },
  });
  const mutation = 'mutation { startJob(input: { flowId: "doubling" }) { __typename } }';
  expect(await ask(url, mutation)).toEqual({
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
