import { describe, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { ask } from '../api/api.ts';
import {
  CancelJobDocument,
  ContinueJobDocument,
  EvaluateDocument,
  ListAuditEntriesDocument,
} from '../generated/operations.ts';
import { openStopped } from './stopped-job.ts';

const evaluate = async (app: App, input: { jobId: string; expression: string }) =>
  (await ask(app, EvaluateDocument, { input })).evaluate;

/** Takes dozens of turns. */
const LONG = 'sum(sorted(range(25000), null, true))';
const TOO_MANY = { __typename: 'TooManyEvaluationsError', code: 'TOO_MANY_EVALUATIONS' };

describe('O2 evaluations at once', () => {
  test('the ninth is refused, and one works again when they are over, whatever came of them', async () => {
    const { app, jobId } = await openStopped();
    const work = (expression: string) => evaluate(app, { jobId, expression });
    for (const round of [1, 2]) {
      // Half of them fail in the end.
      const all = Array.from({ length: 9 }, (_, at) => (at % 2 === 0 ? LONG : `len(${LONG})`));
      const answers = await Promise.all(all.map(work));
      const half = [{ type: 'number' }, { code: 'EXPRESSION_FAILED', reason: 'TYPE' }];
      expect(answers.slice(0, 8), `round ${round}`).toMatchObject([
        ...half,
        ...half,
        ...half,
        ...half,
      ]);
      expect(answers[8]).toMatchObject(TOO_MANY);
      expect(await work('item + 1')).toMatchObject({ value: 2 });
    }
    expect(await Promise.all(Array.from({ length: 8 }, () => work('item')))).toMatchObject(
      Array.from({ length: 8 }, () => ({ value: 1 })),
    );
  });
});

describe('O2 the audit log', () => {
  /** The evaluations of a job, oldest first. */
  const auditOf = async (app: App, jobId: string) => {
    const { auditEntries } = await ask(app, ListAuditEntriesDocument, {
      ...{ filter: { targetId: jobId }, first: 100, after: null, last: null, before: null },
    });
    return auditEntries.nodes
      .filter(({ operation }) => operation === 'evaluate')
      .map(({ arguments: given, outcome, errorCode }) => {
        const { input } = given as { input: { expression: string } }; // as it was asked for
        return [input.expression, outcome, errorCode];
      })
      .reverse();
  };

  test('has every evaluation, with its expression, also those that were refused', async () => {
    const { app, jobId } = await openStopped();
    const work = (expression: string) => evaluate(app, { jobId, expression });
    await work('item + 1');
    await work('item +');
    await work('nothing');
    await work('range(1e9)');
    const many = await Promise.all(Array.from({ length: 9 }, () => work(LONG)));
    expect(many[8]).toMatchObject(TOO_MANY);
    await ask(app, ContinueJobDocument, { input: { jobId } });
    await ask(app, CancelJobDocument, { id: jobId });
    await work('1 + 1');

    const entries = await auditOf(app, jobId);
    expect(entries.slice(0, 4)).toEqual([
      ['item + 1', 'SUCCEEDED', null],
      ['item +', 'REFUSED', 'EXPRESSION_FAILED'],
      ['nothing', 'REFUSED', 'EXPRESSION_FAILED'],
      ['range(1e9)', 'REFUSED', 'EXPRESSION_FAILED'],
    ]);
    const atOnce = entries.slice(4, 13);
    expect(atOnce.every(([expression]) => expression === LONG)).toBe(true);
    expect(atOnce.filter(([, outcome]) => outcome === 'SUCCEEDED')).toHaveLength(8);
    expect(atOnce).toContainEqual([LONG, 'REFUSED', 'TOO_MANY_EVALUATIONS']);
    expect(entries.slice(13)).toEqual([['1 + 1', 'REFUSED', 'INVALID_STATE']]);
  });

  test('has those that were asked for where evaluation is off', async () => {
    const { app, jobId } = await openStopped(undefined, [1], { debugger: {} });
    await evaluate(app, { jobId, expression: 'item' });
    expect(await auditOf(app, jobId)).toEqual([['item', 'REFUSED', 'EVALUATION_OFF']]);
  });
});
