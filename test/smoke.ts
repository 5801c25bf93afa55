/*
 * The built server, started as its users start it, asked by real clients: one query, one mutation, one subscription; then
 * killed, and started again on the same data. `npm run smoke` builds first.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import {
  SmokeEventsDocument,
  SmokeJobsDocument,
  SmokeStartDocument,
} from './generated/operations.ts';

const dataDir = await mkdtemp(join(tmpdir(), 'millrace-smoke-'));

const start = () =>
  spawn(process.execPath, ['dist/src/cli/main.js', 'start', '--port', '0', '--data-dir', dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
let server = start();

/** The address that the server prints once it listens. */
async function readUrl({ stdout }: ChildProcess): Promise<string> {
  assert(stdout !== null);
  for await (const line of createInterface({ input: stdout })) {
    const [url] = /http:\/\/[^\s]+\/graphql/.exec(line) ?? [];
    if (url === undefined) continue;
    stdout.resume();
    return url;
  }
  throw new Error('The server ended without telling where it listens.');
}

async function ask<Data, Variables>(
  url: string,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown }; // by the GraphQL spec
  assert.equal(errors, undefined);
  return data;
}

try {
  const url = await readUrl(server);
  const page = await fetch(url, { headers: { accept: 'text/html' } });
  assert.match(await page.text(), /graphiql/i);

  const { server: info, jobs } = await ask(url, SmokeJobsDocument, {});
  assert.match(info.version, /^\d+\.\d+\.\d+/);
  assert.equal(jobs.nodes[0]?.flowId, 'articles');
  console.log(`query: version ${info.version}, the first job is ${jobs.nodes[0]?.status}`);

  const input = { flowId: 'articles', input: { directory: 'docs', slowMs: 20 } };
  const { startJob } = await ask(url, SmokeStartDocument, { input });
  assert(startJob.__typename === 'StartJobPayload', JSON.stringify(startJob));
  console.log(`mutation: started ${startJob.job.id}`);

  const client = createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    lazy: false,
  });
  const statuses: string[] = [];
  const events = client.iterate({
    query: print(SmokeEventsDocument),
    variables: { id: startJob.job.id },
  });
  for await (const { data, errors } of events) {
    assert.equal(errors, undefined);
    statuses.push((data as { jobStatusChanged: { status: string } }).jobStatusChanged.status); // as the document says
  }
  await client.dispose();
  assert.equal(statuses.at(-1), 'COMPLETED');
  console.log(`subscription: ${statuses.join(' → ')}`);

  server.kill('SIGKILL');
  await once(server, 'exit');
  server = start();
  const { jobs: after } = await ask(await readUrl(server), SmokeJobsDocument, {});
  assert.deepEqual(after.nodes[0], {
    id: startJob.job.id,
    flowId: 'articles',
    status: 'COMPLETED',
  });
  console.log('kill -9: the job is there, COMPLETED');

  server.kill('SIGTERM');
  const [code] = await once(server, 'exit');
  assert.equal(code, 0);
  console.log('shutdown: exit code 0');
} finally {
  server.kill('SIGKILL');
  await rm(dataDir, { recursive: true });
}
