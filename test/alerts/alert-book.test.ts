import { describe, expect, it } from 'vitest';
import { AlertBook } from '../../src/alerts/alert-book.ts';
import { AlertEvaluator } from '../../src/alerts/alert-evaluator.ts';
import { AlertRetention } from '../../src/alerts/alert-retention.ts';
import { createAlertStore } from '../../src/alerts/alert-store.ts';
import { RuleRun } from '../../src/alerts/rule-run.ts';
import { NotFoundError } from '../../src/lib/domain-error.ts';
import { createMemoryPubSub } from '../../src/pubsub/memory-pubsub.ts';
import type { Topics } from '../../src/pubsub/topics.ts';
import { StorageUnavailableError } from '../../src/storage/database.ts';
import { openDatabase } from '../../src/storage/open-database.ts';
import { ManualClock, settle, until } from '../support/manual-clock.ts';
import { makeAlert, makeRule } from './stored-alerts.ts';

const SEEN = { at: 1, by: 'ann', comment: undefined };

async function openBook() {
  const database = await openDatabase('sqlite::memory:');
  const clock = new ManualClock();
  const pubsub = createMemoryPubSub<Topics>((error) => {
    throw error;
  });
  const store = createAlertStore(database);
  const failures: string[] = [];
  const onFailure = (_error: unknown, what: string) => failures.push(what);
  return {
    database,
    clock,
    pubsub,
    store,
    failures,
    book: new AlertBook({ store, pubsub, clock, onFailure }),
  };
}

describe('M10 the book of alerts', () => {
  it('stores what changed a little later, as it is then', async () => {
    const { database, clock, store, book } = await openBook();
    book.raise(makeAlert());
    book.resolve('0', 12, 'CONDITION_GONE');
    expect(await store.findAlerts('default', ['0'])).toEqual([undefined]);
    await clock.advance(100);
    await until(() => book.get('0') === undefined);
    expect(await store.findAlerts('default', ['0'])).toMatchObject([{ resolvedAt: 12 }]);
    await book.close(1_000);
    expect(clock.timers).toBe(0);
    await database.close();
  });

  it('announces without the database, tries again to store, and acknowledges nothing that is not stored', async () => {
    const { database, clock, pubsub, failures, book } = await openBook();
    const told: string[] = [];
    pubsub.subscribe('alertChanged', ({ change }) => told.push(change));
    await database.close();
    book.raise(makeAlert());
    await clock.advance(2_500);
    await until(() => failures.length >= 2);
    expect(told).toEqual(['RAISED']);
    const acknowledged = book.acknowledge('default', '0', SEEN);
    await expect(acknowledged).rejects.toBeInstanceOf(StorageUnavailableError);
    expect(book.get('0')).toMatchObject({ acknowledgement: undefined });
    expect(told).toEqual(['RAISED']);
    await book.close(1_000);
    expect(clock.timers).toBe(0);
  });

  it('stores an alert as over that is resolved while somebody acknowledges it, before or after', async () => {
    const { database, store, book } = await openBook();
    book.raise(makeAlert());
    const writing = book.flush();
    const acknowledged = book.acknowledge('default', '0', SEEN);
    book.resolve('0', 12, 'CONDITION_GONE');
    expect(await acknowledged).toMatchObject({ resolvedAt: 12, acknowledgement: SEEN });
    await writing;
    await book.flush();
    expect(await store.findAlerts('default', ['0'])).toMatchObject([
      { resolvedAt: 12, resolution: 'CONDITION_GONE', acknowledgement: SEEN },
    ]);
    book.raise(makeAlert({ id: '1' }));
    const later = book.acknowledge('default', '1', SEEN);
    await settle();
    book.resolve('1', 13, 'CONDITION_GONE');
    await later;
    await book.flush();
    expect(await store.findAlerts('default', ['1'])).toMatchObject([
      { resolvedAt: 13, acknowledgement: SEEN },
    ]);
    await expect(book.acknowledge('acme', '1', SEEN)).rejects.toBeInstanceOf(NotFoundError);
    await book.close(1_000);
    await database.close();
  });

  it('is freed of what was resolved long ago, in the background', async () => {
    const { database, clock, store } = await openBook();
    const resolution = 'CONDITION_GONE' as const;
    const resolvedAt = clock.now();
    await store.putAlerts([makeAlert({ resolvedAt, resolution }), makeAlert({ id: '1' })]);
    const failed: unknown[] = [];
    const keep = { maxAgeMs: 1_000_000 };
    const retention = new AlertRetention({
      store,
      clock,
      keep,
      onFailure: (error) => failed.push(error),
    });
    const left = async () =>
      (await store.findAlerts('default', ['0', '1'])).map((alert) => alert?.id);
    await clock.advance(600_000);
    await retention.run();
    expect(await left()).toEqual(['0', '1']);
    await clock.advance(600_000);
    await retention.run();
    expect(await left()).toEqual([undefined, '1']);
    await retention.close();
    expect(clock.timers).toBe(0);
    expect(failed).toEqual([]);
    await database.close();
  });

  it('is freed soon after the start, so that restarts do not keep it from that', async () => {
    const { database, clock, store } = await openBook();
    const resolvedAt = clock.now() - 2;
    await store.putAlerts([makeAlert({ resolvedAt, resolution: 'CONDITION_GONE' })]);
    const retention = new AlertRetention({
      store,
      clock,
      keep: { maxAgeMs: 1 },
      onFailure: (error) => expect.fail(String(error)),
    });
    await clock.advance(60_000);
    await retention.close(); // when the step under way has ended
    expect(await store.findAlerts('default', ['0'])).toEqual([undefined]);
    expect(clock.timers).toBe(0);
    await database.close();
  });
});

describe('M10 a rule that can not be evaluated', () => {
  it('since its condition was made by another version, is told as a problem too', async () => {
    const { database, clock, book } = await openBook();
    const rule = { ...makeRule({ kind: 'JOB_FAILURES' }), condition: 'gone > 1' };
    const run = new RuleRun({ ...rule, origin: 'API' }, book, clock);
    run.observe({
      subject: { kind: 'FLOW', flowId: 'f' },
      holds: true,
      values: () => ({}),
      message: () => '',
    });
    run.endRound('CONDITION_GONE');
    expect(run.problem).toMatch(/^The condition can't be read: Unknown name "gone"/);
    expect([...book.open]).toEqual([]);
    await book.close(1_000);
    await database.close();
  });

  it('is told as a problem, and harms no other', async () => {
    const { database, clock, pubsub, book } = await openBook();
    const faults: string[] = [];
    let isBroken = true;
    const evaluator = new AlertEvaluator({
      book,
      pubsub,
      clock,
      host: {
        listRunning: async () => [{ jobId: 'j', tenant: 'default', flowId: 'f' }],
        async read() {
          if (isBroken) throw new Error('The host is gone.');
          return [undefined];
        },
      },
      services: { list: () => [], get: () => undefined },
      listFailures: async () => [],
      onFault: (_error, { name }) => faults.push(name),
    });
    const origin = 'API' as const;
    evaluator.add({ ...makeRule({ name: 'queues' }), origin });
    evaluator.add({ ...makeRule({ name: 'failures', kind: 'JOB_FAILURES' }), origin });
    await evaluator.start();
    const failure = { jobId: 'j', tenant: 'default', flowId: 'f', at: 1, sequence: 1 };
    pubsub.publish('jobEvent', { ...failure, type: 'JOB_FAILED', errorMessage: 'no luck' });
    await clock.advance(3_000);
    expect(faults).toEqual(['queues']); // once, not each second
    expect(evaluator.find('default', 'queues')?.problem).toBe(
      'The running jobs could not be read: The host is gone.',
    );
    expect([...book.open]).toMatchObject([{ rule: { name: 'failures' } }]);
    isBroken = false;
    await clock.advance(3_000);
    expect(evaluator.find('default', 'queues')?.problem).toBeUndefined();
    await evaluator.stop();
    await book.close(1_000);
    await settle();
    expect(clock.timers).toBe(0);
    expect(pubsub.listenerCount('jobEvent')).toBe(0);
    await database.close();
  });
});

it('M10 of two alerts of one subject that are stored as open the older is over', async () => {
  const { database, book, clock } = await openBook();
  const run = new RuleRun({ ...makeRule(), origin: 'API' }, book, clock);
  run.restore(makeAlert());
  run.restore(makeAlert({ id: '1' }));
  expect([...book.open].map(({ id }) => id)).toEqual(['1']);
  expect(run.openCount).toBe(1);
  expect(book.get('0')).toMatchObject({ resolution: 'CONDITION_GONE' });
  await book.close(1_000);
  await database.close();
});

describe('M10 a cool-down', () => {
  const look = (jobId: string, holds: boolean) => ({
    subject: { kind: 'ROUTINE' as const, flowId: 'f', jobId, routineId: 'r' },
    holds,
    values: () => ({}),
    message: () => '',
  });
  const coolDownMs = 600_000;

  it('is forgotten with its job', async () => {
    const { database, clock, book } = await openBook();
    const run = new RuleRun({ ...makeRule({ coolDownMs }), origin: 'API' }, book, clock);
    run.observe(look('j', true));
    run.observe(look('j', false));
    run.endRound('SUBJECT_GONE');
    expect(run.isWaiting).toBe(true);
    run.endRound('SUBJECT_GONE');
    expect(run.isWaiting).toBe(false);
    await book.close(1_000);
    await database.close();
  });

  it('is as long as its rule says now', async () => {
    const { database, clock, book } = await openBook();
    const before = new RuleRun({ ...makeRule({ coolDownMs }), origin: 'API' }, book, clock);
    before.observe(look('j', true));
    before.observe(look('j', false));
    await clock.advance(5_000);
    const run = new RuleRun({ ...makeRule({ coolDownMs: 5_001 }), origin: 'API' }, book, clock);
    before.handOver(run);
    run.observe(look('j', true));
    expect(run.openCount).toBe(0);
    await clock.advance(1);
    run.observe(look('j', true));
    expect(run.openCount).toBe(1);
    await book.close(1_000);
    await database.close();
  });
});
