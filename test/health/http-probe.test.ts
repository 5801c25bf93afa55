import type { LookupFunction } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type AddressLists, createAddressRules } from '../../src/health/address-rules.ts';
import { createHttpPools } from '../../src/health/http-pools.ts';
import { createHttpProbe } from '../../src/health/http-probe.ts';
import type { Outcome, Probe } from '../../src/health/probe.ts';
import type { CheckFailure } from '../../src/health/service.ts';
import { readServiceDefinition } from '../../src/health/service-definition.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { until } from '../support/manual-clock.ts';
import {
  answerOf,
  findClosedPort,
  type Misbehave,
  serveHttp,
  serveRaw,
  serveSecurely,
} from './bad-servers.ts';
import { makeCertificates } from './make-certificates.ts';

/** Long enough that a check which is to fail otherwise does, however busy the machine is. */
const LONG_MS = 30_000;
const SHORT_MS = 100;

/** Pools and probes that are closed when the test ends, and then must have left nothing behind. */
function createPlace(lists?: AddressLists, resolve?: LookupFunction) {
  let timers = 0;
  const clock: Clock = {
    ...systemClock,
    setTimer: (delayMs, fire) => {
      timers++;
      let isOver = false;
      const end = () => {
        if (!isOver) timers--;
        isOver = true;
      };
      const cancel = systemClock.setTimer(delayMs, () => {
        end();
        fire();
      });
      return () => {
        end();
        cancel();
      };
    },
  };
  const pools = createHttpPools(createAddressRules(lists, resolve));
  const probes: Probe[] = [];
  onTestFinished(async () => {
    for (const probe of probes) probe.close();
    expect(timers).toBe(0);
    await until(() => pools.openSockets === 0);
    pools.close();
  });
  const add = (service: Readonly<Record<string, unknown>>): Probe => {
    const definition = readServiceDefinition({ name: 'it', timeoutMs: LONG_MS, ...service });
    const probe = createHttpProbe(definition, { pools, clock });
    probes.push(probe);
    return probe;
  };
  return { pools, add };
}

function checkOnce(service: Readonly<Record<string, unknown>>, lists?: AddressLists) {
  return createPlace(lists).add(service).check();
}

function expectUnhealthy(outcome: Outcome, failure: CheckFailure, error: string): void {
  expect(outcome).toMatchObject({ status: 'UNHEALTHY', failure, error });
  expect(outcome.responseTimeMs).toBeGreaterThan(0);
}

describe('an answer', () => {
  test('that sends back a secret of the request is told without it (H2)', async () => {
    const { url } = await serveHttp((request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ was: request.headers['x-shop'], by: request.headers.authorization }),
      );
    });
    const headers = { 'x-shop': 's3cr3t-shop', authorization: 'Bearer s3cr3t-token' };
    const outcome = await checkOnce({ url, headers, conditions: ["body.was == 'me'"] });
    expect(outcome.details).toBe('{"was":"***","by":"***"}');
    expectUnhealthy(
      outcome,
      'CONDITION',
      'Condition failed: body.was == \'me\' (body.was was "***")',
    );
  });

  test('that sends back a long secret is told without its beginning (H2)', async () => {
    const { url } = await serveHttp((request, response) => {
      response.end(JSON.stringify({ echo: request.headers.authorization }));
    });
    const headers = { authorization: `Bearer s3cr3t-${'x'.repeat(147)}` };
    const outcome = await checkOnce({ url, headers, conditions: ['body.echo == "no"'] });
    const error = 'Condition failed: body.echo == "no" (body.echo was "***")';
    expectUnhealthy(outcome, 'CONDITION', error);
    expect(outcome.details).toBe('{"echo":"***"}');
  });

  test.each([
    ['s3cr3t-/"A', String.raw`{"a":["s3cr3t-\/\"\u0041"],"b":1}`, '{"a":["***"],"b":1}'],
    [
      's3cr3t-key',
      String.raw`{"as s3cr3t\u002dkey":{"\n":"no"}}`,
      String.raw`{"as ***":{"\n":"no"}}`,
    ],
    ['1234567890', '{"id":1234567890,"n":[-1234567890]}', '{"id":"***","n":["-***"]}'],
    ['12345678901234567890', '{"id":12345678901234567890}', '{"id":"***"}'],
    ['password', '{"password":"s3cr3t-1"}', '{"***":"***"}'],
    ['{"a":"s3cr3t"}', '{"b":{"a":"s3cr3t"}}', '{"b":***}'],
    ['s3cr3t-key', '{ "a" : "x" }', '{ "a" : "x" }'],
    ['s3cr3t-key', '{"a":"s3cr3t-key', '{"a":"***'],
    ['s3cr3t-key', `{"a":["\\n",${'1e20,'.repeat(3_000)}1]}`, undefined],
  ])('that sends back %s in %s has it hidden', async (secret, body, details) => {
    const { url } = await serveRaw((socket) => socket.write(answerOf(body)));
    const outcome = await checkOnce({ url, headers: { 'x-key': secret } });
    expect(outcome.details).toBe(details);
  });

  test('that sends back a secret deep inside is told as far as can be shown', async () => {
    const body = `${'['.repeat(8_000)}"s3cr3t-\\u006bey"${']'.repeat(8_000)}`;
    const { url } = await serveRaw((socket) => socket.write(answerOf(body)));
    const outcome = await checkOnce({ url, headers: { 'x-key': 's3cr3t-key' } });
    expect(outcome.details).toMatch(/^\[+"\*\*\*"\]+$/);
  });

  test('that sends back the URL or a cookie is told without what is secret in it', async () => {
    const { url } = await serveHttp((request, response) => {
      response.end(
        JSON.stringify({ url: request.url, cookie: request.headers.cookie?.slice(-10) }),
      );
    });
    const outcome = await checkOnce({
      url: `${url}?page=12345678&token=s3cr3t%2Dtoken`,
      headers: { cookie: 'theme=dark; sid=s3cr3t-sid' },
    });
    expect(outcome.details).toBe('{"url":"/health?page=12345678&token=***","cookie":"***"}');
  });

  test('that is as expected is HEALTHY, with its JSON (H2)', async () => {
    const { url } = await serveRaw((socket) => socket.write(answerOf('{"status":"ok"}')));
    const outcome = await checkOnce({ url });
    expect(outcome).toEqual({
      status: 'HEALTHY',
      responseTimeMs: expect.any(Number),
      httpStatus: 200,
      failure: undefined,
      error: undefined,
      details: '{"status":"ok"}',
    });
    expect(outcome.responseTimeMs).toBeGreaterThan(0);
  });

  test('with another status is told by it, and keeps its JSON (H2)', async () => {
    const { url } = await serveHttp((_, response) => {
      response.writeHead(503, { 'content-type': 'application/problem+json' }).end('{"why":"full"}');
    });
    const outcome = await checkOnce({ url, conditions: ['body.why == "never looked at"'] });
    expectUnhealthy(outcome, 'HTTP_STATUS', 'HTTP 503');
    expect(outcome).toMatchObject({ httpStatus: 503, details: '{"why":"full"}' });
  });

  test.each([
    ['404 where that is expected', { expectedStatus: [404] }, 404, ''],
    ['204 without a body', {}, 204, ''],
    ['to HEAD', { method: 'HEAD' }, 200, ''],
    ['to OPTIONS', { method: 'OPTIONS' }, 200, ''],
    ['to POST', { method: 'POST' }, 200, ''],
    ['that is text', {}, 200, 'fine'],
  ])('%s is HEALTHY', async (_, service, status, body) => {
    const methods: (string | undefined)[] = [];
    const { url } = await serveHttp((request, response) => {
      methods.push(request.method);
      response.writeHead(status).end(body);
    });
    const outcome = await checkOnce({ url, ...service });
    expect(outcome).toMatchObject({ status: 'HEALTHY', httpStatus: status, details: undefined });
    expect(methods).toEqual([(service as { method?: string }).method ?? 'GET']);
  });

  test('that says first that it goes on counts when it comes', async () => {
    const { url } = await serveRaw((socket) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n');
      socket.write(answerOf('{}'));
    });
    expect(await checkOnce({ url })).toMatchObject({ status: 'HEALTHY', httpStatus: 200 });
  });

  test('that ends with its connection is whole', async () => {
    const { url } = await serveRaw((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n{"a":1}'));
    expect(await checkOnce({ url })).toMatchObject({ status: 'HEALTHY', details: '{"a":1}' });
  });

  test('that takes too long for good is DEGRADED, and says how long', async () => {
    const { url } = await serveHttp((_, response) => {
      setTimeout(() => response.end('[1]'), 30);
    });
    const outcome = await checkOnce({ url, degradedAboveMs: 10 });
    expect(outcome).toMatchObject({ status: 'DEGRADED', failure: 'SLOW', details: '[1]' });
    const tookMs = Math.ceil(outcome.responseTimeMs);
    expect(outcome.error).toBe(`Answered in ${tookMs} ms, more than 10 ms`);
  });

  test('that leads elsewhere is not followed', async () => {
    let count = 0;
    const server = await serveHttp((_, response) => {
      count++;
      response.writeHead(302, { location: '/health' }).end();
    });
    expectUnhealthy(await checkOnce({ url: server.url }), 'HTTP_STATUS', 'HTTP 302');
    expect(count).toBe(1);
  });

  test('is asked for with the headers, path and query of the service', async () => {
    const seen: unknown[] = [];
    const { port } = await serveHttp(({ url, headers }, response) => {
      seen.push(url, headers.host, headers['x-key'], headers['user-agent']);
      response.end();
    });
    const url = `http://127.0.0.1:${port}/a/b?c=d%20e`;
    await checkOnce({ url, headers: { Host: 'inner.example', 'X-Key': 's3cr3t-key' } });
    expect(seen).toEqual(['/a/b?c=d%20e', 'inner.example', 's3cr3t-key', 'millrace']);
  });
});

describe('a body', () => {
  const html = 'content-type: text/html\r\n';

  test('is held against the conditions, and told with the values seen', async () => {
    const { url } = await serveRaw((socket) => socket.write(answerOf('{"status":"starting"}')));
    const conditions = ["body.status == 'ok'", 'status == 200'];
    const outcome = await checkOnce({ url, conditions });
    const error = `Condition failed: body.status == 'ok' (body.status was "starting")`;
    expectUnhealthy(outcome, 'CONDITION', error);
    expect(outcome.details).toBe('{"status":"starting"}');
  });

  test.each<[string, Misbehave, string]>([
    ['is HTML', (socket) => socket.write(answerOf('<p>ok', html)), 'Body is not JSON'],
    ['is half of it', (socket) => socket.write(answerOf('{"a":')), 'Body is not JSON'],
    [
      'is compressed',
      (socket) => {
        const packed = gzipSync('{}');
        const head = `content-encoding: gzip\r\ncontent-length: ${packed.length}\r\n`;
        socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n`);
        socket.write(packed);
      },
      'Body is not JSON, since it is compressed',
    ],
  ])('that %s fails a condition on it', async (_, misbehave, error) => {
    const { url } = await serveRaw(misbehave);
    const outcome = await checkOnce({ url, conditions: ['body.a == 1'] });
    expectUnhealthy(outcome, 'NOT_JSON', error);
    expect(outcome.details).toBeUndefined();
  });

  test('that is not there is undefined to a condition', async () => {
    const { url } = await serveRaw((socket) => socket.write(answerOf('')));
    const outcome = await checkOnce({ url, conditions: ['body == null'] });
    expect(outcome).toMatchObject({ status: 'HEALTHY', details: undefined });
  });

  test.each([
    ['says how large it is', answerOf('x'.repeat(2_000))],
    [
      'does not end',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n${'x'.repeat(2_000)}\r\n`,
    ],
  ])('that is too large and %s ends the check and its connection', async (_, answer) => {
    const server = await serveRaw((socket) => socket.write(answer));
    const outcome = await checkOnce({ url: server.url, maxBodyBytes: 1_000 });
    expectUnhealthy(outcome, 'BODY_TOO_LARGE', 'Body is larger than 1000 bytes');
    await until(() => server.open() === 0);
  });

  test('is put together of however many pieces', async () => {
    const body = JSON.stringify({ list: Array.from({ length: 2_000 }, (_, at) => `ü${at}`) });
    const pieces = Array.from(Buffer.from(body), (byte) => Buffer.of(0x31, 13, 10, byte, 13, 10));
    const { url } = await serveRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      for (let at = 0; at < pieces.length; at += 1_000) {
        socket.write(Buffer.concat(pieces.slice(at, at + 1_000)));
      }
      socket.write('0\r\n\r\n');
    });
    const conditions = ['len(body.list) == 2000', 'body.list[1999] == "ü1999"'];
    const outcome = await checkOnce({ url, conditions });
    expect(outcome.error).toBeUndefined();
    expect((await checkOnce({ url, maxBodyBytes: body.length })).failure).toBe('BODY_TOO_LARGE');
    expect((await checkOnce({ url })).details === body).toBe(true);
  });

  test('that is as large as it may be is read whole', async () => {
    const body = JSON.stringify({ list: 'ü'.repeat(400_000) });
    const { url } = await serveHttp((_, response) => response.end(body));
    const maxBodyBytes = Buffer.byteLength(body);
    const service = { url, maxBodyBytes, conditions: ['len(body.list) == 400000'] };
    expect(await checkOnce(service)).toMatchObject({ status: 'HEALTHY', details: undefined });
  });

  test('whose JSON is longer than 16,384 characters is no details', async () => {
    const details = [16_384, 16_385].map(async (length) => {
      const body = JSON.stringify('ü'.repeat(length - 2));
      const { url } = await serveRaw((socket) => socket.write(answerOf(body)));
      return (await checkOnce({ url })).details?.length;
    });
    expect(await Promise.all(details)).toEqual([16_384, undefined]);
  });
});

describe('a service that does not answer as it should', () => {
  const head = 'HTTP/1.1 200 OK\r\n';
  const chunked = `${head}transfer-encoding: chunked\r\n\r\n`;

  test.each<[string, Misbehave]>([
    ['hangs before its answer', () => {}],
    ['hangs in its headers', (socket) => socket.write(`${head}content-type:`)],
    ['hangs in its body', (socket) => socket.write(`${head}content-length: 9\r\n\r\n{}`)],
    ['drips its headers', (socket) => drip(socket, head, 'a: b\r\n')],
    ['drips its body', (socket) => drip(socket, chunked, '1\r\nx\r\n')],
    ['only says that it goes on', (socket) => drip(socket, '', 'HTTP/1.1 102 Processing\r\n\r\n')],
  ])('%s: Request timeout, and its connection is closed (H2)', async (_, misbehave) => {
    const server = await serveRaw(misbehave);
    const outcome = await checkOnce({ url: server.url, timeoutMs: SHORT_MS });
    expectUnhealthy(outcome, 'TIMEOUT', 'Request timeout');
    expect(outcome.responseTimeMs).toBeGreaterThan(SHORT_MS - 5);
    await until(() => server.open() === 0);
  });

  test('is not blamed for what holds this process up', async () => {
    const { url } = await serveRaw((socket) => {
      socket.write(answerOf('{}'));
      const endMs = performance.now() + 2 * SHORT_MS;
      while (performance.now() < endMs);
    });
    const outcome = await checkOnce({ url, timeoutMs: SHORT_MS });
    expect(outcome.status).toBe('HEALTHY');
    expect(outcome.responseTimeMs).toBeGreaterThan(SHORT_MS);
  });

  const closed = 'Connection closed before the answer ended';
  test.each<[string, CheckFailure, string, Misbehave]>([
    ['resets', 'CONNECTION_RESET', 'Connection reset', (socket) => socket.resetAndDestroy()],
    [
      'resets in its body',
      'CONNECTION_RESET',
      'Connection reset',
      (socket) => {
        socket.write(`${head}content-length: 9\r\n\r\n{}`);
        setTimeout(() => socket.resetAndDestroy(), 20);
      },
    ],
    ['closes', 'CONNECTION_RESET', closed, (socket) => socket.destroy()],
    ['half-closes', 'CONNECTION_RESET', closed, (socket) => socket.end()],
    ['closes in its headers', 'CONNECTION_RESET', closed, (socket) => socket.end(`${head}a: b`)],
    [
      'closes in its body',
      'CONNECTION_RESET',
      closed,
      (socket) => socket.end(`${head}content-length: 9\r\n\r\n{}`),
    ],
    [
      'closes in its body, as it said it would',
      'CONNECTION_RESET',
      closed,
      (socket) => socket.end(`${head}connection: close\r\ncontent-length: 9\r\n\r\n{}`),
    ],
    [
      'closes between chunks',
      'CONNECTION_RESET',
      closed,
      (socket) => socket.end(`${chunked}1\r\nx\r\n`),
    ],
    [
      'closes between chunks, as it said it would',
      'CONNECTION_RESET',
      closed,
      (socket) =>
        socket.end(`${head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n`),
    ],
    [
      'answers with garbage',
      'PROTOCOL',
      'The answer is not HTTP/1.1: Expected HTTP/, RTSP/ or ICE/',
      (socket) => socket.write('220 mail.example ESMTP\r\n'),
    ],
    [
      'has a wrong chunk',
      'PROTOCOL',
      'The answer is not HTTP/1.1: Invalid character in chunk size',
      (socket) => socket.write(`${chunked}zz\r\n`),
    ],
    [
      'has huge headers',
      'PROTOCOL',
      'The headers are larger than 16384 bytes',
      (socket) => socket.write(`${head}a: ${'x'.repeat(20_000)}\r\n\r\n`),
    ],
    [
      'has headers without end',
      'PROTOCOL',
      'The headers are larger than 16384 bytes',
      (socket) => drip(socket, head, `a: ${'x'.repeat(5_000)}\r\n`),
    ],
    [
      'goes over to another protocol',
      'PROTOCOL',
      'The service answered with another protocol than HTTP/1.1',
      (socket) =>
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
        ),
    ],
    [
      'waits for a body that nobody sends',
      'PROTOCOL',
      'The service sent what was not asked for',
      (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'),
    ],
  ])('%s (H2)', async (_, failure, error, misbehave) => {
    const server = await serveRaw(misbehave);
    expectUnhealthy(await checkOnce({ url: server.url }), failure, error);
    await until(() => server.open() === 0);
  });

  test('is not there: Connection refused (H2)', async () => {
    const url = `http://127.0.0.1:${await findClosedPort()}/?token=s3cr3t-token`;
    expectUnhealthy(await checkOnce({ url }), 'CONNECTION_REFUSED', 'Connection refused');
  });

  test('has a name that nobody knows (H2)', async () => {
    const outcome = await checkOnce({ url: 'http://no-such-host.invalid:81/?token=s3cr3t-token' });
    expectUnhealthy(outcome, 'NAME_NOT_RESOLVED', 'Name not resolved: no-such-host.invalid');
  });

  test('has an address that is denied, and is not connected to', async () => {
    const server = await serveHttp((_, response) => response.end());
    const outcome = await checkOnce({ url: server.url }, { deny: ['127.0.0.0/8'] });
    expectUnhealthy(outcome, 'ADDRESS_DENIED', 'Address denied: 127.0.0.1 (on the deny list)');
    const byName = await checkOnce(
      { url: `http://localhost:${server.port}/` },
      { deny: ['127.0.0.0/8', '::1'] },
    );
    expect(byName.failure).toBe('ADDRESS_DENIED');
    expect(byName.error).toMatch(
      /^Address denied: localhost \((127\.0\.0\.1|::1), on the deny list\)$/,
    );
    expect(server.opened()).toBe(0);
  });

  test('has a name that nobody answers for in time', async () => {
    const { pools, add } = createPlace(undefined, () => {});
    const probe = add({ url: 'http://slow-name.example/', timeoutMs: SHORT_MS });
    expectUnhealthy(await probe.check(), 'TIMEOUT', 'Request timeout');
    await until(() => pools.openSockets === 0);
  });

  test('has a name that is not looked up again while nobody has answered for it', async () => {
    const server = await serveHttp((_, response) => response.end());
    const asked: Parameters<LookupFunction>[2][] = [];
    const { add } = createPlace(undefined, (_, __, done) => asked.push(done));
    const url = `http://slow-name.example:${server.port}/`;
    const probe = add({ url, timeoutMs: SHORT_MS });
    for (let round = 0; round < 3; round++) expect((await probe.check()).failure).toBe('TIMEOUT');
    expect(asked).toHaveLength(1);
    asked[0]?.(null, [{ address: '127.0.0.1', family: 4 }]);
    const patient = add({ url }).check();
    await until(() => asked.length === 2);
    asked[1]?.(null, [{ address: '127.0.0.1', family: 4 }]);
    expect((await patient).status).toBe('HEALTHY');
  });

  test('has a name that stands for another address each time, and is only connected to what was checked', async () => {
    const server = await serveRaw((socket) => {
      socket.end(answerOf('{}', 'connection: close\r\n'));
    });
    const addresses = ['127.0.0.1', '169.254.169.254'];
    const { add } = createPlace(undefined, (_, __, done) => {
      done(null, [{ address: addresses.shift() ?? '', family: 4 }]);
    });
    const probe = add({ url: `http://rebinding.example:${server.port}/` });
    expect((await probe.check()).status).toBe('HEALTHY');
    const error = 'Address denied: rebinding.example (169.254.169.254, cloud metadata)';
    expectUnhealthy(await probe.check(), 'ADDRESS_DENIED', error);
  });

  test.each([
    ['http://169.254.169.254/latest', '169.254.169.254 (cloud metadata)'],
    ['http://2852039166/latest', '169.254.169.254 (cloud metadata)'],
    ['http://0xa9.254.43518/', '169.254.169.254 (cloud metadata)'],
    ['http://[::ffff:169.254.169.254]/', '::ffff:a9fe:a9fe (cloud metadata)'],
    ['http://[64:ff9b::a9fe:a9fe]/', '64:ff9b::a9fe:a9fe (cloud metadata)'],
    ['http://[fe80::1]/', 'fe80::1 (link-local)'],
    ['http://0.0.0.0/', '0.0.0.0 (unspecified)'],
    ['http://0/', '0.0.0.0 (unspecified)'],
  ])('is at %s, which is denied unless allowed', async (url, denied) => {
    expectUnhealthy(await checkOnce({ url }), 'ADDRESS_DENIED', `Address denied: ${denied}`);
  });
});

describe('TLS', () => {
  const certificates = makeCertificates();
  const { key, ca } = certificates;
  const answer: Misbehave = (socket) => socket.write(answerOf('{"secure":true}'));

  test('with a certificate of an authority that is trusted is HEALTHY', async () => {
    const { url } = await serveSecurely({ key, cert: certificates.good }, answer);
    const outcome = await checkOnce({ url, tls: { ca } });
    expect(outcome).toMatchObject({ status: 'HEALTHY', details: '{"secure":true}' });
  });

  test.each([
    ['expired', {}, 'TLS: certificate has expired'],
    ['early', {}, 'TLS: certificate is not valid yet'],
    ['selfSigned', {}, 'TLS: certificate is self-signed'],
    ['wrongName', {}, 'TLS: certificate is for other.example, not for 127.0.0.1'],
    [
      'good',
      { serverName: 'third.example' },
      'TLS: certificate is for localhost, 127.0.0.1, not for third.example',
    ],
  ] as const)('tells what is wrong with a certificate: %s (H2)', async (which, options, error) => {
    const server = await serveSecurely({ key, cert: certificates[which] }, answer);
    const outcome = await checkOnce({ url: server.url, tls: { ca, ...options } });
    expectUnhealthy(outcome, 'TLS', error);
    expect(outcome.httpStatus).toBeUndefined();
  });

  test('tells that nobody trusts the authority', async () => {
    const { url } = await serveSecurely({ key, cert: certificates.good }, answer);
    const error = 'TLS: certificate is of an unknown authority';
    expectUnhealthy(await checkOnce({ url }), 'TLS', error);
  });

  test('takes any certificate where it is not to verify, and one for the name it is told', async () => {
    const any = await serveSecurely({ key, cert: certificates.expired }, answer);
    const other = await serveSecurely({ key, cert: certificates.wrongName }, answer);
    const { add } = createPlace();
    const anyProbe = add({ url: any.url, tls: { verify: false } });
    const otherProbe = add({ url: other.url, tls: { ca, serverName: 'other.example' } });
    expect((await anyProbe.check()).status).toBe('HEALTHY');
    expect((await otherProbe.check()).status).toBe('HEALTHY');
  });

  test('shares no connection between services that trust others', async () => {
    const { url } = await serveSecurely({ key, cert: certificates.selfSigned }, answer);
    const { add } = createPlace();
    expect((await add({ url, tls: { verify: false } }).check()).status).toBe('HEALTHY');
    expectUnhealthy(await add({ url }).check(), 'TLS', 'TLS: certificate is self-signed');
  });

  test('proves who asks where the service wants that', async () => {
    const server = { key, cert: certificates.good, ca, requestCert: true, maxVersion: 'TLSv1.2' };
    const { url } = await serveSecurely({ ...server, maxVersion: 'TLSv1.2' }, answer);
    const tls = { ca, cert: certificates.good, key };
    expect((await checkOnce({ url, tls })).status).toBe('HEALTHY');
    expect(await checkOnce({ url, tls: { ca } })).toMatchObject({
      failure: 'TLS',
      error: expect.stringMatching(/^TLS: .*(handshake|alert)/),
    });
  });

  test.each<[string, CheckFailure, string, Misbehave]>([
    [
      'speaks plain HTTP',
      'TLS',
      'TLS: the service does not speak TLS',
      (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
    ],
    ['closes', 'TLS', 'TLS: connection closed during the handshake', (socket) => socket.end()],
    [
      'resets',
      'TLS',
      'TLS: connection closed during the handshake',
      (socket) => socket.resetAndDestroy(),
    ],
  ])('that the service does not know: it %s', async (_, failure, error, misbehave) => {
    const { port } = await serveRaw(misbehave);
    expectUnhealthy(await checkOnce({ url: `https://127.0.0.1:${port}/` }), failure, error);
  });

  test('that never comes about ends with the time, and is closed', async () => {
    const server = await serveRaw(() => {});
    const url = `https://127.0.0.1:${server.port}/`;
    const outcome = await checkOnce({ url, timeoutMs: SHORT_MS });
    expectUnhealthy(outcome, 'TIMEOUT', 'Request timeout');
    await until(() => server.open() === 0);
  });
});

describe('connections', () => {
  test('are used again, and opened anew after a check went wrong', async () => {
    let isHanging = false;
    const server = await serveRaw((socket) => {
      if (!isHanging) socket.write(answerOf('{}'));
    });
    const { add } = createPlace();
    const probe = add({ url: server.url });
    for (let round = 0; round < 5; round++) expect((await probe.check()).status).toBe('HEALTHY');
    expect(server.opened()).toBe(1);
    isHanging = true;
    const hasty = add({ url: server.url, timeoutMs: SHORT_MS });
    expect((await hasty.check()).error).toBe('Request timeout');
    isHanging = false;
    expect((await hasty.check()).status).toBe('HEALTHY');
    expect((await probe.check()).status).toBe('HEALTHY');
    expect(server.opened()).toBe(2);
  });

  test.each(['destroy', 'resetAndDestroy', 'end'] as const)(
    'that the other side closes under us (%s) are no fault of the service',
    async (how) => {
      const server = await serveRaw((socket, requestCount) => {
        if (requestCount === 1) socket.write(answerOf('{}'));
        else socket[how]();
      });
      const { add } = createPlace();
      const probes = [1, 2, 3].map(() => add({ url: server.url }));
      for (let round = 1; round <= 4; round++) {
        const outcomes = await Promise.all(probes.map((probe) => probe.check()));
        expect(outcomes.map(({ status }) => status)).toEqual(['HEALTHY', 'HEALTHY', 'HEALTHY']);
        expect(server.opened()).toBe(3 * round);
      }
    },
  );

  test('that were closed are not tried a second time with what may change something', async () => {
    let count = 0;
    const server = await serveRaw((socket, requestCount) => {
      count++;
      if (requestCount === 1) socket.write(answerOf('{}'));
      else socket.resetAndDestroy();
    });
    const probe = createPlace().add({ url: server.url, method: 'POST' });
    expect((await probe.check()).status).toBe('HEALTHY');
    expectUnhealthy(await probe.check(), 'CONNECTION_RESET', 'Connection reset');
    expect(count).toBe(2);
  });

  test('are tried only once more', async () => {
    let isBroken = false;
    let count = 0;
    const server = await serveRaw((socket) => {
      count++;
      if (isBroken) socket.resetAndDestroy();
      else socket.write(answerOf('{}'));
    });
    const probe = createPlace().add({ url: server.url });
    await probe.check();
    isBroken = true;
    expectUnhealthy(await probe.check(), 'CONNECTION_RESET', 'Connection reset');
    expect(count).toBe(3);
  });

  test('that hang keep no other service of the same origin waiting', async () => {
    const server = await serveHttp((request, response) => {
      if (request.url !== '/hang') response.end();
    });
    const { add } = createPlace();
    const origin = `http://127.0.0.1:${server.port}`;
    const hanging = add({ url: `${origin}/hang` });
    const waiting = hanging.check();
    const other = add({ url: `${origin}/` });
    for (let round = 0; round < 3; round++) expect((await other.check()).status).toBe('HEALTHY');
    hanging.close();
    expectUnhealthy(await waiting, 'FAILED', 'The check was stopped');
  });

  test('are closed with the last service that needs them (H6)', async () => {
    const server = await serveHttp((_, response) => response.end());
    const { add } = createPlace();
    const [one, other] = [add({ url: server.url }), add({ url: server.url })];
    await Promise.all([one.check(), other.check()]);
    expect(server.open()).toBe(2);
    one.close();
    one.close();
    await until(() => server.open() === 1);
    expect((await other.check()).status).toBe('HEALTHY');
    expect(server.opened()).toBe(2);
    other.close();
    await until(() => server.open() === 0);
    expect(await other.check()).toMatchObject({
      failure: 'FAILED',
      error: 'The check was stopped',
    });
  });

  test('are all closed at once, also those in use (H6)', async () => {
    const server = await serveHttp((request, response) => {
      if (request.url === '/health') response.end();
    });
    const { pools, add } = createPlace();
    await add({ url: server.url }).check();
    const checks = [
      add({ url: `http://127.0.0.1:${server.port}/hang` }).check(),
      add({ url: `https://127.0.0.1:${server.port}/` }).check(),
    ];
    await until(() => server.open() === 2);
    pools.close();
    pools.close();
    checks.push(add({ url: server.url }).check());
    for (const check of checks) expectUnhealthy(await check, 'FAILED', 'The check was stopped');
    await until(() => server.open() === 0 && pools.openSockets === 0);
  });
});

/** Writes something again and again, until the connection is closed. */
function drip(socket: Parameters<Misbehave>[0], first: string, again: string): void {
  socket.write(first);
  const timer = setInterval(() => socket.write(again), 5);
  socket.once('close', () => clearInterval(timer));
}
