import { defineFlow } from 'millrace/engine';
import { expect, test } from 'vitest';
import { openApp, startJob, until } from '../api/api.ts';
import { Gate, passes } from '../engine/parts.ts';
import { dial, type Message, subscribe } from '../server/dial.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';

const ROUTINES = `subscription ($jobId: ID!) {
  routineStatusChanged(jobId: $jobId, routineId: "last", maxRateHz: 1) { whyNotRunning { __typename } }
}`;

/** The second waits for the first, which waits at the gate. */
const inLine = (gate: Gate) =>
  defineFlow({ id: 'inLine' }, (f) => {
    const first = f.add('first', passes<unknown>(gate.pass));
    f.connect(f.input, first.slots.item);
    f.connect(first.events.item, f.add('last', passes<unknown>()).slots.item);
  });

const reasons = (messages: readonly Message[]) =>
  messages.map(({ payload }) => payload.data.routineStatusChanged[0].whyNotRunning.__typename);

test('M9 who comes between two looks is told of what then goes back to what it was', async () => {
  const clock = new ManualClock();
  const app = await openApp({ flows: [inLine(new Gate())], clock });
  const { url } = await app.listen({ port: 0 });
  const jobId = await startJob(app, { flowId: 'inLine', input: 1 });
  await settle();
  const [early, late] = [await dial(url), await dial(url)];
  for (const each of [early, late]) await each.begin();
  early.say(subscribe('r', ROUTINES, { jobId }));
  await until(() => early.messages.length === 1);
  await app.jobs.pause(jobId.slice(4));
  late.say(subscribe('r', ROUTINES, { jobId }));
  await until(() => late.messages.length === 1);
  await app.jobs.resume(jobId.slice(4));
  await clock.advance(1000);
  await until(() => late.messages.length === 2);
  expect(reasons(late.messages)).toEqual(['JobIsPaused', 'WaitingForData']);
  expect(reasons(early.messages)).toEqual(['WaitingForData']);
});
