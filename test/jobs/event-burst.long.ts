import { expect, test } from 'vitest';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { openApp, startJob, until } from '../api/api.ts';
import { waiting } from '../api/flows.ts';
import { Gate, range } from '../engine/parts.ts';
import { dial, subscribe } from '../server/dial.ts';

const COUNT = 50_000;

test('M8 W4 who reads gets all of 50,000 events of one tick, over its socket, once and in order', async () => {
  const gate = new Gate();
  const app = await openApp({ flows: [waiting(gate)] });
  const { url } = await app.listen({ port: 0 });
  const id = await startJob(app, { flowId: 'waiting' });
  const { jobEvents } = app.services;
  const own = app.createContext().jobEvents;
  const after = own.cursorAt(own.mark());
  const query = `subscription { jobEvents(jobId: "${id}", types: [LOG_WRITTEN], after: "${after}") { ... on LogWrittenEvent { message } } }`;
  const clients = await Promise.all(
    range(2).map(async () => {
      const client = await dial(url);
      await client.begin();
      client.say(subscribe('burst', query));
      return client;
    }),
  );
  await until(() => jobEvents.counts.readers > 0);
  for (let at = 0; at < COUNT; at++) {
    const of = { jobId: id.replace('Job:', ''), tenant: DEFAULT_TENANT, flowId: 'waiting' };
    jobEvents.record(of, Date.now(), {
      type: 'LOG_WRITTEN',
      routineId: 'wait',
      level: 'INFO',
      message: String(at),
    });
  }
  await until(() => clients.every(({ messages }) => messages.length >= COUNT));
  for (const { messages } of clients) {
    expect(messages.map(({ payload }) => payload.data.jobEvents.message)).toEqual(
      range(COUNT).map(String),
    );
  }
  expect(jobEvents.counts.held).toBeLessThanOrEqual(60_000);
  gate.openAll();
});
