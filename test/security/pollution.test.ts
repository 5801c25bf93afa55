import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { defineFlow } from 'millrace/engine';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/config/read-config.ts';
import { ended } from '../api/api.ts';
import { openStopped } from '../debug-sessions/stopped-job.ts';
import { passes } from '../engine/parts.ts';
import { dial, subscribe } from '../server/dial.ts';
import { codesOf, forEachTransport } from '../server/each-transport.ts';
import { serve, until } from '../server/serve.ts';
import { serveApp } from './serve-app.ts';

/** Values as JSON that change what all objects inherit, where they are copied carelessly. */
const POISONS: readonly string[] = [
  '{"__proto__":{"polluted":true,"isAdmin":true,"scopes":["admin"]}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"a":{"__proto__":{"polluted":true}},"b":[{"__proto__":{"polluted":true}}]}',
  '{"__proto__":null}',
  '{"__proto__":[]}',
  '{"prototype":{"polluted":true}}',
  '{"toString":1,"valueOf":1,"hasOwnProperty":1,"toJSON":1,"then":1,"constructor":1}',
  '{"length":1e9,"0":"a"}',
  '{"__defineGetter__":1,"__lookupSetter__":1}',
];

/** Names that every object has. */
const INHERITED = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'prototype',
];

const BASICS: readonly object[] = [Object, Array, Function, String, Map, Promise].map(
  ({ prototype }) => prototype,
);
const before = BASICS.map((basic) => Reflect.ownKeys(basic));

afterEach(() => {
  expect(BASICS.map((basic) => Reflect.ownKeys(basic))).toEqual(before);
  const { polluted, isAdmin } = {} as Record<string, unknown>;
  expect([polluted, isAdmin]).toEqual([undefined, undefined]);
  const inherited = [];
  for (const key in {}) inherited.push(key);
  expect(inherited).toEqual([]);
});

forEachTransport((send) => {
  test('O5 variables and extensions change nothing but themselves', async () => {
    const { url, logged } = await serve();
    for (const poison of POISONS) {
      const extensions: Record<string, unknown> = JSON.parse(poison);
      const declared = { query: '{ transport secret }', rawVariables: poison, extensions };
      const answer = await send(url, declared);
      expect([poison, answer.data]).toEqual([
        poison,
        { transport: expect.any(String), secret: null },
      ]);
      const query = 'query ($by: BookOrder) { sorted(by: $by) { id } }';
      const asInput = await send(url, { query, rawVariables: `{"by":${poison}}` });
      expect([poison, codesOf(asInput)[0]]).toEqual([poison, 'BAD_USER_INPUT']);
    }
    expect(logged).toEqual([]);
  });

  test('O5 names of variables, fields and operations are only names', async () => {
    const { url, logged } = await serve();
    for (const name of INHERITED) {
      const query = `query ${name} ($${name}: String!) { maybe(id: $${name}) { pages } }`;
      const missing = await send(url, { query, operationName: name });
      expect([name, codesOf(missing)]).toEqual([name, ['BAD_USER_INPUT']]);
      const rawVariables = `{"${name}":"book-1"}`;
      const given = await send(url, { query, operationName: name, rawVariables });
      // graphql-js has no variable of that name: nothing is given then.
      const maybe = name === '__proto__' ? null : { pages: 1 };
      expect([name, given.data]).toEqual([name, { maybe }]);
      const aliased = await send(url, { query: `{ ${name}: transport }` });
      expect(Object.keys(Object(aliased.data))).toEqual([name]);
      const unknown = await send(url, { query: `{ ${name} }` });
      expect(codesOf(unknown)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
    }
    expect(logged).toEqual([]);
  });
});

const START = `mutation ($input: StartJobInput!) { startJob(input: $input) {
  __typename ... on Error { code } ... on StartJobPayload { jobId job { id } } } }`;
const JOB = `query ($id: ID!) { job(id: $id) {
  input metadata owner idempotencyKey outputs { name values(first: 1) } } }`;

const echo = defineFlow({ id: 'echo' }, (f) => {
  const echoes = f.add('echo', passes<unknown>());
  f.connect(f.input, echoes.slots.item);
  return { out: echoes.events.item };
});

describe('O5 what a job is started with', () => {
  test('comes back as it was, and only where it was put', async () => {
    const { app, ask, faults } = await serveApp({ flows: [echo] });
    for (const poison of POISONS) {
      const input = `{"input":{"flowId":"echo","input":${poison},"metadata":${poison}}}`;
      const { body } = await ask(START, input);
      expect([poison, body.data?.startJob.__typename]).toEqual([poison, 'StartJobPayload']);
      const { jobId } = body.data.startJob;
      await ended(app, jobId);
      const { job } = (await ask(JOB, { id: jobId })).body.data;
      const given = JSON.parse(poison);
      const { ['__proto__']: _, ...metadata } = given; // such a key is not kept there
      expect(JSON.stringify([job.input, job.outputs[0].values[0], job.metadata])).toBe(
        JSON.stringify([given, given, metadata]),
      );
      expect([job.owner, job.idempotencyKey]).toEqual([null, null]);
    }
    expect(faults()).toEqual([]);
  });

  test('is found by its key and its flow, whatever they are called', async () => {
    const { ask, faults } = await serveApp({ flows: [echo] });
    for (const idempotencyKey of INHERITED) {
      const input = { flowId: 'echo', owner: idempotencyKey, idempotencyKey };
      const first = (await ask(START, { input })).body.data.startJob;
      expect([idempotencyKey, first.__typename]).toEqual([idempotencyKey, 'StartJobPayload']);
      expect((await ask(START, { input })).body.data.startJob).toEqual(first);
      const other = await ask(START, { input: { flowId: idempotencyKey } });
      expect(other.body.data.startJob).toMatchObject({ __typename: 'NotFoundError' });
      for (const id of [idempotencyKey, `${idempotencyKey}:1`, `Job:${idempotencyKey}`]) {
        const { body } = await ask('query ($id: ID!) { node(id: $id) { id } }', { id });
        expect(body.data.node).toBeNull();
      }
      const { body } = await ask(
        'query ($key: String!) { jobs(filter: { text: $key }) { totalCount } }',
        { key: idempotencyKey },
      );
      expect(body.data.jobs.totalCount).toBe(1);
    }
    expect(faults()).toEqual([]);
  });
});

test('O5 a value that is put into a job that stands still is only a value', async () => {
  const { app, jobId, activationId, item } = await openStopped();
  const { url } = await app.listen({ port: 0 });
  const ask = async (field: string, input: string) => {
    const type = `${field.charAt(0).toUpperCase()}${field.slice(1)}Input!`;
    const query = `mutation ($input: ${type}) { ${field}(input: $input) { __typename ... on Error { code message } } }`;
    const body = `{"query":${JSON.stringify(query)},"variables":{"input":${input}}}`;
    const headers = { 'content-type': 'application/json' };
    const { data, errors } = await (await fetch(url, { method: 'POST', headers, body })).json();
    expect([field, input, errors]).toEqual([field, input, undefined]);
    return data[field].__typename;
  };
  const job = `"jobId":${JSON.stringify(jobId)}`;
  const ids = `${job},"activationId":${activationId}`;
  for (const poison of POISONS) {
    const value = `"value":${poison}`;
    expect([
      poison,
      await ask('setVariable', `{${ids},"scope":"DATA","path":["thing"],${value}}`),
      await ask('injectItem', `{${job},"routineId":"scale","slot":"line",${value}}`),
      await ask('replaceItem', `{${job},"itemId":${JSON.stringify(item?.itemId)},${value}}`),
      await ask('addWatch', `{${job},"expression":"data.thing.polluted"}`),
      await ask('rerunFrom', `{${ids},"replace":[{"index":0,${value}}]}`),
    ]).toEqual([
      poison,
      ...['SetVariable', 'InjectItem', 'ReplaceItem'].map((name) =>
        poison.includes('__proto__') ? 'ValidationError' : `${name}Payload`,
      ),
      'AddWatchPayload',
      'RerunFromPayload',
    ]);
    expect(await ask('evaluate', `{${job},"expression":"data.thing.polluted"}`)).not.toBe('');
  }
  for (const path of [
    ['__proto__', 'polluted'],
    ['constructor', 'prototype', 'polluted'],
    ['thing', '__proto__', 'polluted'],
    ['thing', 'constructor', 'prototype', 'polluted'],
  ]) {
    const input = `{${ids},"scope":"DATA","path":${JSON.stringify(path)},"value":true}`;
    expect(await ask('setVariable', input)).not.toBe('SetVariablePayload');
  }
});

test('O5 cursors are only places in lists', async () => {
  const { ask, faults } = await serveApp({ flows: [echo] });
  const inLists = POISONS.flatMap((poison) => [poison, `["jobs",${poison}]`, `[${poison},1]`]);
  for (const text of [...inLists, ...INHERITED, '[]', '["__proto__"]', 'null', '']) {
    const after = Buffer.from(text).toString('base64url');
    for (const field of ['jobs', 'flows', 'breakpoints', 'auditEntries']) {
      const query = `query ($after: String) { ${field}(after: $after) { nodes { __typename } } }`;
      const { body } = await ask(query, { after });
      expect([field, text, body.errors?.[0].extensions.code]).toEqual([
        field,
        text,
        'VALIDATION_FAILED',
      ]);
    }
  }
  expect(faults()).toEqual([]);
});

describe('O5 who somebody is', () => {
  const secret = 's3cr3t-pollution-0123456789-0123456789';
  const VIEWER = '{ viewer { subject scopes } }';

  test('is not what the claims of a token inherit', async () => {
    const { ask } = await serveApp({
      flows: [],
      auth: { jwt: { secret, scopesClaim: 'constructor', tenantClaim: 'tenant' } },
    });
    const sign = (claims: object) =>
      new SignJWT({ tenant: 'default', ...claims })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject('ann')
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(secret));
    for (const poison of [...POISONS, '{"scope":["__proto__","constructor","toString"]}']) {
      const token = await sign(JSON.parse(poison));
      const { body } = await ask(VIEWER, {}, { authorization: `Bearer ${token}` });
      expect([poison, body.data.viewer.scopes]).toEqual([poison, []]);
    }
    const noTenant = await sign(JSON.parse('{"tenant":{"__proto__":"default"}}'));
    expect((await ask(VIEWER, {}, { authorization: `Bearer ${noTenant}` })).status).toBe(401);
  });

  test('is not what connection parameters inherit', async () => {
    const { app, url, log } = await serveApp({ flows: [], auth: { jwt: { secret } } });
    const { text } = await app.keys.create({ subject: 'ann', scopes: ['read'] });
    const bearer = JSON.stringify(`Bearer ${text}`);
    const init = (payload: string) => `{"type":"connection_init","payload":${payload}}`;
    for (const payload of [
      `{"__proto__":{"authorization":${bearer}}}`,
      `{"constructor":{"prototype":{"authorization":${bearer}}}}`,
      `{"headers":{"authorization":${bearer}}}`,
      ...POISONS,
    ]) {
      const { socket, closed } = await dial(url);
      socket.send(init(payload));
      expect([payload, (await closed).code]).toEqual([payload, 4403]);
    }
    const { socket, messages, say } = await dial(url);
    socket.send(
      init(`{"authorization":${bearer},"__proto__":{"scopes":["admin"]},"scopes":["admin"]}`),
    );
    await until(() => messages.length === 1);
    say(subscribe('a', VIEWER));
    await until(() => messages.length === 3);
    expect(messages[1]?.payload.data.viewer).toEqual({ subject: 'ann', scopes: ['READ'] });
    expect(log.join('')).not.toContain(text);
  });
});

test('O5 a configuration file sets its own options, and no inherited ones', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-pollution-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const read = async (name: string, text: string) => {
    await writeFile(join(directory, name), text);
    return readConfig({ args: ['--config', name], environment: {}, directory });
  };
  const inherited = await read(
    'inherited.mjs',
    'export default Object.create({ port: 1, insecureNoAuth: true })',
  );
  expect([inherited.faults, inherited.config.port, inherited.config.insecureNoAuth]).toEqual([
    [],
    4000,
    false,
  ]);
  const own = `export default JSON.parse('{"__proto__":{"port":1},"constructor":{"prototype":{"polluted":true}}}')`;
  const { faults, config } = await read('own.mjs', own);
  expect(faults).toHaveLength(2);
  expect(config.port).toBe(4000);
  const flags = await readConfig({
    args: ['--__proto__', '1', '--constructor=1'],
    environment: {},
    directory,
  });
  expect(flags.faults).toHaveLength(2);
});

test('O5 headers and URLs have names like any other', async () => {
  const { send, logged } = await serve();
  for (const name of INHERITED) {
    const headers = { 'content-type': 'application/json', [name]: '1' };
    const body = '{"query":"{ transport }"}';
    expect((await send({ method: 'POST', headers, body })).status).toBe(200);
    const path = `/graphql?query={transport}&${name}=1&${name}[polluted]=1`;
    expect((await send({ headers }, path)).status).toBe(200);
    expect((await send({}, `/${name}`)).status).toBe(404);
  }
  expect(logged).toEqual([]);
});
