import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { parse } from 'graphql';
import { defineFlow } from 'millrace/engine';
import { expect, test } from 'vitest';
import { ask, jobOf, openApp, startJob, watch } from '../api/api.ts';
import { emits, passes } from '../engine/parts.ts';
import { DebugEventsDocument, EvaluateDocument } from '../generated/operations.ts';
import { sessionOf, stopOf } from './stopped-job.ts';

const LENGTH = 100_000_000;

const LOOK: TypedDocumentNode<object, { jobId: string }> = parse(`
  fragment Shown on Variable { name type childCount preview { text isTruncated } }
  query Look($jobId: ID!) {
    debugSession(jobId: $jobId) {
      stop {
        frames {
          items { nodes { itemId preview { text isTruncated } } }
          outputs { nodes { itemId preview { text isTruncated } } }
          scopes { ...Shown children(first: 10) { nodes { ...Shown children(first: 10) { nodes { ...Shown } } } } }
          path { nodes { activationId routineId } }
        }
      }
    }
  }
`);

test('O3 an answer stays small, though an item has a text of 100 MB in it', async () => {
  const flow = defineFlow({ id: 'large' }, (f) => {
    const middle = f.add('middle', passes<unknown>());
    const item = { id: 1, text: 'x'.repeat(LENGTH), ['k'.repeat(100_000)]: 1 };
    f.connect(f.add('source', emits([item])).events.item, middle.slots.item);
  });
  const app = await openApp({ flows: [flow], debugger: { evaluation: true } });
  const at = { kind: 'EVENT', routineId: 'middle', event: 'item' } as const;
  const jobId = await startJob(app, {
    flowId: 'large',
    debug: {
      stopAtEntry: true,
      breakpoints: [
        { kind: 'ROUTINE', routineId: 'middle', logMessage: 'saw {item} and {item.text}' },
        { ...at, condition: 'len(output.text) > 5' },
      ],
    },
  });
  await stopOf(app, jobId, 1);
  const events = await watch(app, DebugEventsDocument, { jobId, types: ['LOG_POINT'] });
  const line = events.next();
  await app.createContext().debug.continue({ jobId: jobId.replace('Job:', ''), actor: undefined });
  await stopOf(app, jobId, 2);

  const sizeOf = (answer: unknown) => JSON.stringify(answer).length;
  const look = await ask(app, LOOK, { jobId });
  expect(JSON.stringify(look)).toContain('"name":"text"');
  expect(sizeOf(look)).toBeLessThan(20_000);
  expect(sizeOf(await sessionOf(app, jobId))).toBeLessThan(20_000);
  const told = await line;
  expect(told?.jobEvents).toMatchObject({ routineId: 'middle' });
  expect(sizeOf(told)).toBeLessThan(20_000);
  for (const expression of ['item', 'item.text', 'inputs', 'output.text', '[item, item.text]']) {
    const { evaluate } = await ask(app, EvaluateDocument, { input: { jobId, expression } });
    expect(sizeOf(evaluate), expression).toBeLessThan(2_000);
  }
  const input = { jobId, expression: 'len(item.text)' };
  expect((await ask(app, EvaluateDocument, { input })).evaluate).toMatchObject({ value: LENGTH });
  expect(sizeOf(await jobOf(app, jobId))).toBeLessThan(20_000);
});
