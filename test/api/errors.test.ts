import { GraphQLError, graphql } from 'graphql';
import { describe, expect, test } from 'vitest';
import { createContext } from '../../src/graphql/context.ts';
import { presentError } from '../../src/graphql/errors.ts';
import { NotFoundError, ValidationError } from '../../src/lib/domain-error.ts';
import { GetJobDocument, JobStatusChangedDocument } from '../generated/operations.ts';
import { answer, openApp, startJob, subscribeRefusal } from './api.ts';
import { echo } from './flows.ts';

describe('presentError', () => {
  const present = (error: unknown) => {
    const reported: unknown[] = [];
    const shown = presentError(error, (thrown) => `id-${reported.push(thrown)}`);
    return { shown, reported };
  };
  const wrap = (originalError: Error, message = originalError.message) =>
    new GraphQLError(message, { originalError, path: ['jobs', 0] });

  test('keeps message, code and place of an error of the domain', () => {
    const { shown, reported } = present(wrap(new NotFoundError('Job', 'x')));
    expect(shown.toJSON()).toEqual({
      message: 'There is no Job "x".',
      path: ['jobs', 0],
      extensions: { code: 'NOT_FOUND' },
    });
    expect(reported).toEqual([]);
  });

  test('keeps the issues of a validation', () => {
    const issues = [{ path: ['a', 1], message: 'Bad.' }];
    expect(present(wrap(new ValidationError(issues))).shown.extensions).toEqual({
      code: 'VALIDATION_FAILED',
      issues,
    });
  });

  test('hides what is unexpected, and gives it an id under which it was reported', () => {
    const secret = new TypeError('password "hunter2" is wrong');
    for (const error of [wrap(secret), wrap(wrap(secret)), secret]) {
      const { shown, reported } = present(error);
      expect(JSON.stringify(shown)).not.toContain('hunter2');
      expect(shown.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', errorId: 'id-1' });
      expect(shown.message).toContain('id-1');
      expect(reported).toEqual([secret]);
    }
    expect(present('just text').reported).toEqual(['just text']);
    expect(present(undefined).shown.extensions).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
  });

  test('leaves faults of the request as they are, place included', () => {
    const plain = new GraphQLError('Syntax Error', {
      extensions: { code: 'GRAPHQL_PARSE_FAILED' },
    });
    expect(present(plain).shown).toBe(plain);
    const located = wrap(plain);
    expect(present(located).shown).toBe(located);
    expect(located.extensions).toEqual({ code: 'GRAPHQL_PARSE_FAILED' });
  });
});

describe('errors of an operation', () => {
  test('one that is not there leaves the rest of the answer whole', async () => {
    const app = await openApp({ flows: [echo()] });
    const id = await startJob(app, { flowId: 'echo' });
    const { data, errors = [] } = await graphql({
      schema: app.schema,
      contextValue: app.createContext(),
      variableValues: { id },
      source: `query ($id: ID!) {
        good: job(id: $id) { id wrong: routine(id: "nobody") { id } right: routine(id: "pass") { routineId } }
        bad: job(id: "gone") { id }
        other: flow(id: "nothing") { id }
      }`,
    });
    expect(data).toEqual({
      good: { id, wrong: null, right: { routineId: 'pass' } },
      bad: null,
      other: null,
    });
    expect(errors.map(({ path }) => path?.join('.')).toSorted()).toEqual([
      'bad',
      'good.wrong',
      'other',
    ]);
  });

  test('who may not watch gets FORBIDDEN, for queries and subscriptions', async () => {
    const app = await openApp({ flows: [echo()] });
    const context = () => createContext(app.services, { scopes: new Set(), tenant: 'default' });
    const { data, errors = [] } = await answer(app, GetJobDocument, { id: 'Job:x' }, context());
    expect(data).toEqual({ job: null });
    expect(errors.map(({ originalError }) => originalError)).toMatchObject([{ code: 'FORBIDDEN' }]);
    const variables = { jobId: null, flowId: null, maxRateHz: 1 };
    expect(
      await subscribeRefusal(app, JobStatusChangedDocument, variables, context()),
    ).toMatchObject({ code: 'FORBIDDEN' });
    expect(app.pubsub.listenerCount('jobChanged')).toBe(0);
  });

  test('wrong enum values, unknown fields and bad moments are told by name', async () => {
    const app = await openApp({ flows: [] });
    const messages = async (source: string, variableValues = {}) => {
      const contextValue = app.createContext();
      const result = await graphql({ schema: app.schema, source, variableValues, contextValue });
      return (result.errors ?? []).map(({ message }) => message).join('\n');
    };
    expect(await messages('{ jobs(filter: { statuses: [SLEEPING] }) { totalCount } }')).toContain(
      'SLEEPING',
    );
    expect(await messages('{ jobs { wrong } }')).toContain('"wrong"');
    const query = 'query ($f: JobFilter) { jobs(filter: $f) { totalCount } }';
    for (const createdAfter of ['yesterday', '2026-01-01', '2026-13-01T00:00:00Z', 5, null, {}]) {
      const told = await messages(query, { f: { createdAfter } });
      if (createdAfter === null) expect(told).toBe('');
      else expect(told).toContain('is not a DateTime');
    }
    expect(await messages(query, { f: { createdAfter: '2026-01-01T00:00:00+02:00' } })).toBe('');
  });
});
