import { describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { ClientEventsDocument } from '../generated/operations.ts';
import { until } from '../support/manual-clock.ts';
import { openClient } from './place.ts';
import { accept, serveSockets } from './serve-sockets.ts';

interface Said {
  readonly type: string;
  readonly id: string;
  readonly payload?: { readonly query?: string; readonly variables: Record<string, unknown> };
}

/** A server that says where the stream is, then takes part in one subscription as the test says. */
async function play() {
  const said: Said[] = [];
  const sockets: WebSocket[] = [];
  /** The ids of those that asked where the stream is. */
  const asked = new Set<string>();
  const tellPlace = (socket: WebSocket, id: string) => {
    asked.add(id);
    socket.send(JSON.stringify({ type: 'next', id, payload: { data: { cursor: 'e-0' } } }));
    socket.send(JSON.stringify({ type: 'complete', id }));
  };
  const url = await serveSockets((socket) => {
    accept(socket, () => {
      sockets.push(socket);
      socket.on('message', (data) => {
        const message = JSON.parse(String(data)) as Said;
        if (message.payload?.query?.startsWith('{ cursor')) tellPlace(socket, message.id);
        else if (!asked.has(message.id)) said.push(message);
      });
    });
  });
  const client = openClient({ url });
  const stream = client.subscribe(ClientEventsDocument, { id: 'Job:1' });
  await until(() => said.length === 1);
  return {
    said,
    sockets,
    stream,
    /** The latest operation that the client began. */
    operation: () => said.findLast(({ type }) => type === 'subscribe') as Said, // there is one by now
    say(message: object) {
      sockets.at(-1)?.send(JSON.stringify(message));
    },
  };
}

function event(id: string, cursor: string, type = 'LogWrittenEvent', more: object = {}) {
  const marks = { millraceResumeCursor: cursor, millraceResumeType: type };
  return { type: 'next', id, payload: { data: { jobEvents: { type, ...more, ...marks } } } };
}

describe('W4 a stream of events', () => {
  test('goes on by itself when the server ends it because the reader was too slow', async () => {
    const { said, sockets, stream, operation, say } = await play();
    const { id, payload } = operation();
    expect(payload?.variables).toEqual({ id: 'Job:1', millraceResumeAfter: 'e-0' });
    say(event(id, 'e-7'));
    say(event(id, 'e-9', 'FellBehindEvent'));
    say({ type: 'complete', id });
    say(event(id, 'e-8')); // not after the end
    await until(() => operation().id !== id);
    expect(operation().payload?.variables).toEqual({ id: 'Job:1', millraceResumeAfter: 'e-9' });
    say(event(operation().id, 'e-12', 'GapEvent', { lostCount: 2 }));
    say({ type: 'complete', id: operation().id });
    const got: unknown[] = [];
    for await (const data of stream) got.push(data);
    expect(got).toEqual([
      { jobEvents: { type: 'LogWrittenEvent' } },
      { jobEvents: { type: 'GapEvent', lostCount: 2 } },
    ]);
    expect(sockets).toHaveLength(1);
    expect(said.filter(({ type }) => type === 'subscribe')).toHaveLength(2);
  });

  test('that nobody reads is left, and goes on after what was read', async () => {
    const { said, stream, operation, say } = await play();
    const { id } = operation();
    for (let at = 1; at <= 10_005; at++) say(event(id, `e-${at}`, 'LogWrittenEvent', { at }));
    await until(() => said.at(-1)?.type === 'complete');
    const read = async () => (await stream.next()).value as { jobEvents: { at: number } };
    for (let at = 1; at <= 10_000; at++) expect((await read()).jobEvents.at).toBe(at);
    await until(() => operation().id !== id);
    expect(operation().payload?.variables).toMatchObject({ millraceResumeAfter: 'e-10000' });
    say(event(operation().id, 'e-10001', 'LogWrittenEvent', { at: 10_001 }));
    expect((await read()).jobEvents.at).toBe(10_001);
  });

  test('gives an error of an event as it comes, and ends', async () => {
    const { said, stream, operation, say } = await play();
    const errors = [{ message: 'no job', extensions: { code: 'NOT_FOUND' } }];
    say({ type: 'next', id: operation().id, payload: { data: null, errors } });
    await expect(stream.next()).rejects.toMatchObject({ code: 'NOT_FOUND', errors });
    expect((await stream.next()).done).toBe(true);
    await until(() => said.at(-1)?.type === 'complete');
  });
});
