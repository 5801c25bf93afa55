import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { ended, openApp } from '../api/api.ts';
import { echo, waiting } from '../api/flows.ts';
import { Gate } from '../engine/parts.ts';

/** A database file, and a look at it through a connection of its own, which sees only what was committed. */
async function makeFile() {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-stored-'));
  const file = join(directory, 'millrace.db');
  const open: { connection?: Sqlite.Database } = {};
  onTestFinished(async () => {
    open.connection?.close();
    await rm(directory, { recursive: true });
  });
  return {
    url: `sqlite:${file}`,
    stateOf(id: string): unknown {
      open.connection ??= new Sqlite(file, { readonly: true });
      const row = open.connection.prepare('select state from jobs where id = ?').get(id);
      return (row as { state: string } | undefined)?.state;
    },
  };
}

const STATES: Readonly<Record<string, string>> = {
  JOB_CREATED: 'PENDING',
  JOB_STARTED: 'RUNNING',
  JOB_PAUSED: 'PAUSED',
  JOB_RESUMED: 'RUNNING',
  JOB_COMPLETED: 'COMPLETED',
};

test('O1 each change of state is committed before it is announced, and before it is answered', async () => {
  const { url, stateOf } = await makeFile();
  const gate = new Gate();
  const app = await openApp({ flows: [waiting(gate)], database: url });
  const seen: unknown[] = [];
  const stop = app.pubsub.subscribe('jobEvent', ({ type, jobId }) => {
    seen.push([type, stateOf(jobId)]);
  });
  const { jobs } = app;
  const { id } = await jobs.start({ flowId: 'waiting', input: {} });
  expect(stateOf(id)).toBeDefined();
  while (gate.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  // Its code runs, so that it does was stored.
  expect(stateOf(id)).toBe('RUNNING');
  await jobs.pause(id);
  expect(stateOf(id)).toBe('PAUSED');
  await jobs.resume(id);
  expect(stateOf(id)).toBe('RUNNING');
  gate.open();
  await ended(app, id);
  while (seen.length < 5) await new Promise((resolve) => setImmediate(resolve));
  stop();
  const types = ['JOB_CREATED', 'JOB_STARTED', 'JOB_PAUSED', 'JOB_RESUMED', 'JOB_COMPLETED'];
  // Started soon after it was created, it may be stored as running by the time its creation is told.
  expect(seen.slice(1)).toEqual(types.slice(1).map((type) => [type, STATES[type]]));
  expect(seen[0]).toEqual(['JOB_CREATED', expect.stringMatching(/PENDING|RUNNING/)]);
});

test('commands that arrive together share commits', async () => {
  const { url } = await makeFile();
  let commits = 0;
  const onStatement = (sql: string) => {
    if (sql === 'commit') commits++;
  };
  const app = await openApp({ flows: [echo()], database: { url, onStatement } });
  const before = commits;
  const started = await Promise.all(
    Array.from({ length: 200 }, (_, at) => app.jobs.start({ flowId: 'echo', input: at })),
  );
  await Promise.all(started.map(({ id }) => ended(app, id)));
  // Each job is stored three times at least: made, started, ended.
  expect(commits - before).toBeLessThan(150);
});
