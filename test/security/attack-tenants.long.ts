import { copyFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperationTypeNode, print } from 'graphql';
import { defineFlow } from 'millrace/engine';
import { describe, expect, onTestFinished, test } from 'vitest';
import { scopesOfField } from '../../src/graphql/rules.ts';
import { schema } from '../../src/graphql/schema.ts';
import { SCOPES, type Scope } from '../../src/lib/identity.ts';
import { openApp } from '../api/api.ts';
import { Gate, passes } from '../engine/parts.ts';
import { subscribe } from '../server/dial.ts';
import { bearer, dialWith } from '../server/door-keeper.ts';
import { TRANSPORTS } from '../server/each-transport.ts';
import { SAMPLES } from './samples.ts';
import { documentOf, openTenants, type Things, unknownThings, wordOf } from './two-tenants.ts';

/** None that the operations here come to. */
const LIMITS = {
  requestsPerMinute: 0,
  costPerMinute: 0,
  maxAliases: 1e6,
  maxDocumentFields: 1e6,
  maxDocumentTokens: 1e6,
  maxDocumentLength: 1e6,
  maxDocumentDepth: 100,
  maxFrameBytes: 1e6,
};

/** Where there is anything to be asked; each field is asked over the next of them. */
const WAYS = ['WebSocket', 'SSE, distinct', 'SSE, single'] as const;

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-tenants-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A server with a database in a file and the things of two tenants, who have keys. */
async function serveTenants() {
  const folder = await makeFolder();
  const tenants = await openTenants(undefined, { database: `sqlite:${join(folder, 'data.db')}` });
  const keyOf = async (tenant: string, scopes: readonly Scope[] = SCOPES) =>
    (await tenants.app.keys.create({ tenant, scopes, subject: 'ann' })).text;
  const keys = { acme: await keyOf('acme'), globex: await keyOf('globex') };
  const { url } = await tenants.app.listen({ port: 0, limits: LIMITS });
  return { ...tenants, url, keys, keyOf };
}

const allAsked = [
  OperationTypeNode.QUERY,
  OperationTypeNode.MUTATION,
  OperationTypeNode.SUBSCRIPTION,
].flatMap((kind) => {
  const type = schema.getRootType(kind);
  return Object.values(type?.getFields() ?? {}).flatMap((field) =>
    (SAMPLES[`${type?.name}.${field.name}`] ?? [])
      .filter(({ isOnlyAsked }) => isOnlyAsked !== true)
      .map((sample, at) => ({
        kind,
        field,
        sample,
        title: `${type?.name}.${field.name}, ${sample.about}`,
        way: WAYS[(field.name.length + at) % WAYS.length] ?? 'WebSocket',
      })),
  );
});

/** Sends an operation, and reads the answer as it is, whatever it is. */
async function post(
  url: string,
  key: string,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
) {
  const body = JSON.stringify({ query, variables });
  const response = await fetch(url, { method: 'POST', headers: bearer(key), body });
  const { data, errors } = (await response.json()) as Readonly<Record<string, unknown>>;
  return JSON.stringify({ data, errors });
}

/** The same answer about whatever these things are. */
function hideIds(answer: unknown, things: Things): string {
  const ids = Object.values(things).filter((id) => typeof id === 'string' && id.includes(':'));
  return ids.reduce(
    (text, id) => text.replaceAll(id.slice(id.indexOf(':') + 1), '…'),
    JSON.stringify(answer),
  );
}

describe('O5 O7 who comes with a key', () => {
  test('is answered about things of another tenant as about what there is not, over every transport', async () => {
    const { url, keys, of } = await serveTenants();
    let asked = 0;
    for (const { kind, field, sample, title, way } of allAsked) {
      if (title === 'Query.auditEntries, of a job') continue; // tells that one’s own were refused just before
      const answerAbout = async (things: Things) => {
        const variables = sample.args(things);
        const query = print(documentOf(kind, field.name, variables, 0));
        const { headers, ...answer } = await TRANSPORTS[way](url, {
          query,
          variables,
          token: keys.acme,
        });
        return hideIds(answer, things);
      };
      const nothing = unknownThings(of('globex'));
      const isTheSame =
        JSON.stringify(sample.args(of('globex'))) === JSON.stringify(sample.args(nothing));
      if (isTheSame) continue;
      asked++;
      const nobodys = await answerAbout(nothing);
      expect([title, way, await answerAbout(of('globex'))]).toEqual([title, way, nobodys]);
    }
    expect(asked).toBeGreaterThan(40);
  });

  test('with one scope does what that is for and nothing else, over every transport', async () => {
    const { url, keyOf, of } = await serveTenants();
    const nothing = unknownThings(of('acme'));
    const keys = await Promise.all(SCOPES.map((scope) => keyOf('acme', [scope])));
    for (const { kind, field, sample, title, way } of allAsked) {
      if (field.name === 'node' || field.name === 'nodes') continue; // what they need depends on the id
      const variables = sample.args(nothing);
      const wanted = scopesOfField(field, variables);
      const query = print(documentOf(kind, field.name, variables, 0));
      for (const [at, scope] of SCOPES.entries()) {
        const mayUse = wanted.every((each) => each === scope);
        if (mayUse && kind === OperationTypeNode.SUBSCRIPTION) continue; // some say nothing at first
        const { headers, ...answer } = await TRANSPORTS[way](url, {
          query,
          variables,
          token: keys[at],
        });
        const isForbidden = /"(FORBIDDEN|ForbiddenError)"/.test(JSON.stringify(answer));
        expect([title, way, scope, isForbidden]).toEqual([title, way, scope, !mayUse]);
      }
    }
  });

  test('may edit a job and not see it: then the answer shows nothing of what was there', async () => {
    const { url, keyOf, of } = await serveTenants();
    const [blind, seeing] = [
      await keyOf('acme', ['debug']),
      await keyOf('acme', ['debug', 'read']),
    ];
    const edit = `mutation($job: ID!, $value: JSON) {
      setVariable(input: { jobId: $job, scope: DATA, path: ["word"], value: $value }) {
        __typename ... on SetVariablePayload { change { before { text } } }
      }
    }`;
    const set = (key: string, value: string) =>
      post(url, key, edit, { job: of('acme').stopped, value });
    const takeOver =
      'mutation($job: ID!) { takeOverSession(input: { jobId: $job }) { __typename } }';
    await post(url, seeing, takeOver, { job: of('acme').stopped });
    const refused = await set(blind, 'unseen');
    expect(refused).toContain('"ForbiddenError"');
    expect(refused).not.toContain(wordOf('acme'));
    expect(await set(seeing, 'seen')).toContain(wordOf('acme')); // it was not set before
  });

  test('hears only of its own tenant, though another asks for the same with the same variables', async () => {
    const { url, keys, of } = await serveTenants();
    const streams = [
      'subscription S($a: String) { jobEvents(after: $a) { __typename jobId job { owner input } } }',
      'subscription S { jobEvents(flowId: "orders") { __typename jobId job { owner input } } }',
      'subscription S { jobStatusChanged { id owner status } }',
      'subscription S { jobStatusChanged(flowId: "orders", maxRateHz: 20) { id owner } }',
    ];
    const start = `mutation($owner: String, $input: JSON) {
      startJob(input: { flowId: "orders", owner: $owner, input: $input }) { __typename }
    }`;
    const tenants = ['acme', 'globex'] as const;
    const sockets = await Promise.all(
      tenants.map(async (tenant) => {
        const socket = await dialWith(url, keys[tenant]);
        socket.show();
        await expect.poll(() => socket.messages.length).toBe(1);
        const variables = { a: of(tenant).cursors.events };
        for (const [at, query] of streams.entries()) {
          socket.say(subscribe(`${at}`, query, variables));
        }
        return socket;
      }),
    );
    const heard = (at: number) => JSON.stringify(sockets[at]?.messages);
    for (const at of [0, 1]) await expect.poll(() => heard(at)).toMatch(/"id":"2","type":"next"/);
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        tenants.map((tenant) => {
          const owner = `${wordOf(tenant)} ${round}`;
          const input = { lines: [1, -1], word: owner };
          return post(url, keys[tenant], start, { owner, input });
        }),
      );
    }
    for (const [at, tenant] of tenants.entries()) {
      const hearing = () => {
        const last = sockets[at]?.messages.filter((message) =>
          JSON.stringify(message).includes(`${wordOf(tenant)} 2`),
        );
        return streams.map((_, stream) => last?.some(({ id }) => id === `${stream}`));
      };
      await expect.poll(hearing, { timeout: 10_000 }).toEqual([true, true, true, true]);
    }
    expect(heard(0)).not.toContain('globex');
    expect(heard(1)).not.toContain('acme');
  });

  test('knows no stream of server-sent events of the same subject in another tenant', async () => {
    const { url, keys } = await serveTenants();
    const reserved = await fetch(url, { method: 'PUT', headers: bearer(keys.acme) });
    const theirs = await reserved.text();
    const answersTo = async (key: string, token: string) => {
      const headers = bearer(key, { 'x-graphql-event-stream-token': token });
      const extensions = { operationId: 'x' };
      const body = JSON.stringify({ query: '{ viewer { tenant } }', extensions });
      const answers = [
        await fetch(url, { headers: { ...headers, accept: 'text/event-stream' } }),
        await fetch(url, { method: 'POST', headers, body }),
        await fetch(`${url}?operationId=x`, { method: 'DELETE', headers }),
      ];
      return Promise.all(answers.map(async (each) => [each.status, await each.text()]));
    };
    const nobodys = await answersTo(keys.globex, 'there-is-no-such-stream');
    expect(nobodys.map(([status]) => status)).toEqual([404, 404, 404]);
    expect(await answersTo(keys.globex, theirs)).toEqual(nobodys);
  });
});

/** A flow whose jobs wait at the gate. */
function waitingFlow(gate: Gate) {
  return defineFlow({ id: 'waiting' }, (f) => {
    const waits = f.add('wait', passes<unknown>(gate.pass));
    f.connect(f.input, waits.slots.item);
    return { done: waits.events.item };
  });
}

test('O5 M4 after a kill each tenant finds its own jobs, breakpoints and idempotency keys, by its old key', async () => {
  const folder = await makeFolder();
  const gate = new Gate();
  const open = async (name: string) => {
    const database = `sqlite:${join(folder, name)}`;
    return openApp({ flows: [waitingFlow(gate)], database, checkpointIntervalMs: 10 });
  };
  const before = await open('before.db');
  const tenants = ['acme', 'globex'] as const;
  const keyOf = async (tenant: string) =>
    (await before.keys.create({ tenant, scopes: SCOPES, subject: 'ann' })).text;
  const keys = { acme: await keyOf('acme'), globex: await keyOf('globex') };
  const start = `mutation($word: JSON) {
    startJob(input: { flowId: "waiting", input: $word, idempotencyKey: "same" }) {
      __typename ... on StartJobPayload { jobId }
    }
  }`;
  const stop = `mutation {
    addBreakpoint(input: { flowId: "waiting", kind: ROUTINE, routineId: "wait", idempotencyKey: "same" }) {
      ... on AddBreakpointPayload { breakpoint { id } }
    }
  }`;
  const { url } = await before.listen({ port: 0 });
  await post(url, keys.acme, stop); // stops no job of the other
  const started = await Promise.all(
    tenants.map((tenant) => post(url, keys[tenant], start, { word: wordOf(tenant) })),
  );
  const states = '{ jobs { nodes { input status } } breakpoints { nodes { hitCount } } }';
  const seenBy = (at: string, tenant: (typeof tenants)[number]) => post(at, keys[tenant], states);
  const isAsWanted = async (at: string) =>
    (await seenBy(at, 'acme')).includes('"PAUSED"') && gate.waiting > 0;
  await expect.poll(() => isAsWanted(url)).toBe(true);

  const files = ['', '-wal'] as const; // what is on disk when a process is killed
  for (const end of files) {
    copyFileSync(join(folder, `before.db${end}`), join(folder, `after.db${end}`));
  }
  await before.close();
  gate.openAll();
  const { url: anew } = await (await open('after.db')).listen({ port: 0 });
  await expect.poll(() => isAsWanted(anew)).toBe(true);
  for (const [at, tenant] of tenants.entries()) {
    expect(await post(anew, keys[tenant], start, { word: wordOf(tenant) })).toBe(started[at]);
  }
  const [acme, globex] = [await seenBy(anew, 'acme'), await seenBy(anew, 'globex')];
  expect(JSON.parse(acme).data).toEqual({
    jobs: { nodes: [{ input: 'acme-only', status: 'PAUSED' }] },
    breakpoints: { nodes: [{ hitCount: 1 }] },
  });
  expect(JSON.parse(globex).data).toEqual({
    jobs: { nodes: [{ input: 'globex-only', status: 'RUNNING' }] },
    breakpoints: { nodes: [] },
  });
});
