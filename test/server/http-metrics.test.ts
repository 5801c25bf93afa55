import { describe, expect, test } from 'vitest';
import { UnauthenticatedError } from '../../src/lib/domain-error.ts';
import { ANYBODY, type Authenticate } from '../../src/lib/identity.ts';
import type { Readiness } from '../../src/server/server.ts';
import { dial, subscribe } from './dial.ts';
import { serve, until } from './serve.ts';

const TOKENS: Readonly<Record<string, boolean>> = {
  'Bearer s3cr3t-admin': true,
  'Bearer s3cr3t-reader': false,
};

const authenticate: Authenticate = async ({ headers: { authorization = '' } }) => {
  const isAdmin = TOKENS[authorization];
  if (isAdmin === undefined) throw new UnauthenticatedError('Send a key.');
  return isAdmin ? ANYBODY : { ...ANYBODY, scopes: new Set(['read']) };
};

const as = (who: string) => ({ headers: { authorization: `Bearer s3cr3t-${who}` } });

describe('O7: readiness', () => {
  const causes = [{ part: 'database', problem: 'The disk of db-7.internal is full.' }];

  test('tells the causes against it, with 503', async () => {
    let readiness: Readiness = { causes };
    const { send } = await serve({ readiness: () => readiness });
    const ask = () => send({}, '/health/ready');
    expect(await ask()).toMatchObject({ status: 503, body: { status: 'not ready', causes } });
    readiness = { causes: [] };
    expect(await ask()).toMatchObject({ status: 200, body: { status: 'ready', causes: [] } });
    expect(await send({}, '/health/live')).toMatchObject({ status: 200, body: { status: 'live' } });
  });

  test('tells what is wrong only to those who may know, where people say who they are', async () => {
    const { send } = await serve({ readiness: () => ({ causes }), authenticate });
    for (const init of [{}, as('reader'), as('nobody')]) {
      const { status, body } = await send(init, '/health/ready');
      expect({ status, body }).toEqual({
        status: 503,
        body: { status: 'not ready', causes: [{ part: 'database' }] },
      });
    }
    expect((await send(as('admin'), '/health/ready')).body.causes).toEqual(causes);
  });

  test('is told without a body to who asks by HEAD', async () => {
    const { url } = await serve({ readiness: () => ({ causes }) });
    const head = async (path: string) => {
      const response = await fetch(new URL(path, url), { method: 'HEAD' });
      return [response.status, await response.text()];
    };
    expect(await head('/health/ready')).toEqual([503, '']);
    expect(await head('/health/live')).toEqual([200, '']);
    expect(await head('/metrics')).toEqual([200, '']);
  });
});

describe('O7: figures', () => {
  test('are for those with the scope "admin", where people say who they are', async () => {
    const { send } = await serve({ authenticate });
    expect((await send({}, '/metrics')).status).toBe(401);
    expect(await send(as('reader'), '/metrics')).toMatchObject({
      status: 403,
      body: { errors: [{ extensions: { code: 'FORBIDDEN' } }] },
    });
    expect((await send(as('admin'), '/metrics')).status).toBe(200);
  });

  test('count requests, operations and refusals, of one server each', async () => {
    const { send, ask, post, url, lines } = await serve();
    const other = await serve();
    for (let time = 0; time < 3; time++) await ask('query Named { transport }');
    await ask('{ list { brokenNull } }');
    await ask('{ nothing }');
    await send({}, '/graphql?query={transport}');
    await post('{}', { 'content-type': 'application/json', origin: 'http://evil.example' });
    await send({ method: 'PURGE' }, '/elsewhere');
    const { begin, say } = await dial(url);
    await begin();
    say(subscribe('a', 'subscription { ticks(count: 2) }'));
    await until(() => lines.length === 9);

    const read = async (from: typeof send) => (await from({}, '/metrics')).body.split('\n');
    const told = await read(send);
    const operations = 'millrace_operation_duration_seconds';
    expect(told).toEqual(
      expect.arrayContaining([
        'millrace_http_requests_total{method="POST",status="2xx"} 5',
        'millrace_http_requests_total{method="POST",status="4xx"} 1',
        'millrace_http_requests_total{method="GET",status="4xx"} 1',
        'millrace_http_requests_total{method="other",status="4xx"} 1',
        'millrace_refusals_total{reason="csrf"} 1',
        'millrace_refusals_total{reason="origin"} 1',
        'millrace_refusals_total{reason="document"} 1',
        `# TYPE ${operations} histogram`,
        `${operations}_count{type="query",transport="http",outcome="ok"} 3`,
        `${operations}_bucket{type="query",transport="http",outcome="ok",le="+Inf"} 3`,
        `${operations}_count{type="query",transport="http",outcome="errors"} 1`,
        `${operations}_count{type="unknown",transport="http",outcome="refused"} 1`,
        `${operations}_count{type="subscription",transport="websocket",outcome="ok"} 1`,
      ]),
    );
    expect(told.join('\n')).not.toContain('Named'); // names of operations are without number
    expect((await read(other.send)).join('\n')).not.toContain(`${operations}_count`);
  });

  test('count who is refused over WebSocket, too', async () => {
    const { send, url } = await serve({ authenticate, limits: { requestsPerMinute: 2 } });
    const { say, closed } = await dial(url);
    say({ type: 'connection_init' });
    expect((await closed).code).toBe(4403);
    await dial(url);
    await expect(dial(url)).rejects.toThrow('429');
    const told = (await send(as('admin'), '/metrics')).body.split('\n');
    expect(told).toEqual(
      expect.arrayContaining([
        'millrace_refusals_total{reason="auth"} 1',
        'millrace_refusals_total{reason="rate_limit"} 1',
      ]),
    );
  });

  test('tell of the process, and of what is served', async () => {
    const help = 'Jobs, by state.';
    const figure = { name: 'millrace_jobs', help, kind: 'gauge' as const };
    const { send } = await serve({
      metrics: () => [
        { ...figure, labels: { state: 'RUNNING' }, value: 3 },
        { ...figure, labels: { state: 'FAILED' }, value: 1 },
        { name: 'millrace_written_total', help: 'Rows.', kind: 'counter', value: 7 },
      ],
    });
    const { body } = await send({}, '/metrics');
    expect(body).toContain('# TYPE millrace_jobs gauge');
    expect(body).toContain('millrace_jobs{state="RUNNING"} 3');
    expect(body).toContain('millrace_jobs{state="FAILED"} 1');
    expect(body).toContain('millrace_written_total 7');
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_heap_size_used_bytes',
      'nodejs_eventloop_lag_p99_seconds',
      'nodejs_gc_duration_seconds_count',
      'millrace_websockets',
    ]) {
      expect(body).toMatch(new RegExp(`^${name} [0-9.e+-]+$`, 'm'));
    }
  });
});
