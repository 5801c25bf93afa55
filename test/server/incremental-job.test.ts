import { expect, test } from 'vitest';
import { ended, openApp, startJob } from '../api/api.ts';
import { chain } from '../api/flows.ts';

/** As in docs/api.md. */
const WHOLE_JOB = `query WholeJob($id: ID!) {
  job(id: $id) {
    id
    status
    ... @defer(label: "trace") {
      trace(last: 1000) {
        nodes { activationId routineId outcome runMs inputs { item { text } } outputs { item { text } } }
      }
    }
  }
}`;

test('M7 the trace of a large job may come after what a first look needs', async () => {
  const app = await openApp({ flows: [chain(600)] });
  const { url } = await app.listen({ port: 0 });
  const id = await startJob(app, { flowId: 'chain' });
  await ended(app, id);
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify({ query: WHOLE_JOB, variables: { id } }),
    headers: { 'content-type': 'application/json', accept: 'multipart/mixed, application/json' },
  });
  const parts = (await response.text())
    .split('\r\n---')
    .filter((part) => part.includes('{'))
    .map((part) => JSON.parse(part.slice(part.indexOf('{'))));
  expect(parts[0]).toEqual({
    data: { job: { id, status: 'COMPLETED' } },
    extensions: { cost: { operation: 15_004, operationLimit: 250_000 } },
    hasNext: true,
  });
  expect(parts[1]).toMatchObject({
    incremental: [{ label: 'trace', path: ['job'], data: { trace: {} } }],
    hasNext: false,
  });
  expect(parts[1].incremental[0].data.trace.nodes.length).toBeGreaterThan(500);
});
