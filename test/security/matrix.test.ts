import { type GraphQLField, OperationTypeNode, subscribe } from 'graphql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { scopesOfField, scopesOfType } from '../../src/graphql/rules.ts';
import { schema } from '../../src/graphql/schema.ts';
import { SCOPES, type Scope } from '../../src/lib/identity.ts';
import { ManualClock, settle } from '../support/manual-clock.ts';
import { nodeIds, SAMPLES, type Sample } from './samples.ts';
import {
  documentOf,
  openTenants,
  readAnswer,
  type Tenants,
  type Things,
  unknownThings,
  wordOf,
} from './two-tenants.ts';

/** A root field, as it is asked in one of the ways that the table of samples has. */
interface Asked {
  readonly kind: OperationTypeNode;
  readonly field: GraphQLField<unknown, unknown>;
  readonly sample: Sample;
  readonly title: string;
}

const KINDS = [OperationTypeNode.QUERY, OperationTypeNode.MUTATION, OperationTypeNode.SUBSCRIPTION];
const rootFields = KINDS.flatMap((kind) => {
  const type = schema.getRootType(kind);
  return Object.values(type?.getFields() ?? {}).map((field) => ({
    kind,
    field,
    at: `${type?.name}.${field.name}`,
  }));
});
const allAsked: readonly Asked[] = rootFields.flatMap(({ kind, field, at }) =>
  (SAMPLES[at] ?? []).map((sample) => ({
    kind,
    field,
    sample,
    title: sample.about === undefined ? at : `${at}, ${sample.about}`,
  })),
);
const [queries, mutations, subscriptions] = KINDS.map((kind) =>
  allAsked.filter((each) => each.kind === kind),
) as [Asked[], Asked[], Asked[]];
const ofOthers = (each: Asked) => {
  const [one, other] = ['one', 'other'].map((name) => JSON.stringify(each.sample.args(made(name))));
  return one !== other;
};

/** Things that tell by their names whose they are. */
function made(name: string): Things {
  const ids = ['ended', 'failed', 'stopped', 'running', 'flowBreakpoint', 'jobBreakpoint'];
  const others = ['auditEntry', 'service', 'agent', 'alertRule', 'alert'];
  const things = Object.fromEntries([...ids, ...others].map((key) => [key, `${key}:${name}`]));
  return { word: 'x-only', soon: '', cursors: {}, ...things } as unknown as Things;
}

test('every root field has samples, and every sample a field', () => {
  const missing = rootFields.filter(({ at }) => SAMPLES[at] === undefined).map(({ at }) => at);
  expect(missing, 'Write how they are asked into test/security/samples.ts.').toEqual([]);
  const known = new Set(rootFields.map(({ at }) => at));
  expect(Object.keys(SAMPLES).filter((at) => !known.has(at))).toEqual([]);
  const nodes = Object.values(schema.getTypeMap())
    .filter(
      (type) => 'getInterfaces' in type && type.getInterfaces().some(({ name }) => name === 'Node'),
    )
    .map(({ name }) => name);
  expect(Object.keys(nodeIds(made('x'))).toSorted()).toEqual(nodes.toSorted());
});

/** Starts a subscription; answers its refusal, or undefined. It is left at once. */
async function subscribeOnce(
  { field, kind }: Asked,
  args: Readonly<Record<string, unknown>>,
  contextValue: ReturnType<Tenants['as']>,
) {
  const document = documentOf(kind, field.name, args, 0);
  const source = await subscribe({ schema, document, variableValues: args, contextValue });
  if (!(Symbol.asyncIterator in source)) return readAnswer(source);
  await source.return?.(undefined);
  return { data: null, errors: [] };
}

/** The code of the refusal of a field, wherever it stands in an answer; undefined when it was not refused. */
function isForbidden(answer: { data: unknown; errors: readonly { code: unknown }[] }): boolean {
  return (
    answer.errors.some(({ code }) => code === 'FORBIDDEN') ||
    JSON.stringify(answer.data).includes('"ForbiddenError"')
  );
}

describe('O7 root field × scope', () => {
  const sets: readonly (readonly Scope[])[] = [[], ...SCOPES.map((scope) => [scope])];

  test('each field is used by who has the scopes that it says, and nobody else', async () => {
    const tenants = await openTenants(['acme']);
    const nothing = unknownThings(tenants.of('acme')); // so that mutations change nothing
    for (const asked of allAsked) {
      const { kind, field, sample, title } = asked;
      const args = sample.args(nothing);
      const { id = args.ids?.[0] } = args;
      const ofType =
        field.name.startsWith('node') && typeof id === 'string'
          ? scopesOfType(schema, id.slice(0, id.indexOf(':')))
          : [];
      const wanted = [...new Set([...scopesOfField(field, args), ...ofType])];
      const without = wanted.map((scope) => SCOPES.filter((each) => each !== scope));
      const together = wanted.length > 1 ? [wanted] : [];
      for (const scopes of [...sets, ...without, ...together, SCOPES]) {
        const context = tenants.as('acme', scopes);
        const answer =
          kind === OperationTypeNode.SUBSCRIPTION
            ? await subscribeOnce(asked, args, context)
            : await tenants.ask(context, kind, field.name, args, 0);
        const mayUse = wanted.every((scope) => scopes.includes(scope));
        expect([title, scopes, isForbidden(answer)]).toEqual([title, scopes, !mayUse]);
      }
    }
  });

  test('what is reached through others needs the scopes of its type, and a mutation refused for that did nothing', async () => {
    const { as, ask, of } = await openTenants(['acme']);
    const MUTATION = OperationTypeNode.MUTATION;
    const QUERY = OperationTypeNode.QUERY;
    const args = { input: { flowId: 'orders', input: { lines: [1], word: wordOf('acme') } } };
    const count = async () =>
      JSON.stringify(await ask(as('acme'), QUERY, 'jobs', {}, 0)).match(/totalCount":(\d+)/)?.[1];
    const before = await count();
    const whole = await ask(as('acme', ['control']), MUTATION, 'startJob', args, 1);
    expect(whole).toMatchObject({
      data: { startJob: { __typename: 'ForbiddenError' } },
      errors: [],
    });
    expect(await count()).toBe(before);
    const onlyId = await ask(as('acme', ['control']), MUTATION, 'startJob', args, 0);
    expect(onlyId).toMatchObject({
      data: { startJob: { StartJobPayload_jobId: expect.stringContaining('Job:') } },
    });
    expect(await count()).toBe(String(Number(before) + 1));

    const server = await ask(as('acme', ['read']), QUERY, 'server', {}, 1);
    expect(server).toMatchObject({
      data: { server: { Server_storage: null, Server_connections: null } },
      errors: [{ code: 'FORBIDDEN' }, { code: 'FORBIDDEN' }],
    });
    const ids = [of('acme').auditEntry, of('acme').ended];
    const mixed = await ask(as('acme', ['read']), QUERY, 'nodes', { ids }, 0);
    expect(mixed).toMatchObject({
      data: { nodes: [null, { Job_id: of('acme').ended }] },
      errors: [{ code: 'FORBIDDEN', path: ['nodes', 0] }],
    });
  });
});

describe('O7 root field × tenant', () => {
  /** All there is of a tenant: what every query answers it. */
  async function pictureOf({ as, ask, of }: Tenants, tenant: string) {
    const answers = new Map<string, unknown>();
    for (const { kind, field, sample, title } of queries) {
      const args = sample.args(of(tenant));
      answers.set(title, await ask(as(tenant), kind, field.name, args));
    }
    return answers;
  }

  const idsIn = (value: unknown) =>
    new Set(JSON.stringify(value).match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g));

  test('what is asked of one’s own things is answered: so samples are no nonsense', async () => {
    const tenants = await openTenants();
    for (const [title, answer] of await pictureOf(tenants, 'acme')) {
      expect([title, (answer as { errors: unknown[] }).errors.filter(isOfTheField)]).toEqual([
        title,
        [],
      ]);
    }
    const names = Array.from({ length: 8 }, (_, at) => `tenant-${at}`);
    const { as, ask, of } = await openTenants(names);
    for (const { kind, field, sample, title } of mutations) {
      if (sample.isOnlyAsked) continue;
      const payload = `${field.name.charAt(0).toUpperCase()}${field.name.slice(1)}Payload`;
      const refusals: unknown[] = [];
      for (const tenant of names) {
        const { data } = await ask(as(tenant), kind, field.name, sample.args(of(tenant)), 0);
        if (says(data, `"${payload}"`)) break;
        refusals.push(data); // those before have left nothing that this could be done to: the next tenant's then
      }
      expect([title, refusals]).not.toEqual([title, Array(names.length).fill(expect.anything())]);
    }
  });

  test('a thing of another tenant is answered as one that does not exist, and stays as it is', async () => {
    const tenants = await openTenants(undefined, { clock: new ManualClock() });
    const { as, ask, of } = tenants;
    const before = await pictureOf(tenants, 'globex');
    const holes: unknown[] = [];
    for (const asked of allAsked.filter(ofOthers)) {
      const { kind, field, sample, title } = asked;
      const answerAbout = async (things: Things) => {
        const args = sample.args(things);
        const answer =
          kind === OperationTypeNode.SUBSCRIPTION
            ? await subscribeOnce(asked, args, as('acme'))
            : await ask(as('acme'), kind, field.name, args);
        return hideIds(JSON.stringify(answer), things);
      };
      const theirs = await answerAbout(of('globex'));
      const nobodys = await answerAbout(unknownThings(of('globex')));
      if (theirs !== nobodys)
        holes.push({ title, theirs: theirs.slice(0, 300), nobodys: nobodys.slice(0, 300) });
    }
    expect(holes).toEqual([]);
    const after = await pictureOf(tenants, 'globex');
    for (const picture of [before, after]) picture.delete('Query.jobEventsCursor'); // another text each time
    expect(after).toEqual(before);
  });

  test('no answer has an id or a word of another tenant', async () => {
    const tenants = await openTenants();
    const theirs = await pictureOf(tenants, 'globex');
    const ours = await pictureOf(tenants, 'acme');
    theirs.delete('Query.jobEventsCursor'); // names the run of the server, which all have
    const theirIds = idsIn([...theirs.values()].map(decodeCursors));
    expect(theirIds.size).toBeGreaterThan(8);
    expect(JSON.stringify([...ours.values()])).toContain('acme-only');
    for (const [title, answer] of ours) {
      const text = JSON.stringify(decodeCursors(answer));
      expect([title, text.includes('globex')]).toEqual([title, false]);
      const shared = [...idsIn(decodeCursors(answer))].filter((id) => theirIds.has(id));
      expect([title, shared]).toEqual([title, []]);
    }
  });

  test('lists, counts, pages and figures are those of a server where nobody else ever was', async () => {
    const pictureAmong = async (...names: string[]) => {
      const clock = new ManualClock();
      const tenants = await openTenants(names, { clock });
      await clock.advance(10_000);
      const { running } = tenants.of('acme');
      const checkpoints = tenants.as('acme').checkpoints;
      while (!(await checkpoints.load(running.slice(4)))) await settle();
      return pictureOf(tenants, 'acme');
    };
    const there = await pictureAmong('globex', 'acme');
    const here = await pictureAmong('acme');
    for (const [title, answer] of there) {
      // That tells figures of the whole server to those who have `admin`.
      if (title === 'Query.server') continue;
      expect([title, withoutIds(answer)]).toEqual([title, withoutIds(here.get(title))]);
    }
  });

  // Events are numbered over all tenants.
  test('cursors of events do not tell how much others do, nor whether they do anything', async () => {
    const { as, ask } = await openTenants(['globex', 'acme']);
    const { QUERY, MUTATION } = OperationTypeNode;
    const cursors: string[] = [];
    const takeSome = async () => {
      for (let count = 0; count < 8; count++) {
        const answer = await ask(as('acme'), QUERY, 'jobEventsCursor', {}, 0);
        cursors.push((answer.data as { jobEventsCursor: string }).jobEventsCursor);
      }
    };
    await takeSome();
    const input = { flowId: 'orders', input: { lines: [1], word: wordOf('globex') } };
    await ask(as('globex'), MUTATION, 'startJob', { input }, 0);
    await takeSome();
    expect(new Set(cursors).size).toBe(16);
    const names = cursors.map((cursor) => /^[0-9a-f-]{36}\.([\w-]{22})$/.exec(cursor)?.[1]);
    const bytes = names.map((name) => Buffer.from(name ?? '', 'base64url'));
    // No byte of them stays, and none grows, as that of a number would.
    for (let at = 0; at < 16; at++) {
      const values = bytes.map((each) => each[at] ?? 0);
      expect(new Set(values).size).toBeGreaterThan(8);
      expect(values).not.toEqual(values.toSorted((a, b) => a - b));
    }
  });
});

describe('O7 subscription × tenant', () => {
  test('who subscribes is told nothing of what others do meanwhile', async () => {
    const tenants = await openTenants();
    const { as, ask, of } = tenants;
    const told = new Map<string, unknown[]>();
    for (const { field, sample, title, kind } of subscriptions) {
      if (sample.isOnlyAsked) continue;
      const args = sample.args(of('acme'));
      const document = documentOf(kind, field.name, args, 2);
      const source = await subscribe({
        schema,
        document,
        variableValues: args,
        contextValue: as('acme'),
      });
      if (!(Symbol.asyncIterator in source)) throw new AggregateError(source.errors ?? [], title);
      onTestFinished(async () => void (await source.return?.(undefined)));
      const messages: unknown[] = [];
      told.set(title, messages);
      void (async () => {
        for await (const message of source) messages.push(readAnswer(message));
      })();
    }
    for (const tenant of ['globex', 'acme']) {
      for (const { field, sample } of mutations) {
        await ask(as(tenant), OperationTypeNode.MUTATION, field.name, sample.args(of(tenant)), 0);
      }
    }
    // Each is told of its own tenant in the end; what came of the other one came before.
    await expect
      .poll(() =>
        [...told].filter(([, messages]) => !says(messages, 'acme')).map(([title]) => title),
      )
      .toEqual([]);
    await expect
      .poll(() => says(told.get('Subscription.jobEvents') ?? [], 'JobCancelledEvent'))
      .toBe(true);
    for (const [title, messages] of told) {
      const text = JSON.stringify(decodeCursors(messages));
      expect([title, text.match(/.{100}globex.{100}/)?.[0]]).toEqual([title, undefined]);
    }
  });
});

const says = (messages: unknown, word: string) => JSON.stringify(messages).includes(word);

/** Whether an error is about the root field, not about a part of its answer that there is not in this state. */
const isOfTheField = (error: unknown) => ((error as { path?: unknown[] }).path ?? []).length <= 1;

/** The same answer about whatever these things are. */
function hideIds(text: string, things: Things): string {
  let hidden = text;
  for (const id of Object.values(things)) {
    if (typeof id !== 'string' || !id.includes(':')) continue;
    hidden = hidden.replaceAll(id.slice(id.indexOf(':') + 1), '…');
  }
  return hidden;
}

/** With cursors as what they say. */
function decodeCursors(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, inner: unknown) => {
    if (typeof inner !== 'string' || !/^[\w-]{8,}$/.test(inner)) return inner;
    const text = Buffer.from(inner, 'base64url').toString();
    return /^[[{].*[\]}]$/.test(text) ? text : inner;
  });
}

/** With ids and cursors of events numbered in the order in which they appear: the same for two apps in which the same was done. */
function withoutIds(value: unknown): unknown {
  const numbers = new Map<string, string>();
  const text = JSON.stringify(decodeCursors(value)).replace(
    /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.[\w-]{22})?/g,
    (id) => {
      if (!numbers.has(id)) numbers.set(id, `id-${numbers.size}`);
      return numbers.get(id) ?? id;
    },
  );
  // Checkpoints are taken beside what the test does: now before its clock goes on, now after.
  return JSON.parse(text.replace(/("JobCheckpoint_takenAt":)"[^"]+"/g, '$1"then"'));
}
