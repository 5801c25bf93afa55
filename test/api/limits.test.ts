import { readFile } from 'node:fs/promises';
import {
  type ExecutionResult,
  execute,
  getIntrospectionQuery,
  graphql,
  Kind,
  parse,
  subscribe,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import type { App, AppOptions } from '../../src/app.ts';
import type { ServerLimits } from '../../src/server/limits.ts';
import { Gate } from '../engine/parts.ts';
import { codesOf as codesToldIn, forEachTransport, TRANSPORTS } from '../server/each-transport.ts';
import { openApp, startJob, until } from './api.ts';
import { chain, waiting } from './flows.ts';

const run = (app: App, source: string, variableValues: Record<string, unknown> = {}) =>
  graphql({ schema: app.schema, source, variableValues, contextValue: app.createContext() });

const codesOf = ({ errors = [] }: ExecutionResult) =>
  errors.map(({ originalError }) => (originalError as { code?: string } | undefined)?.code);

/** `job { retryOf { retryOf { … id } } }`. */
const nested = (depth: number) =>
  `{ job(id: "x") ${'{ retryOf '.repeat(depth - 2)}{ id }${' }'.repeat(depth - 2)} }`;

describe('what an operation may cost', () => {
  test('one that is nested too deeply is refused before it runs', async () => {
    const app = await openApp({ flows: [] });
    expect(codesOf(await run(app, nested(15)))).toEqual(['NOT_FOUND']);
    const refused = await run(app, nested(16));
    expect(codesOf(refused)).toEqual(['TOO_COSTLY']);
    expect(refused.errors?.[0]?.message).toMatch(/nested too deeply.*depth 16 of 15/);
  });

  test('one with too many fields is refused, aliases and fragments counted', async () => {
    const app = await openApp({ flows: [] });
    const aliases = (count: number) =>
      `{ ${Array.from({ length: count }, (_, at) => `a${at}: server { version }`).join(' ')} }`;
    expect((await run(app, aliases(250))).errors).toBeUndefined();
    expect(new Set(codesOf(await run(app, aliases(251))))).toEqual(new Set(['TOO_COSTLY']));
    const spread = `query { ${'...F '.repeat(51)} } fragment F on Query { ${Array.from(
      { length: 5 },
      (_, at) => `s${at}: server { version }`,
    ).join(' ')} }`;
    expect(new Set(codesOf(await run(app, spread)))).toEqual(new Set(['TOO_COSTLY']));
  });

  test('the size of pages counts, in variables and in lists of ids too', async () => {
    const app = await openApp({ flows: [], limits: { complexity: 5000 } });
    const page =
      'query ($n: Int, $last: Int) { jobs(first: $n, last: $last) { nodes { id status owner } } }';
    expect((await run(app, page, { n: 1000 })).errors).toBeUndefined();
    const wide = page.replace('id', 'id flowId input metadata');
    expect(codesOf(await run(app, wide, { n: 1000 }))).toEqual(['TOO_COSTLY']);
    expect(codesOf(await run(app, wide, { last: 1000 }))).toEqual(['TOO_COSTLY']);
    expect((await run(app, wide, { n: 10 })).errors).toBeUndefined();
    const inner = `{ jobs(first: 50) { nodes { trace(first: 50) { nodes { runMs } } } } }`;
    expect(codesOf(await run(app, inner))).toEqual(['TOO_COSTLY']);
    const ids = Array.from({ length: 1000 }, () => 'Job:x');
    const nodes =
      'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Job { id status owner flowId input } } }';
    expect(codesOf(await run(app, nodes, { ids }))).toEqual(['TOO_COSTLY']);
  });

  test('a page that is too large or negative does not get round the limit', async () => {
    const app = await openApp({ flows: [] });
    for (const first of [-1, 0, 1001, 2_147_483_647]) {
      const { errors = [] } = await run(app, `{ jobs(first: ${first}) { nodes { id } } }`);
      expect(codesOf({ errors })).toEqual(['VALIDATION_FAILED']);
    }
  });

  test('a mutation that is too costly does nothing', async () => {
    const app = await openApp({ flows: [chain(1)], limits: { depth: 3 } });
    const result = await run(
      app,
      'mutation { startJob(input: { flowId: "chain" }) { ... on StartJobPayload { job { flow { id } } } } }',
    );
    expect(codesOf(result)).toEqual(['TOO_COSTLY']);
    expect(await app.jobs.count({})).toBe(0);
  });

  test('a subscription that is too costly is refused when it is subscribed to', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)], limits: { depth: 3 } });
    const { id } = await app.jobs.start({ flowId: 'waiting', input: {} });
    const document = parse(
      `subscription { jobStatusChanged(jobId: "Job:${id}") { routines { queues { job { id } } } } }`,
    );
    const contextValue = app.createContext();
    const result = await subscribe({ schema: app.schema, document, contextValue });
    expect(Symbol.asyncIterator in result).toBe(false);
    expect(codesOf(result as ExecutionResult)).toEqual(['TOO_COSTLY']);
    expect(app.pubsub.listenerCount('jobChanged')).toBe(0);
  });

  test('it tells its limits', async () => {
    const app = await openApp({ flows: [], limits: { complexity: 77 } });
    expect((await run(app, '{ server { limits { complexity depth breadth } } }')).data).toEqual({
      server: { limits: { complexity: 77, depth: 15, breadth: 500 } },
    });
  });
});

describe('what is useful is within the limits', () => {
  test('O8 introspection, as tools ask for it', async () => {
    const app = await openApp({ flows: [] });
    for (const options of [
      {},
      {
        descriptions: true,
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        schemaDescription: true,
        inputValueDeprecation: true,
        oneOf: true,
      },
    ]) {
      const { errors, data } = await run(app, getIntrospectionQuery(options));
      expect(errors).toBeUndefined();
      expect(data).toHaveProperty('__schema.types');
    }
  });

  test('the operations that the command line prints', async () => {
    const gate = new Gate();
    const app = await openApp({ flows: [waiting(gate)] });
    const id = await startJob(app, { flowId: 'waiting' });
    const routineId = app.services.flows.require('waiting').routines[0]?.id;
    const breakpoints = [{ kind: 'ROUTINE', routineId }];
    await until(() => gate.waiting === 1);
    const source = new URL('../../src/cli/operations.graphql', import.meta.url);
    const document = parse(await readFile(source, 'utf8'));
    const { schema } = app;
    for (const definition of document.definitions) {
      if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
      const variableValues = { id, jobId: id, flowId: 'waiting', breakpoints };
      const operationName = definition.name?.value ?? '';
      const contextValue = app.createContext();
      const args = { schema, document, operationName, variableValues, contextValue };
      if (definition.operation === 'subscription') {
        const stream = await subscribe(args);
        if (!(Symbol.asyncIterator in stream)) throw new AggregateError(stream.errors ?? []);
        await stream.return?.(undefined);
      } else {
        expect((await execute(args)).errors).toBeUndefined();
      }
    }
  });
});

describe('what an operation costs is told', () => {
  const serveApp = async (
    options: Partial<AppOptions> = {},
    limits: Partial<ServerLimits> = {},
  ) => {
    const app = await openApp({ flows: [], ...options });
    const { url } = await app.listen({ port: 0, limits });
    return { app, url };
  };

  const PAGE = 'query P($n: Int) { jobs(first: $n) { nodes { id status owner } } }';

  forEachTransport((send) => {
    test('O7 in each answer, by the sizes that were asked for; too costly ones are refused with all numbers', async () => {
      const { url } = await serveApp({ limits: { complexity: 5000 } });
      const costs = [];
      for (const n of [1, 10, 10, 1000, undefined]) {
        const variables = n === undefined ? {} : { n };
        const { errors, extensions } = await send(url, { query: PAGE, variables });
        expect(errors).toEqual([]);
        costs.push((extensions as { cost: unknown }).cost);
      }
      const operationLimit = 5000;
      expect(costs).toEqual(
        [5, 41, 41, 4001, 401].map((operation) => ({ operation, operationLimit })),
      );
      const query = PAGE.replace('id', 'id flowId input metadata');
      const { status = 400, errors, data } = await send(url, { query, variables: { n: 1000 } });
      expect(codesToldIn({ errors })).toEqual(['TOO_COSTLY']);
      expect(errors[0]?.message).toMatch(/"P" is too costly: cost 7001 of 5000, depth 3 of 15/);
      expect(data).toBeUndefined();
      expect([202, 400]).toContain(status);
    });

    test('O7 introspection costs what it answers', async () => {
      const { url } = await serveApp();
      const { errors, extensions } = await send(url, { query: getIntrospectionQuery() });
      expect(errors).toEqual([]);
      const { operation } = (extensions as { cost: { operation: number } }).cost;
      expect(operation).toBeGreaterThan(10_000);
      const copies = Array.from(
        { length: 90 },
        (_, at) => `a${at}: __schema { types { name kind fields { name args { name } } } }`,
      );
      const refused = await send(url, { query: `{ ${copies.join(' ')} }` });
      expect(codesToldIn(refused)).toEqual(['TOO_COSTLY']);
    });
  });

  forEachTransport(
    (send) => {
      test('O7 a subscription that is too costly is refused before it begins', async () => {
        const { app, url } = await serveApp({ limits: { depth: 3 } });
        const query =
          'subscription { jobStatusChanged(jobId: "Job:x") { routines { queues { job { id } } } } }';
        const { errors } = await send(url, { query });
        expect(codesToldIn({ errors })).toEqual(['TOO_COSTLY']);
        expect(app.pubsub.listenerCount('jobChanged')).toBe(0);
      });
    },
    ['SSE, distinct', 'SSE, single', 'WebSocket'],
  );

  test('O7 and can be asked for, with what is left', async () => {
    const query =
      '{ rateLimit { operationCost cost { limit remaining resetAt } requests { limit remaining resetAt } } }';
    const limits = { requestsPerMinute: 10, costPerMinute: 1000 };
    // 10 points for its answer, and 40 for having been validated.
    const limited = await serveApp({}, limits);
    const { errors, data, extensions } = await TRANSPORTS['HTTP POST'](limited.url, { query });
    expect(errors).toEqual([]);
    const resetAt = expect.stringMatching(/^20\d\d-.*Z$/);
    expect(data).toEqual({
      rateLimit: {
        operationCost: 10,
        cost: { limit: 1000, remaining: 950, resetAt },
        requests: { limit: 10, remaining: 9, resetAt },
      },
    });
    expect(extensions).toMatchObject({ cost: { budget: { limit: 1000 } } });
    const open = await serveApp();
    const answer = await TRANSPORTS['HTTP POST'](open.url, { query });
    expect(answer.data).toEqual({ rateLimit: null });
    expect((await run(open.app, query)).data).toEqual({ rateLimit: null });
  });
});
