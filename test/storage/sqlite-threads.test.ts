import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { ThreadConnection } from '../../src/storage/sqlite/thread-connection.ts';
import { ManualClock } from '../support/manual-clock.ts';

function connect(clock = systemClock, idleMs?: number): ThreadConnection {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-'));
  const connection = new ThreadConnection({
    connection: { file: join(directory, 'jobs.db'), role: 'writer', busyTimeoutMs: 0 },
    clock,
    ...(idleMs === undefined ? {} : { idleMs }),
  });
  onTestFinished(async () => {
    await connection.close();
    rmSync(directory, { recursive: true });
  });
  return connection;
}

const ask = (sql: string, ...parameters: unknown[]) => ({ sql, parameters });

// O1
it('keeps no thread that has nothing to do, and starts it again', async () => {
  const clock = new ManualClock();
  const connection = connect(clock, 1_000);
  await connection.run(ask('create temp table of_this_thread (id integer)'));
  await clock.advance(999);
  await connection.run(ask('select * from of_this_thread'));
  await clock.advance(1_000);
  await expect(connection.run(ask('select * from of_this_thread'))).rejects.toThrow(
    'no such table',
  );
});

it('answers each question with its own result, errors too', async () => {
  const connection = connect();
  const answers = await Promise.allSettled([
    connection.run(ask('select 1 as one')),
    connection.run(ask('select nonsense')),
    connection.run(ask('select ? as text', 'two')),
    connection.run(ask('select ? as function', () => 3)),
    connection.run(ask('select 4 as four')),
  ]);
  expect(
    answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.rows : 'failed')),
  ).toEqual([[{ one: 1 }], 'failed', [{ text: 'two' }], 'failed', [{ four: 4 }]]);
});

it('answers what was asked before it was closed', async () => {
  const connection = connect();
  const answer = connection.run(ask('select 1 as one'));
  await connection.close();
  expect((await answer).rows).toEqual([{ one: 1 }]);
});

it('starts no thread once it was closed', async () => {
  const clock = new ManualClock();
  const connection = connect(clock, 1_000);
  await connection.run(ask('select 1'));
  const closed = connection.close();
  expect(connection.close()).toBe(closed);
  for (const moment of [undefined, closed]) {
    await moment;
    const refused = { code: 'MILLRACE_CONNECTION_CLOSED' };
    await expect(connection.run(ask('select 1'))).rejects.toMatchObject(refused);
    await expect(connection.commit([[ask('select 1')]], false)).rejects.toMatchObject(refused);
  }
  expect(clock.timers).toBe(0);
});

it('keeps the event loop free while it works', async () => {
  const connection = connect();
  await connection.run(ask('select 1'));
  let isDone = false;
  const counting = connection
    .run(
      ask(
        'with recursive n(i) as (values (0) union all select i + 1 from n where i < 3000000) select count(*) from n',
      ),
    )
    .then(() => {
      isDone = true;
    });
  let turns = 0;
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    turns += 1;
  }
  await counting;
  expect(turns).toBeGreaterThan(10);
});
