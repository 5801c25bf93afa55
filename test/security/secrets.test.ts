import { SignJWT } from 'jose';
import { defineFlow } from 'millrace/engine';
import { expect, test } from 'vitest';
import { start } from '../cli/millrace.ts';
import { passes } from '../engine/parts.ts';
import { dial, subscribe } from '../server/dial.ts';
import { TRANSPORTS } from '../server/each-transport.ts';
import { until } from '../server/serve.ts';
import { serveApp } from './serve-app.ts';

/** A text that must never be seen again. */
const plant = (name: string) => `s3cr3t-${name}-0123456789-0123456789-0123456789`;

const JWT_SECRET = plant('signs-tokens');

const START = `mutation Start($input: StartJobInput!) { startJob(input: $input) {
  __typename ... on Error { code message } ... on StartJobPayload { jobId } } }`;
const RENEW = `mutation Renew($input: RenewConnectionInput!) { renewConnection(input: $input) {
  __typename ... on Error { code message } } }`;
const AUDIT = '{ auditEntries(first: 100) { nodes { operation outcome arguments before after } } }';

const quiet = defineFlow({ id: 'quiet' }, (f) => {
  f.connect(f.input, f.add('take', passes<unknown>()).slots.item);
});

test('O7 no secret comes out by the log, an answer, the audit log, figures or probes', async () => {
  const options = { flows: [quiet], auth: { jwt: { secret: JWT_SECRET } } };
  const { app, url, ask, log } = await serveApp(options, { logVariables: true });
  const { text: key } = await app.keys.create({
    subject: 'ann',
    scopes: ['read', 'control', 'debug', 'evaluate', 'admin'],
  });
  const revoked = await app.keys.create({ subject: 'bob', scopes: ['read'] });
  await app.keys.revoke(revoked.id);
  const jwt = await new SignJWT({
    scope: 'read control debug evaluate admin',
    note: plant('claim'),
  })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('ann')
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(JWT_SECRET));
  const wrongSecret = `${key.slice(0, 16)}${'A'.repeat(43)}`;
  const tokens = [key, revoked.text, jwt, wrongSecret, plant('wrong'), `${plant('a.b')}.c`];
  const headers = {
    authorization: `Bearer ${key}`,
    cookie: `session=${plant('cookie')}`,
    'x-api-key': plant('x-api-key'),
    'proxy-authorization': `Basic ${plant('proxy')}`,
  };
  const secretInput = {
    password: plant('password'),
    token: plant('token'),
    apiKey: plant('api-key'),
    nested: [
      { client_secret: plant('client-secret') },
      { headers: { Authorization: plant('nested') } },
    ],
    pairs: [{ name: 'password', value: plant('pair') }],
  };
  const seen: string[] = [];
  const see = (what: unknown) => void seen.push(JSON.stringify(what) ?? '');

  // Tokens, right and wrong, wherever they may be shown.
  for (const token of tokens) {
    for (const send of Object.values(TRANSPORTS)) {
      const { headers: told, ...answer } = await send(url, {
        query: '{ viewer { subject } }',
        token,
      });
      see([answer, [...(told ?? [])]]);
    }
  }
  // Where they must not be.
  const search = `access_token=${plant('query')}&token=${plant('stream')}&apiKey=${plant('in-url')}`;
  for (const path of ['/graphql', '/nothing', '/metrics', '/health/ready']) {
    const response = await fetch(new URL(`${path}?${search}`, url), { headers });
    see([await response.text(), [...response.headers]]);
  }
  for (const path of ['/metrics', '/health/ready', '/health/live']) {
    const response = await fetch(new URL(path, url), { headers });
    expect(response.status).toBe(200);
    see([await response.text(), [...response.headers]]);
  }
  const withBody = { 'content-type': 'application/json', ...headers };
  for (const body of [
    `{"query":"${plant('broken')}`,
    `{"${plant('name')}":1,"query":"{ viewer }"}`,
  ]) {
    await fetch(`${url}?${search}`, { method: 'POST', headers: withBody, body });
  }

  // In what is asked.
  const input = { flowId: 'quiet', input: secretInput, metadata: secretInput };
  const started = await ask(START, { input }, headers);
  expect(started.body.data.startJob.__typename).toBe('StartJobPayload');
  see(started.body);
  see((await ask(START, { input: { ...input, flowId: 'missing' } }, headers)).body);
  see((await ask(START, { input: { ...input, debug: { pauseTtlMs: -1 } } }, headers)).body);

  // Over a socket that is renewed.
  const { say, messages, socket } = await dial(url);
  say({
    type: 'connection_init',
    payload: { authorization: `Bearer ${key}`, password: plant('param'), cookie: plant('param2') },
  });
  await until(() => messages.length === 1);
  for (const [at, token] of tokens.entries()) {
    say(subscribe(`${at}`, RENEW, { input: { token } }));
    await until(() => messages.some(({ id, type }) => id === `${at}` && type !== 'next'));
  }
  say(subscribe('start', START, { input }));
  await until(() => messages.some(({ id, type }) => id === 'start' && type !== 'next'));
  see(messages);
  socket.close();

  const audit = await ask(AUDIT, {}, headers);
  const operations = audit.body.data.auditEntries.nodes.map(
    ({ operation }: { operation: string }) => operation,
  );
  expect(operations).toEqual(expect.arrayContaining(['startJob', 'renewConnection']));
  see(audit.body);
  see(await app.keys.list());

  const out = [...seen, ...log].join('\n');
  // It is told what was asked, or nothing of this would mean anything.
  expect(log.join('')).toContain('"operationName":"Start"');
  expect(log.join('')).toContain('"password":"***"');
  const [, , signature = ''] = jwt.split('.');
  const planted = [...tokens, signature, key.slice(16), JWT_SECRET, 's3cr3t-'];
  const found = planted.filter((secret) => out.includes(secret));
  const lines = out.split('\n').filter((line) => found.some((secret) => line.includes(secret)));
  // Not the lines themselves: they are not to be seen in the output of the tests either.
  expect(lines.map(withoutSecrets)).toEqual([]);
  expect(found.length).toBe(0);
});

function withoutSecrets(line: string): string {
  return line
    .replace(/s3cr3t-/g, 'SECRET-')
    .replace(/mr_[a-z2-7]{12}_[\w-]+/g, 'KEY')
    .slice(0, 500);
}

test('O7 no secret of the configuration comes out by `millrace config`', async () => {
  const environment = {
    MILLRACE_JWT_SECRET: JWT_SECRET,
    MILLRACE_DATABASE_URL: `postgres://u:${plant('db')}@db.example/jobs?sslpassword=${plant('ssl')}`,
  };
  const { code, stdout, stderr } = await start(['config', '--json'], environment).ended;
  const text = stdout + stderr;
  expect(code).toBe(0);
  expect(text).toContain('postgres://***@db.example');
  expect(withoutSecrets(text)).not.toContain('SECRET-');
});
