import { parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import {
  ClientEventsAfterDocument,
  ClientEventsDocument,
  ClientJobsDocument,
  ClientStartDocument,
  ClientStateDocument,
} from '../generated/operations.ts';
import { until } from '../support/manual-clock.ts';
import { openClient, openPlace, presentCursor, statusesOf } from './place.ts';

describe('a client', () => {
  test('asks, changes and watches over one WebSocket, which is open while an operation is', async () => {
    const { client, network, jobId, gate } = await openPlace();
    const statuses = statusesOf(client);
    expect(client.status).toBe('DISCONNECTED');
    const states = client.subscribe(ClientStateDocument, { id: jobId });
    expect((await states.next()).value).toEqual({ jobStatusChanged: { status: 'RUNNING' } });
    expect(client.status).toBe('CONNECTED');
    expect(await client.query(ClientJobsDocument)).toEqual({ jobs: { totalCount: 1 } });
    const { startJob } = await client.mutate(ClientStartDocument, { input: { flowId: 'waiting' } });
    expect(startJob).toEqual({ __typename: 'StartJobPayload', job: { id: expect.any(String) } });
    expect(network.made).toBe(1);

    await until(() => gate.waiting === 2);
    gate.openAll();
    const rest: unknown[] = [];
    for await (const data of states) rest.push(data);
    expect(rest.at(-1)).toEqual({ jobStatusChanged: { status: 'COMPLETED' } });
    expect(client.status).toBe('DISCONNECTED');
    await until(() => network.open === 0);
    expect(await client.query(ClientJobsDocument)).toEqual({ jobs: { totalCount: 2 } });
    expect(network.made).toBe(2);
    await until(() => client.status === 'DISCONNECTED');
    expect(statuses).toEqual(['CONNECTED', 'DISCONNECTED', 'CONNECTED', 'DISCONNECTED']);
  });

  test('throws the errors of an operation, with their code', async () => {
    const { client } = await openPlace();
    const unknown = client.subscribe(ClientEventsDocument, { id: 'Job:nobody' });
    await expect(unknown.next()).rejects.toMatchObject({
      name: 'OperationError',
      code: 'NOT_FOUND',
      message: 'There is no Job "nobody".',
    });
    expect(await unknown.next()).toEqual({ done: true, value: undefined });
    await expect(client.query(parse('{ nonsense }') as never)).rejects.toMatchObject({
      name: 'OperationError',
      errors: [{ message: expect.stringContaining('nonsense') }],
    });
    expect(client.status).toBe('DISCONNECTED');
  });

  test('gives what the document asked for, and begins where it says', async () => {
    const place = await openPlace();
    const { client, jobId, log } = place;
    const from = await presentCursor(place);
    log(1, 2);
    const stream = client.subscribe(ClientEventsAfterDocument, { id: jobId, from });
    expect((await stream.next()).value).toEqual({
      happened: { cursor: expect.any(String), message: '1' },
    });
    expect((await stream.next()).value?.happened.message).toBe('2');
  });

  test.each([
    [
      'the text',
      (from: string) => `{ jobEvents(after: "${from}", types: [LOG_WRITTEN]) { FIELDS } }`,
    ],
    [
      'the default of a variable',
      (from: string) =>
        `($x: String = "${from}") { jobEvents(after: $x, types: [LOG_WRITTEN]) { FIELDS } }`,
    ],
  ])('begins after a cursor in %s of a document', async (_, write) => {
    const place = await openPlace();
    const from = await presentCursor(place);
    place.log(1, 2);
    const text = write(from).replace('FIELDS', '... on LogWrittenEvent { message }');
    const document = parse(`subscription ${text}`) as typeof ClientEventsDocument;
    const stream = place.client.subscribe(document, { id: place.jobId });
    expect((await stream.next()).value).toEqual({ jobEvents: { message: '1' } });
  });

  test('leaves at once, also while nothing comes, and the server frees the source', async () => {
    const { app, client, jobId } = await openPlace();
    const own = app.pubsub.listenerCount('jobChanged');
    const states = client.subscribe(ClientStateDocument, { id: jobId });
    await states.next();
    expect(app.pubsub.listenerCount('jobChanged')).toBeGreaterThan(own);
    const idle = states.next();
    expect(await states.return?.()).toEqual({ done: true, value: undefined });
    expect(await idle).toEqual({ done: true, value: undefined });
    await until(() => app.pubsub.listenerCount('jobChanged') === own);
  });

  test('that is closed ends its streams, refuses what waits and what comes, and closes once', async () => {
    const { client, network, jobId } = await openPlace();
    const states = client.subscribe(ClientStateDocument, { id: jobId });
    await states.next();
    const idle = states.next();
    const asked = client.query(ClientJobsDocument).catch((error: unknown) => error);
    const closed = client.close();
    expect(client.close()).toBe(closed);
    expect(await idle).toEqual({ done: true, value: undefined });
    expect(await asked).toMatchObject({ code: 'CLIENT_CLOSED' });
    await closed;
    await until(() => network.open === 0);
    expect(() => client.subscribe(ClientStateDocument, { id: jobId })).toThrow('was closed');
    await expect(client.query(ClientJobsDocument)).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
  });

  test('that is closed while it asks where a stream of events begins ends that too', async () => {
    const { client, network, jobId } = await openPlace();
    network.stall();
    const waiting = client.subscribe(ClientEventsDocument, { id: jobId }).next();
    await until(() => network.made === 1);
    await client.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  test('can be closed by those who listen to its status', async () => {
    const { client, network, jobId } = await openPlace();
    const states = client.subscribe(ClientStateDocument, { id: jobId });
    await states.next();
    const closed: Promise<void>[] = [];
    client.onStatus(() => void closed.push(client.close()));
    closed.push(client.close());
    expect(closed).toHaveLength(2);
    expect(closed[0]).toBe(closed[1]);
    await closed[0];
    await until(() => network.open === 0);
  });

  test('can be closed by those who listen while the connection is taken over', async () => {
    const { client, network, jobId } = await openPlace();
    const states = client.subscribe(ClientStateDocument, { id: jobId });
    await states.next();
    void states.return?.();
    client.onStatus((status) => status === 'CONNECTED' && void client.close());
    const next = client.subscribe(ClientStateDocument, { id: jobId }).next();
    expect(await next).toEqual({ done: true, value: undefined });
    await client.close();
    await until(() => network.open === 0);
  });

  test('refuses what it can not work with', async () => {
    const client = openClient({ url: 'http://127.0.0.1:1/graphql' });
    const mutation = ClientStartDocument as never;
    await expect(client.query(mutation)).rejects.toThrow('takes a query, and not a mutation');
    const two = parse('query A { a } query B { b }') as never;
    await expect(client.query(two)).rejects.toThrow('has to have one operation; this one has 2');
    expect(() => openClient({ url: 'ftp://somewhere' })).toThrow('is no address of a server');
    if (!('WebSocket' in globalThis)) {
      expect(() => createClient({ url: 'ws://127.0.0.1:1' })).toThrow('package "ws"');
    }
  });

  test('O5 tells its status to those who listen, until they leave', async () => {
    const { client, jobId } = await openPlace();
    const statuses = statusesOf(client);
    const left: string[] = [];
    const leave = client.onStatus((status) => left.push(status));
    leave();
    const states = client.subscribe(ClientStateDocument, { id: jobId });
    await states.next();
    await states.return?.();
    expect(statuses).toEqual(['CONNECTED', 'DISCONNECTED']);
    expect(left).toEqual([]);
  });
});
