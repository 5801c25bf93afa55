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
import type { App } from '../../src/app.ts';
import { Gate } from '../engine/parts.ts';
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
