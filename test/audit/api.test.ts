import { createClient } from 'graphql-ws';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { App } from '../../src/app.ts';
import { createContext } from '../../src/graphql/context.ts';
import { DEFAULT_TENANT, type Scope } from '../../src/lib/identity.ts';
import { answer, ask, ended, inState, openApp, refusal, startJob } from '../api/api.ts';
import { echo, waiting } from '../api/flows.ts';
import { Gate } from '../engine/parts.ts';
import {
  CancelJobDocument,
  DeleteJobDocument,
  GetAuditEntryDocument,
  ListAuditEntriesDocument,
  type ListAuditEntriesQueryVariables,
  PauseJobDocument,
  StartJobDocument,
} from '../generated/operations.ts';

const ALL: ListAuditEntriesQueryVariables = {
  filter: null,
  first: null,
  after: null,
  last: null,
  before: null,
};

async function entriesOf(app: App, variables: Partial<ListAuditEntriesQueryVariables> = {}) {
  const { auditEntries } = await ask(app, ListAuditEntriesDocument, { ...ALL, ...variables });
  return { ...auditEntries, operations: auditEntries.nodes.map(({ operation }) => operation) };
}

/** An app of which four mutations were asked for; the id of the job that they were about. */
async function openAudited() {
  const gate = new Gate();
  const app = await openApp({ flows: [waiting(gate)] });
  const jobId = await startJob(app, { flowId: 'waiting', input: { password: 'hunter2' } });
  await inState(app, jobId, 'RUNNING');
  await ask(app, PauseJobDocument, { id: jobId });
  await ask(app, PauseJobDocument, { id: jobId });
  await ask(app, DeleteJobDocument, { id: 'Job:gone' });
  gate.openAll();
  return { app, jobId };
}

describe('the audit log in the API', () => {
  test('tells each mutation, newest first, with its target, arguments and outcome', async () => {
    const { app, jobId } = await openAudited();
    const { nodes, totalCount } = await entriesOf(app);
    expect(totalCount).toBe(4);
    expect(nodes).toMatchObject([
      { operation: 'deleteJob', outcome: 'REFUSED', errorCode: 'NOT_FOUND', targetId: 'Job:gone' },
      { operation: 'pauseJob', outcome: 'REFUSED', errorCode: 'INVALID_STATE', targetId: jobId },
      { operation: 'pauseJob', outcome: 'SUCCEEDED', errorCode: null, targetId: jobId },
      {
        operation: 'startJob',
        outcome: 'SUCCEEDED',
        targetId: jobId,
        actor: null,
        address: null,
        errorMessage: null,
        arguments: { input: { flowId: 'waiting', input: { password: '***' } } },
      },
    ]);
    expect(nodes.every(({ durationMs }) => durationMs >= 0)).toBe(true);
    const [first] = nodes;
    const { node } = await ask(app, GetAuditEntryDocument, { id: first?.id ?? '' });
    expect(node).toEqual({ __typename: 'AuditEntry', ...first });
    expect(await refusal(app, GetAuditEntryDocument, { id: 'AuditEntry:gone' })).toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  test('O2 tells what an edit changed', async () => {
    const app = await openApp({ flows: [echo()] });
    const edit = app.createContext().audit.begin({
      operation: 'setVariable',
      arguments: { input: { jobId: 'Job:1' } },
      actor: undefined,
      address: undefined,
    });
    await edit.succeeded({ change: { before: { text: '1', isTruncated: false } } });
    await startJob(app, { flowId: 'echo' });
    expect((await entriesOf(app)).nodes).toMatchObject([
      { operation: 'startJob', before: null, after: null },
      { operation: 'setVariable', before: '1', after: null },
    ]);
  });

  test('is read in pages, and filtered', async () => {
    const { app, jobId } = await openAudited();
    const first = await entriesOf(app, { first: 3 });
    expect(first.operations).toEqual(['deleteJob', 'pauseJob', 'pauseJob']);
    expect(first.pageInfo.hasNextPage).toBe(true);
    const rest = await entriesOf(app, { first: 3, after: first.pageInfo.endCursor });
    expect([rest.operations, rest.pageInfo.hasNextPage]).toEqual([['startJob'], false]);
    const last = await entriesOf(app, { last: 2 });
    expect(last.operations).toEqual(['pauseJob', 'startJob']);

    const filtered = async (filter: ListAuditEntriesQueryVariables['filter']) =>
      (await entriesOf(app, { filter })).operations;
    expect(await filtered({ operations: ['startJob', 'deleteJob'] })).toEqual([
      'deleteJob',
      'startJob',
    ]);
    expect(await filtered({ targetId: jobId, outcomes: ['REFUSED'] })).toEqual(['pauseJob']);
    expect(await filtered({ after: '2999-01-01T00:00:00Z' })).toEqual([]);
    expect(await filtered({ actor: 'ann' })).toEqual([]);
    const names = Array.from({ length: 101 }, (_none, at) => `m${at}`);
    const tooMany = { ...ALL, filter: { operations: names } };
    expect(await refusal(app, ListAuditEntriesDocument, tooMany)).toMatchObject({
      code: 'VALIDATION_FAILED',
    });
  });

  test('a cursor that the API did not give out is refused', async () => {
    const app = await openApp({ flows: [echo()] });
    for (const position of [{ at: 1.5, id: 'x' }, { at: 1e300, id: 'x' }, { at: 1 }]) {
      const cursor = JSON.stringify(['audit entries', position]);
      const after = Buffer.from(cursor).toString('base64url');
      expect(await refusal(app, ListAuditEntriesDocument, { ...ALL, after })).toMatchObject({
        code: 'VALIDATION_FAILED',
        issues: [{ path: ['after'] }],
      });
    }
  });

  test('O7 is for those who may administer; who asked, and from where, is in it', async () => {
    const app = await openApp({ flows: [echo()] });
    const as = (scopes: readonly Scope[]) =>
      createContext(app.services, {
        scopes: new Set(scopes),
        tenant: DEFAULT_TENANT,
        subject: 'ann',
        address: '192.0.2.7',
      });
    const input = { flowId: 'echo' };
    await answer(app, StartJobDocument, { input }, as(['read']));
    const { errors = [] } = await answer(
      app,
      ListAuditEntriesDocument,
      ALL,
      as(['read', 'control']),
    );
    expect(errors.map(({ originalError }) => originalError)).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect((await entriesOf(app)).nodes).toMatchObject([
      { outcome: 'REFUSED', errorCode: 'FORBIDDEN', actor: 'ann', address: '192.0.2.7' },
    ]);
  });

  test('has the address of clients, over HTTP and WebSocket', async () => {
    const app = await openApp({ flows: [echo()] });
    const { url } = await app.listen({ port: 0 });
    const query = 'mutation ($id: ID!) { cancelJob(input: { jobId: $id }) { __typename } }';
    const post = (accept: string) =>
      fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept },
        body: JSON.stringify({ query, variables: { id: `Job:${accept}` } }),
      }).then((response) => response.text());
    await post('application/json');
    await post('text/event-stream'); // by the way that all other requests take
    const client = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket });
    for await (const _ of client.iterate({ query, variables: { id: 'Job:ws' } }));
    await client.dispose();
    const { nodes } = await entriesOf(app);
    expect(nodes.map(({ targetId }) => targetId)).toEqual([
      'Job:ws',
      'Job:text/event-stream',
      'Job:application/json',
    ]);
    expect(nodes.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
  });

  test('a mutation is in it once it is answered, and stays when its job is deleted', async () => {
    const app = await openApp({ flows: [echo()] });
    const jobId = await startJob(app, { flowId: 'echo' });
    await ended(app, jobId);
    await ask(app, CancelJobDocument, { id: jobId });
    await ask(app, DeleteJobDocument, { id: jobId });
    expect((await entriesOf(app, { filter: { targetId: jobId } })).nodes).toMatchObject([
      { operation: 'deleteJob', outcome: 'SUCCEEDED' },
      { operation: 'cancelJob', outcome: 'REFUSED' },
      { operation: 'startJob', outcome: 'SUCCEEDED' },
    ]);
  });
});
