import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { parse } from 'graphql';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import articles from '../../examples/articles/flow.ts';
import { type App, createApp } from '../../src/app.ts';
import { answer, ask, watch } from '../api/api.ts';

const DOCUMENT = join(import.meta.dirname, '../../docs/debugging.md');

/** How long it may take until something is as it is shown, in milliseconds. */
const PATIENCE_MS = 5_000;

/** What the reader of the document comes to, in order. */
interface Step {
  /** An operation, what it answers, what the subscription from before tells, or the server is stopped and started. */
  readonly kind: 'graphql' | 'json' | 'json told' | 'restart';
  readonly text: string;
  readonly line: number;
}

type Operation = TypedDocumentNode<unknown, Record<string, never>>;

/** What the names in the document, `Job:FIRST` say, stand for. */
type Names = Map<string, string>;

const NAME = /(?:Job|Breakpoint):[A-Z]+/g;

function readSteps(markdown: string): Step[] {
  const found = markdown.matchAll(
    /^```(graphql|json(?: told)?)\n([\s\S]*?)^```$|^<!-- restart -->$/gm,
  );
  return Array.from(found, ({ 1: kind = 'restart', 2: text = '', index }) => ({
    kind: kind as Step['kind'], // by the expression
    text,
    line: markdown.slice(0, index).split('\n').length,
  }));
}

/**
 * Whether an answer is the one that is shown, which may leave out fields and cut texts. New names of ids are noted;
 * moments, and durations that nobody chose, may differ.
 */
function isAsShown(shown: unknown, given: unknown, names: Names, key = ''): boolean {
  if (typeof shown === 'string' && typeof given === 'string') {
    if (shown.match(NAME)?.[0] === shown) {
      if (!names.has(shown)) names.set(shown, given);
      return names.get(shown) === given;
    }
    if (isMoment(shown)) return isMoment(given);
    return shown.endsWith('…') ? given.startsWith(shown.slice(0, -1)) : shown === given;
  }
  if (typeof shown !== 'object' || typeof given !== 'object' || shown === null || given === null) {
    return shown === given || (key === 'afterMs' && typeof given === 'number');
  }
  const parts = new Map<string, unknown>(Object.entries(given));
  return (
    (!Array.isArray(shown) || shown.length === parts.size) &&
    Object.entries(shown).every(([name, part]) => isAsShown(part, parts.get(name), names, name))
  );
}

function isMoment(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text);
}

/** Does an operation. Answers how to read what comes of it: of a query, what it answers by then, errors and all. */
async function run(app: App, text: string): Promise<() => Promise<unknown>> {
  const document: Operation = parse(text);
  if (text.startsWith('subscription')) return (await watch(app, document, {})).next;
  if (text.startsWith('mutation')) {
    const data = await ask(app, document, {});
    return async () => data;
  }
  return async () => {
    await wait(5);
    const { data, errors } = await answer(app, document, {});
    return errors === undefined ? data : { errors };
  };
}

describe('docs/debugging.md', () => {
  test('O2 O3 every operation of the walk answers what it shows', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-debugging-'));
    const open = () =>
      createApp({
        flows: [articles],
        database: `sqlite:${join(directory, 'millrace.db')}`,
        debugger: { evaluation: true },
        logger: pino({ level: 'silent' }),
      });
    let app = await open();
    onTestFinished(async () => {
      await app.close();
      await rm(directory, { recursive: true });
    });
    const names: Names = new Map();
    let read = async (): Promise<unknown> => undefined;
    let readTold = read;

    for (const { kind, text, line } of readSteps(readFileSync(DOCUMENT, 'utf8'))) {
      if (kind === 'restart') {
        await app.close();
        app = await open();
      } else if (kind === 'graphql') {
        read = await run(
          app,
          text.replace(NAME, (name) => names.get(name) ?? name),
        );
        if (text.startsWith('subscription')) readTold = read;
      } else {
        const shown: unknown = JSON.parse(text);
        const next = kind === 'json' ? read : readTold;
        let given = await next();
        const endsAt = Date.now() + PATIENCE_MS;
        while (!isAsShown(shown, given, names) && given !== undefined && Date.now() < endsAt) {
          given = await next();
        }
        if (!isAsShown(shown, given, names)) expect(given, `line ${line}`).toEqual(shown);
      }
    }
    expect(names.size).toBe(6);
  });
});
