import { expect, test } from 'vitest';
import { EventPlaces, type EventRun, nextRun } from '../../src/jobs/event-places.ts';

test('M8 what a run could not store is its own, also where it goes on from what the run before could not', () => {
  const first: EventRun = {
    number: 1,
    epoch: 'first',
    cursorKey: undefined,
    firstSequence: 1,
    lastSequence: 6,
    removedTo: 0,
    holes: [[3, 6]],
    isShared: false,
  };
  const second = nextRun([first], 3, { epoch: 'second', cursorKey: 'key' });
  const places = new EventPlaces([first, second]);
  expect(places.ownHoles).toEqual([]);
  places.noteHole(6, 9);
  places.noteHole(11, 12);
  const ended = { ...second, lastSequence: 12, holes: places.ownHoles };
  expect(ended.holes).toEqual([
    [6, 9],
    [11, 12],
  ]);
  const later = new EventPlaces([
    first,
    ended,
    nextRun([first, ended], 11, { epoch: 'third', cursorKey: 'key' }),
  ]);
  expect(later.missingBetween(0, 12)).toEqual([
    { from: 3, to: 9, lostCount: 6 },
    { from: 11, to: 12, lostCount: 1 },
  ]);
});
