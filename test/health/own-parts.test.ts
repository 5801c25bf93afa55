import { expect, onTestFinished, test } from 'vitest';
import { createOwnParts, type PartFigures } from '../../src/health/own-parts.ts';

function open(figures: Partial<PartFigures> = {}) {
  const parts = createOwnParts({
    databaseProblem: () => undefined,
    writeBehind: () => ({ dropped: 0, waiting: 0 }),
    ...figures,
  });
  onTestFinished(parts.close);
  return async (name: string) => {
    const agent = parts.agents.find((each) => each.name === `millrace:${name}`);
    return await agent?.read(new AbortController().signal);
  };
}

test('the database is as its status says', async () => {
  let problem: string | undefined;
  const read = open({ databaseProblem: () => problem });
  expect(await read('database')).toEqual({ health: 'healthy' });
  problem = 'The disk is full.';
  expect(await read('database')).toEqual({ health: 'unhealthy', message: 'The disk is full.' });
});

test('what is written behind is degraded by rows that were lost since the last look', async () => {
  const counts = { dropped: 0, waiting: 3 };
  const read = open({ writeBehind: () => counts });
  const details = { waitingCount: 3, lostCount: 0 };
  expect(await read('write-behind')).toEqual({ health: 'healthy', details });
  counts.dropped = 7;
  expect(await read('write-behind')).toEqual({
    health: 'degraded',
    message: '7 rows were lost since the last look',
    details: { waitingCount: 3, lostCount: 7 },
  });
  expect(await read('write-behind')).toEqual({ health: 'healthy', details });
});

test('the event loop is degraded by what holds it up, and well again after that', async () => {
  const read = open();
  const turn = (ms = 60) => new Promise((over) => setTimeout(over, ms));
  const hold = async (ms: number) => {
    await turn();
    const endMs = performance.now() + ms;
    while (performance.now() < endMs);
    await turn();
  };
  await hold(300); // before the first look, as while the server starts
  expect(await read('event-loop')).toEqual({ health: 'healthy' });
  await turn(2_400); // so that one delay among all is less than a hundredth of them
  await hold(400);
  const held = await read('event-loop');
  expect(held).toMatchObject({ health: 'degraded' });
  expect(held?.message).toMatch(/^The event loop was held up for \d+ ms$/);
  expect(await read('event-loop')).toEqual({ health: 'healthy', details: { p99Ms: 0, maxMs: 0 } });
});
