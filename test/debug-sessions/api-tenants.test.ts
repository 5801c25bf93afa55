import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { describe, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { createContext } from '../../src/graphql/context.ts';
import { ANYBODY } from '../../src/lib/identity.ts';
import { newId } from '../../src/lib/ids.ts';
import { answer, subscribeRefusal } from '../api/api.ts';
import {
  AddBreakpointDocument,
  ClearBreakpointsDocument,
  ContinueJobDocument,
  DebugSessionChangedDocument,
  GetDebugSessionDocument,
  GetDebugSessionsDocument,
  GetFlowBreakpointsDocument,
  GetItemDocument,
  GetQueuedItemsDocument,
  ListBreakpointsDocument,
  RemoveBreakpointDocument,
  UpdateBreakpointDocument,
} from '../generated/operations.ts';
import { openStopped } from './stopped-job.ts';

const as = (app: App, tenant: string) =>
  createContext(app.services, { ...ANYBODY, tenant, subject: 'bob' });

/** What somebody of another tenant is answered, with the id taken out. */
async function seen<Data, Variables extends Record<string, unknown>>(
  app: App,
  document: TypedDocumentNode<Data, Variables>,
  id: string,
  variables: Variables,
) {
  const { data, errors = [] } = await answer(app, document, variables, as(app, 'beta'));
  const told = errors.map(({ message, path, originalError }) => ({
    message,
    path,
    code: (originalError as { code?: string } | undefined)?.code,
  }));
  return JSON.parse(JSON.stringify({ data, told }).replaceAll(id, 'ID'));
}

describe('O7 what hangs on a job of another tenant', () => {
  test('is answered as what hangs on one that there is not', async () => {
    const { app, jobId } = await openStopped();
    const { id } = jobId.match(/^Job:(?<id>.*)$/)?.groups ?? {};
    const bare = id ?? '';
    const { nodes = [] } =
      (await answer(app, ListBreakpointsDocument, { filter: { jobId } })).data?.breakpoints ?? {};
    const breakpointId = nodes[0]?.id.replace('Breakpoint:', '') ?? '';
    expect(breakpointId).not.toBe('');
    const kind = 'SLOT' as const;
    const unknown = newId();
    const ask = (job: string, breakpoint: string) => {
      const own = { jobId: `Job:${job}` };
      const place = { routineId: 'scale', slot: 'line' };
      const one = { breakpointId: `Breakpoint:${breakpoint}` };
      return Promise.all([
        seen(app, GetDebugSessionDocument, job, own),
        seen(app, GetDebugSessionsDocument, job, { ids: [`DebugSession:${job}`] }),
        seen(app, GetDebugSessionsDocument, breakpoint, { ids: [`Breakpoint:${breakpoint}`] }),
        seen(app, GetQueuedItemsDocument, job, { ...own, ...place, first: null, after: null }),
        seen(app, GetItemDocument, job, { ...own, itemId: 'x' }),
        seen(app, ContinueJobDocument, job, { input: own }),
        seen(app, AddBreakpointDocument, job, { input: { ...own, kind, ...place } }),
        seen(app, ClearBreakpointsDocument, job, { input: own }),
        seen(app, UpdateBreakpointDocument, breakpoint, { input: { ...one, isEnabled: false } }),
        seen(app, RemoveBreakpointDocument, breakpoint, { input: one }),
        seen(app, ListBreakpointsDocument, job, { filter: own }),
        subscribeRefusal(app, DebugSessionChangedDocument, own, as(app, 'beta')).then(
          ({ code, message }) => ({ code, message: message?.replaceAll(job, 'ID') }),
        ),
      ]);
    };
    const answers = await ask(bare, breakpointId);
    expect(answers).toEqual(await ask(unknown, newId()));
    expect(answers.at(-1)).toMatchObject({ code: 'NOT_FOUND' });
    // Who they belong to is answered.
    expect((await answer(app, GetDebugSessionDocument, { jobId })).data).toMatchObject({
      debugSession: { status: 'STOPPED', owner: null },
    });
  });

  test('is in no list or count of the flow, which all see', async () => {
    const { app } = await openStopped();
    const input = { flowId: 'orders', kind: 'ROUTINE', routineId: 'sum' } as const;
    await answer(app, AddBreakpointDocument, { input });
    const ofFlow = async (tenant: string) => {
      const { data } = await answer(
        app,
        GetFlowBreakpointsDocument,
        { id: 'Flow:orders' },
        as(app, tenant),
      );
      return data?.flow?.breakpoints;
    };
    const all = async (tenant: string) =>
      (await answer(app, ListBreakpointsDocument, {}, as(app, tenant))).data?.breakpoints;
    expect(await ofFlow('default')).toMatchObject({ totalCount: 1 });
    expect(await all('default')).toMatchObject({ totalCount: 2 });
    expect(await ofFlow('beta')).toEqual({ totalCount: 0, nodes: [] });
    expect(await all('beta')).toMatchObject({ totalCount: 0, nodes: [] });
    const cleared = await seen(app, ClearBreakpointsDocument, 'orders', {
      input: { flowId: 'orders' },
    });
    expect(cleared).toMatchObject({ data: { clearBreakpoints: { removedCount: 0 } } });
    expect(await all('default')).toMatchObject({ totalCount: 2 });
  });
});
