import { expect, test } from 'vitest';
import { createApp } from '../../src/app.ts';
import { DuplicateFlowError } from '../../src/flows/flow-registry.ts';
import { ListFlowsDocument, type ListFlowsQuery } from '../generated/operations.ts';
import { ask, openApp, refusal } from './api.ts';
import { echo } from './flows.ts';

test('flows are listed by name, page by page', async () => {
  const names = ['b', 'a', 'C', 'a-2', 'd'];
  const app = await openApp({ flows: names.map((name) => echo(name)) });
  const told: string[] = [];
  let after: string | null = null;
  do {
    const { flows }: ListFlowsQuery = await ask(app, ListFlowsDocument, { first: 2, after });
    expect(flows.totalCount).toBe(5);
    told.push(...flows.nodes.map(({ flowId }) => flowId));
    after = flows.pageInfo.hasNextPage ? flows.pageInfo.endCursor : null;
  } while (after !== null);
  expect(told).toEqual(names.toSorted());
  expect(await refusal(app, ListFlowsDocument, { first: 1, after: 'garbage' })).toMatchObject({
    code: 'VALIDATION_FAILED',
  });
});

test('two flows with one name are refused', async () => {
  await expect(createApp({ flows: [echo(), echo()] })).rejects.toThrow(DuplicateFlowError);
});
