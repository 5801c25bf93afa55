import { createConnection } from 'node:net';
import { createClient } from 'graphql-ws';
import { expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { createServer } from '../../src/server/create-server.ts';
import { ServerError } from '../../src/server/server-error.ts';
import { serve, until } from './serve.ts';
import { open } from './test-api.ts';

/** What keeps this process alive that has to do with sockets. */
function sockets() {
  return process.getActiveResourcesInfo().filter((name) => /TCP(Server|Socket)Wrap/.test(name));
}

test('closing ends everything and leaves nothing behind', async () => {
  const before = sockets().length;
  const { server, url, port, ask } = await serve();
  const other = await serve();
  expect(other.port).not.toBe(port);

  await ask('{ transport }'); // leaves a kept-alive connection
  const idle = createConnection(port, '127.0.0.1');
  const idleClosed = new Promise((resolve) => idle.once('close', resolve));
  idle.resume();

  let closeCode = 0;
  const client = createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    on: {
      closed: (event) => {
        closeCode = (event as { code: number }).code;
      },
    },
  });
  const overSocket = client.iterate({ query: 'subscription { silence }' }).next();
  overSocket.catch(() => undefined);
  const stream = await fetch(url, {
    method: 'POST',
    body: JSON.stringify({ query: 'subscription { silence }' }),
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
  });
  const overStream = stream.text().catch(() => 'ended');
  await until(() => open.count === 2);
  const slow = ask('{ slow(ms: 60) }');
  await new Promise((resolve) => setTimeout(resolve, 20));

  const closing = server.close();
  expect(server.close()).toBe(closing);
  expect((await slow).body).toEqual({ data: { slow: 'done' } });
  await closing;
  expect(open.count).toBe(0);
  await idleClosed;
  await overStream;
  await until(() => closeCode !== 0);
  expect(closeCode).toBe(1001);
  await expect(fetch(url)).rejects.toThrow();
  await expect(server.listen()).rejects.toMatchObject({ code: 'SERVER_CLOSED' });

  // The other server in this process does not notice.
  expect((await other.ask('{ transport }')).status).toBe(200);
  await other.server.close();
  await until(() => sockets().length <= before);
});

test('closing cuts what does not end in time', async () => {
  const { server, ask } = await serve({ limits: { closeGraceMs: 30 } });
  const endless = ask('{ slow(ms: 100000) }').catch(() => 'cut');
  await new Promise((resolve) => setTimeout(resolve, 20));
  await server.close();
  expect(await endless).toBe('cut');
});

test('a server that never listened can be closed', async () => {
  const { server } = await serve();
  const options = { schema: (await import('./test-api.ts')).schema };
  const { pino } = await import('pino');
  const unused = createServer({
    ...options,
    createContext: () => ({}),
    logger: pino({ level: 'silent' }),
    maskError: () => new Error('masked'),
  });
  await unused.close();
  await server.close();
});

test('a place where it can not listen is told, with what to do', async () => {
  const { port } = await serve();
  const attempt = async (place: { host?: string; port: number }) => {
    const { server } = await serve();
    onTestFinished(() => server.close());
    const { pino } = await import('pino');
    const { schema } = await import('./test-api.ts');
    const second = createServer({
      schema,
      createContext: () => ({}),
      logger: pino({ level: 'silent' }),
      maskError: () => new Error('masked'),
    });
    const error: unknown = await second.listen(place).catch((thrown: unknown) => thrown);
    await second.close();
    expect(error).toBeInstanceOf(ServerError);
    return error as ServerError;
  };
  const inUse = await attempt({ port });
  expect(inUse.code).toBe('PORT_IN_USE');
  expect(inUse.message).toContain(`Port ${port} on 127.0.0.1 is in use.`);
  expect((await attempt({ port: 70_000 })).code).toBe('INVALID_PORT');
  expect((await attempt({ port: 0, host: '192.0.2.1' })).code).toBe('HOST_UNAVAILABLE');
  expect((await attempt({ port: 0, host: 'no such host' })).code).toBe('HOST_UNAVAILABLE');
});
