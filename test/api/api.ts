import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { type ExecutionResult, execute, subscribe } from 'graphql';
import { pino } from 'pino';
import { expect, onTestFinished } from 'vitest';
import { type App, type AppOptions, createApp } from '../../src/app.ts';
import type { Context } from '../../src/graphql/context.ts';
import { GetJobDocument, StartJobDocument, type StartJobInput } from '../generated/operations.ts';
import { ManualClock, settle, until } from '../support/manual-clock.ts';

const TOPICS = [
  'jobChanged',
  'jobEvent',
  'debugChanged',
  'serviceChanged',
  'clusterChanged',
  'alertChanged',
] as const;

/**
 * A running system that ends with the test, and must leave no listener and, with a manual clock, no timer behind.
 * Code that is still running is not waited for.
 */
export async function openApp(options: AppOptions): Promise<App> {
  const { clock, engine = { endGraceMs: 1 }, closeGraceMs = 1 } = options;
  const logger = pino({ level: 'silent' });
  const app = await createApp({ logger, ...options, engine, closeGraceMs });
  onTestFinished(async () => {
    const closed = app.close();
    if (clock instanceof ManualClock) await clock.advance(60_000);
    await closed;
    await settle();
    const listened = TOPICS.filter((topic) => app.pubsub.listenerCount(topic) > 0);
    expect(listened).toEqual([]);
    if (clock instanceof ManualClock) expect(clock.timers).toBe(0);
  });
  return app;
}

/** What an operation answers, errors and all. */
export async function answer<Data, Variables extends Record<string, unknown>>(
  app: App,
  document: TypedDocumentNode<Data, Variables>,
  variableValues: Variables,
  contextValue: Context = app.createContext(),
): Promise<ExecutionResult<Data>> {
  const { schema } = app;
  // The document says what its data look like.
  return (await execute({
    schema,
    document,
    variableValues,
    contextValue,
  })) as ExecutionResult<Data>;
}

/** The data of an operation that has no errors. */
export async function ask<Data, Variables extends Record<string, unknown>>(
  app: App,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const { data, errors } = await answer(app, document, variables);
  expect(errors).toBeUndefined();
  if (data === undefined || data === null) throw new Error('No data.');
  return data;
}

/** The code and message of the one error of an operation. */
export async function refusal<Data, Variables extends Record<string, unknown>>(
  app: App,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
) {
  const { errors = [] } = await answer(app, document, variables);
  expect(errors).toHaveLength(1);
  const [error] = errors;
  const original = error?.originalError as { code?: string; issues?: unknown } | undefined;
  return { code: original?.code, message: error?.message, issues: original?.issues };
}

/** A subscription as its client sees it. It is left when the test ends. */
export interface Watch<Data> {
  /** The next message; `undefined` at the end of the stream. */
  next(): Promise<Data | undefined>;
  /** All messages up to the end of the stream. */
  rest(): Promise<Data[]>;
  /** Messages until one that is as wanted, that one included. */
  nextUntil(isWanted: (data: Data) => boolean): Promise<Data[]>;
  leave(): Promise<void>;
}

export async function watch<Data, Variables extends Record<string, unknown>>(
  app: App,
  document: TypedDocumentNode<Data, Variables>,
  variableValues: Variables,
): Promise<Watch<Data>> {
  const contextValue = app.createContext();
  const source = await subscribe({ schema: app.schema, document, variableValues, contextValue });
  if (!(Symbol.asyncIterator in source)) throw new AggregateError(source.errors ?? [], 'Refused.');
  const next = async () => {
    const { done, value } = await source.next();
    if (done === true) return undefined;
    expect(value.errors).toBeUndefined();
    return value.data as Data; // the document says so
  };
  const leave = async () => void (await source.return?.(undefined));
  onTestFinished(leave);
  return {
    next,
    leave,
    async rest() {
      const all: Data[] = [];
      for (let data = await next(); data !== undefined; data = await next()) all.push(data);
      return all;
    },
    async nextUntil(isWanted) {
      const all: Data[] = [];
      for (let data = await next(); data !== undefined; data = await next()) {
        all.push(data);
        if (isWanted(data)) return all;
      }
      throw new Error('The stream ended before the message that was waited for.');
    },
  };
}

/** The error that a subscription is refused with, before its first message. */
export async function subscribeRefusal<Data, Variables extends Record<string, unknown>>(
  app: App,
  document: TypedDocumentNode<Data, Variables>,
  variableValues: Variables,
  contextValue: Context = app.createContext(),
) {
  const result = await subscribe({ schema: app.schema, document, variableValues, contextValue });
  if (Symbol.asyncIterator in result) {
    await result.return?.(undefined);
    throw new Error('It was not refused.');
  }
  const [error] = result.errors ?? [];
  const original = error?.originalError as { code?: string } | undefined;
  return { code: original?.code, message: error?.message };
}

/** Starts a job through the API, and answers its id. */
export async function startJob(app: App, input: StartJobInput): Promise<string> {
  const { startJob: result } = await ask(app, StartJobDocument, { input });
  if (result.__typename !== 'StartJobPayload') throw new Error(JSON.stringify(result));
  return result.job.id;
}

export async function jobOf(app: App, id: string) {
  const { job } = await ask(app, GetJobDocument, { id });
  if (job === null || job === undefined) throw new Error(`No job ${id}.`);
  return job;
}

/** Waits until a job has ended; does not ask the API, so that waiting disturbs nothing. */
export async function ended(app: App, id: string): Promise<void> {
  await inState(app, id, 'COMPLETED', 'FAILED', 'CANCELLED');
}

export async function inState(app: App, id: string, ...states: string[]): Promise<void> {
  let state = '';
  const jobId = id.replace('Job:', '');
  for (;;) {
    state = (await app.jobs.require(jobId)).state;
    if (states.includes(state)) return;
    await new Promise((keep) => setImmediate(keep));
  }
}

export { until };
