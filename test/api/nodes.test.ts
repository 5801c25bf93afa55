import { describe, expect, test } from 'vitest';
import { Gate } from '../engine/parts.ts';
import {
  GetFlowDocument,
  GetJobDocument,
  GetNodeDocument,
  GetNodesDocument,
} from '../generated/operations.ts';
import { answer, ask, openApp, refusal, startJob } from './api.ts';
import { echo, waiting } from './flows.ts';

async function open() {
  const gate = new Gate();
  const app = await openApp({ flows: [waiting(gate), echo()] });
  await app.health.report({ name: 'crawler', health: 'healthy' });
  const job = await startJob(app, { flowId: 'waiting' });
  const uuid = job.slice(4);
  const ids = {
    Flow: 'Flow:echo',
    Routine: 'Routine:echo/pass',
    Job: job,
    JobRoutine: `JobRoutine:${uuid}/wait`,
    SlotQueue: `SlotQueue:${uuid}/wait.item`,
    DebugSession: `DebugSession:${uuid}`,
    Service: 'Service:agent:crawler',
  };
  return { app, ids, uuid };
}

describe('global ids', () => {
  test('each type of node is had by its id, alone and with others, in order', async () => {
    const { app, ids } = await open();
    const nodes = Object.entries(ids).map(([__typename, id]) => ({ __typename, id }));
    for (const node of nodes) {
      expect(await ask(app, GetNodeDocument, { id: node.id })).toEqual({ node });
    }
    for (const wanted of [nodes, nodes.toReversed(), [...nodes, ...nodes]]) {
      expect(await ask(app, GetNodesDocument, { ids: wanted.map(({ id }) => id) })).toEqual({
        nodes: wanted,
      });
    }
    expect(await ask(app, GetNodesDocument, { ids: [] })).toEqual({ nodes: [] });
  });

  test('M11 what nothing has is told by name, and does not spoil the rest', async () => {
    const { app, ids, uuid } = await open();
    const unknown = [
      'Flow:nothing',
      'Routine:echo/nobody',
      'Routine:nothing/pass',
      'Routine:echo',
      'Routine:echo/pass/more',
      'Job:gone',
      `JobRoutine:${uuid}/nobody`,
      `JobRoutine:${uuid}/wait/more`,
      'JobRoutine:gone/wait',
      `SlotQueue:${uuid}/wait.other`,
      `SlotQueue:${uuid}/wait`,
      'SlotQueue:gone/wait.item',
      'DebugSession:gone',
      'Breakpoint:gone',
      'Service:gone',
      'Service:agent:gone',
    ];
    for (const id of unknown) {
      const [kind = '', ...rest] = id.split(':');
      expect(await refusal(app, GetNodeDocument, { id })).toMatchObject({
        code: 'NOT_FOUND',
        message: `There is no ${kind} "${rest.join(':')}".`,
      });
    }
    const { data, errors = [] } = await answer(app, GetNodesDocument, {
      ids: [ids.Flow, ...unknown, ids.Job],
    });
    expect(data?.nodes.map((node) => node?.id)).toEqual([
      ids.Flow,
      ...unknown.map(() => undefined),
      ids.Job,
    ]);
    expect(errors.map(({ path }) => path?.[1]).toSorted()).toEqual(
      unknown.map((_, at) => at + 1).toSorted(),
    );
  });

  test('what is no id is refused', async () => {
    const { app } = await open();
    for (const id of ['', ':', 'echo', 'Flow:', ':echo', 'Nonsense:1', 'Query:1']) {
      expect(await refusal(app, GetNodeDocument, { id })).toMatchObject({
        code: 'VALIDATION_FAILED',
        issues: [{ path: ['id'], message: expect.stringContaining('is not an id') }],
      });
    }
  });

  test('ids of another type are refused; a bare name is taken as one of the type wanted', async () => {
    const { app, ids } = await open();
    expect(await refusal(app, GetJobDocument, { id: ids.Flow })).toMatchObject({
      code: 'VALIDATION_FAILED',
      message: 'id: "Flow:echo" is the id of a Flow; this takes the id of a Job.',
    });
    expect(await refusal(app, GetFlowDocument, { id: ids.Job })).toMatchObject({
      code: 'VALIDATION_FAILED',
    });
    expect(await ask(app, GetFlowDocument, { id: 'echo' })).toMatchObject({
      flow: { id: ids.Flow },
    });
  });

  test('more than a thousand ids are refused', async () => {
    const { app, ids } = await open();
    const many = (count: number) => Array.from({ length: count }, () => ids.Job);
    expect((await ask(app, GetNodesDocument, { ids: many(1000) })).nodes).toHaveLength(1000);
    expect(await refusal(app, GetNodesDocument, { ids: many(1001) })).toMatchObject({
      code: 'VALIDATION_FAILED',
      issues: [{ path: ['ids'], message: 'Give at most 1000 ids.' }],
    });
  });
});
