import { type DocumentNode, type ExecutionResult, execute, OperationTypeNode } from 'graphql';
import { defineFlow, defineRoutine, event, type JobState, slot } from 'millrace/engine';
import { z } from 'zod';
import type { App, AppOptions } from '../../src/app.ts';
import { type Context, createContext } from '../../src/graphql/context.ts';
import { schema } from '../../src/graphql/schema.ts';
import { SCOPES, type Scope } from '../../src/lib/identity.ts';
import { newId } from '../../src/lib/ids.ts';
import { openApp } from '../api/api.ts';
import { Gate, passes } from '../engine/parts.ts';
import { wholeAnswerOf } from './whole-answer.ts';

/** How deep answers are looked into: so many steps from what a root field answers, or the elements of its list. */
const DEPTH = 2;

interface Line {
  readonly n: number;
  readonly word: string;
}

const split = defineRoutine({
  type: 'splits',
  slots: { order: slot<{ lines: number[]; word: string }>() },
  events: { line: event<Line>() },
  run: ({ order: { lines, word } }, ctx) => {
    ctx.job.data.set('word', word);
    for (const n of lines) ctx.emit('line', { n, word });
  },
});

const work = defineRoutine({
  type: 'works',
  state: () => ({ words: [] as string[] }),
  slots: { line: slot<Line>() },
  events: { done: event<Line>() },
  run: ({ line }, ctx) => {
    ctx.state.words.push(line.word);
    ctx.log.info(`Working for ${line.word}`, { line });
    ctx.progress(line.n, 3, line.word);
    if (line.n < 0) throw new RangeError(`${line.word} is negative.`);
    return ctx.emit('done', line);
  },
});

/** Flows whose jobs show the word of their input everywhere; those of `held` run until they are cancelled. */
function flowsOf(gate: Gate) {
  const orders = defineFlow(
    { id: 'orders', input: z.object({ lines: z.array(z.number()), word: z.string() }) },
    (f) => {
      const splits = f.add('split', split);
      const works = f.add('work', work);
      f.connect(f.input, splits.slots.order);
      f.connect(splits.events.line, works.slots.line);
      return { done: works.events.done };
    },
  );
  const held = defineFlow({ id: 'held' }, (f) => {
    f.connect(f.input, f.add('hold', passes<unknown>(gate.pass)).slots.item);
  });
  return [orders, held];
}

/** Ids of what a tenant has: global ones, as clients see them. */
export interface Things {
  readonly word: string;
  readonly ended: string;
  readonly failed: string;
  readonly stopped: string;
  readonly running: string;
  readonly flowBreakpoint: string;
  readonly jobBreakpoint: string;
  readonly auditEntry: string;
  /** Checked over HTTP, and UNHEALTHY. */
  readonly service: string;
  /** Reported, and in maintenance. */
  readonly agent: string;
  /** About failed jobs; and its alert, which is open. */
  readonly alertRule: string;
  readonly alert: string;
  /** A moment that is a day off. */
  readonly soon: string;
  readonly watchId: string;
  /** The activation that stopped a job, and the item it took. */
  readonly activationId: number;
  readonly itemId: string;
  /** Places in lists and streams. */
  readonly cursors: Readonly<
    Record<
      | 'jobs'
      | 'breakpoints'
      | 'auditEntries'
      | 'events'
      | 'services'
      | 'serviceTransitions'
      | 'alerts'
      | 'alertRules',
      string
    >
  >;
}

/** No server may connect to it: so what a check finds does not depend on what is there. */
export const DENIED_URL = 'http://169.254.169.254/';

/** The word that a tenant's things are full of, and nobody else's. */
export const wordOf = (tenant: string) => `${tenant}-only`;

/** As those of somebody, with ids that nothing has. */
export function unknownThings(of: Things): Things {
  const job = () => `Job:${newId()}`;
  const breakpoint = () => `Breakpoint:${newId()}`;
  return {
    ...of,
    ended: job(),
    failed: job(),
    stopped: job(),
    running: job(),
    flowBreakpoint: breakpoint(),
    jobBreakpoint: breakpoint(),
    auditEntry: `AuditEntry:${newId()}`,
    // As near to names that there are as those of somebody else: so that the same is offered instead.
    alertRule: of.alertRule.replace(/.-only/, 'z-only'),
    alert: `Alert:${newId()}`,
    service: of.service.replace(/.-only/, 'z-only'),
    agent: of.agent.replace(/.-only/, 'z-only'),
  };
}

/** An answer, with what is of no concern left out of its errors. */
export interface Answer {
  readonly data: unknown;
  readonly errors: readonly {
    readonly message: string;
    readonly path: readonly unknown[] | undefined;
    readonly code: unknown;
  }[];
}

export function readAnswer({ data = null, errors = [] }: ExecutionResult): Answer {
  return {
    data,
    errors: errors.map(({ message, path, originalError }) => ({
      message,
      path,
      code: (originalError as { code?: string } | undefined)?.code,
    })),
  };
}

const documents = new Map<string, DocumentNode>();

/** An operation that asks for all there is, down to a depth. It is made once. */
export function documentOf(
  kind: OperationTypeNode,
  field: string,
  args: object,
  depth: number,
): DocumentNode {
  const key = [kind, field, depth, ...Object.keys(args)].join();
  const made = documents.get(key) ?? wholeAnswerOf(schema, kind, field, args, depth);
  documents.set(key, made);
  return made;
}

/** An app with the jobs, breakpoints, sessions, logs and audit entries of several tenants. */
export async function openTenants(
  tenants: readonly string[] = ['acme', 'globex'],
  options: Partial<AppOptions> = {},
) {
  const gate = new Gate();
  const app = await openApp({
    flows: flowsOf(gate),
    debugger: { evaluation: true },
    engine: { maxRunningJobs: 1000, endGraceMs: 1 },
    limits: { complexity: 1e9, depth: 100, breadth: 1e6 },
    ...options,
  });
  const as = (tenant: string, scopes: readonly Scope[] = SCOPES): Context =>
    createContext(app.services, { tenant, scopes: new Set(scopes), subject: `ann of ${tenant}` });
  const ask = async (
    context: Context,
    kind: OperationTypeNode,
    field: string,
    args: Readonly<Record<string, unknown>> = {},
    depth = DEPTH,
  ): Promise<Answer> => {
    const document = documentOf(kind, field, args, depth);
    return readAnswer(
      await execute({ schema, document, variableValues: args, contextValue: context }),
    );
  };
  const things = await plant(app, gate, tenants, (tenant, kind, field, args, depth = 1) =>
    ask(as(tenant), kind, field, args, depth),
  );
  const of = (tenant: string): Things => {
    const found = things.get(tenant);
    if (found === undefined) throw new Error(`Nothing was planted for ${tenant}.`);
    return found;
  };
  return { app, as, ask, of };
}

export type Tenants = Awaited<ReturnType<typeof openTenants>>;

type Ask = (
  tenant: string,
  kind: OperationTypeNode,
  field: string,
  args: Readonly<Record<string, unknown>>,
  depth?: number,
) => Promise<Answer>;

/** What was planted for a tenant so far. */
type Planted = { -readonly [Name in keyof Things]?: Things[Name] | undefined } & Record<
  string,
  unknown
>;

interface Payload {
  readonly __typename: string;
  readonly StartJobPayload_jobId?: string;
}

/** Each step is taken for every tenant before the next, so that their things lie among each other. */
async function plant({ services }: App, gate: Gate, tenants: readonly string[], ask: Ask) {
  const planted = new Map(tenants.map((tenant) => [tenant, {} as Planted]));
  const mutate = async (tenant: string, field: string, input: object) => {
    const { data, errors } = await ask(tenant, OperationTypeNode.MUTATION, field, { input });
    const answer = (data as Record<string, Payload> | null)?.[field];
    const name = `${field.charAt(0).toUpperCase()}${field.slice(1)}Payload`;
    if (answer?.__typename === name) return answer;
    throw new Error(`${field} of ${tenant}: ${JSON.stringify([answer, errors])}`);
  };
  /** Starts a job and waits until it is in the state; what others do falls before or after. */
  const start = async (tenant: string, state: JobState, input: object) => {
    const before = gate.waiting;
    const id = (await mutate(tenant, 'startJob', input)).StartJobPayload_jobId ?? '';
    const { jobs } = createContext(services, { tenant, scopes: new Set() });
    const isThere = async () => {
      if ((await jobs.require(id.slice(4))).state !== state) return false;
      if (state === 'RUNNING') return gate.waiting > before;
      return state !== 'PAUSED' || (await services.describeCheckpoints([id.slice(4)]))[0];
    };
    while (!(await isThere())) await new Promise((keep) => setImmediate(keep));
    return id;
  };
  const order = (tenant: string, lines: readonly number[]) => ({
    flowId: 'orders',
    input: { lines, word: wordOf(tenant) },
    metadata: { team: wordOf(tenant) },
    owner: wordOf(tenant),
  });
  const condition = (tenant: string) => `line.word == "${wordOf(tenant)}"`;
  const place = { kind: 'SLOT', routineId: 'work', slot: 'line' };
  const steps: Record<string, (tenant: string, has: Planted) => Promise<unknown>> = {
    word: async (tenant) => wordOf(tenant),
    flowBreakpoint: async (tenant) => {
      const logMessage = `${wordOf(tenant)} saw {line.n}`;
      const input = { flowId: 'orders', ...place, logMessage, idempotencyKey: 'same key' };
      const payload = await mutate(tenant, 'addBreakpoint', input);
      return idIn(payload, 'Breakpoint');
    },
    ended: (tenant) =>
      start(tenant, 'COMPLETED', { ...order(tenant, [1, 2]), idempotencyKey: 'same key' }),
    failed: (tenant) => start(tenant, 'FAILED', order(tenant, [-1])),
    stopped: (tenant) =>
      start(tenant, 'PAUSED', {
        ...order(tenant, [1, 2, 3]),
        debug: { breakpoints: [{ ...place, condition: condition(tenant) }] },
      }),
    running: (tenant) =>
      start(tenant, 'RUNNING', { flowId: 'held', input: wordOf(tenant), owner: wordOf(tenant) }),
    watchId: async (tenant, { stopped }) => {
      const input = { jobId: stopped, expression: 'line.word' };
      return find(await mutate(tenant, 'addWatch', input), 'Watch_watchId');
    },
    refusal: (tenant) =>
      ask(tenant, OperationTypeNode.MUTATION, 'cancelJob', {
        input: { jobId: `Job:${wordOf(tenant)}` },
      }),
    jobBreakpoint: async (tenant, { stopped }) => {
      const args = { filter: { jobId: stopped, isOfFlow: false } };
      return idIn(await ask(tenant, OperationTypeNode.QUERY, 'breakpoints', args), 'Breakpoint');
    },
    activationId: async (tenant, has) => {
      const args = { jobId: has.stopped };
      const session = await ask(tenant, OperationTypeNode.QUERY, 'debugSession', args, 3);
      has.itemId = String(find(session, 'DebugItem_itemId'));
      return find(session, 'DebugFrame_activationId');
    },
    soon: async () => new Date(services.now() + 86_400_000).toISOString(),
    service: async (tenant) => {
      const name = wordOf(tenant);
      await mutate(tenant, 'addService', {
        name,
        url: DENIED_URL,
        description: `Is there for ${name}`,
        headers: [{ name: 'Accept', value: name }],
        intervalMs: 86_400_000,
        extendedInterval: true,
        failureThreshold: 1,
        idempotencyKey: 'same key',
      });
      await mutate(tenant, 'checkServiceNow', { serviceId: name });
      return `Service:${name}`;
    },
    agent: async (tenant, { soon }) => {
      const name = wordOf(tenant);
      const report = { name, health: 'degraded', message: name, details: { word: name } };
      await mutate(tenant, 'reportAgentStatus', report);
      const serviceId = `Service:agent:${name}`;
      await mutate(tenant, 'startMaintenance', { serviceId, until: soon, reason: name });
      return serviceId;
    },
    alertRule: async (tenant) => {
      const name = wordOf(tenant);
      const rule = { name, kind: 'JOB_FAILURES', flowId: 'orders', windowMs: 86_400_000 };
      await mutate(tenant, 'addAlertRule', { ...rule, idempotencyKey: 'same key' });
      return `AlertRule:${name}`;
    },
    alert: async (tenant) =>
      idIn(await ask(tenant, OperationTypeNode.QUERY, 'alerts', {}), 'Alert'),
    auditEntry: async (tenant) =>
      idIn(await ask(tenant, OperationTypeNode.QUERY, 'auditEntries', {}), 'AuditEntry'),
    cursors: async (tenant) => {
      const cursorOf = async (field: string) =>
        find(await ask(tenant, OperationTypeNode.QUERY, field, {}, 0), 'PageInfo_startCursor');
      const events = await ask(tenant, OperationTypeNode.QUERY, 'jobEventsCursor', {});
      return {
        jobs: await cursorOf('jobs'),
        breakpoints: await cursorOf('breakpoints'),
        auditEntries: await cursorOf('auditEntries'),
        services: await cursorOf('services'),
        alerts: await cursorOf('alerts'),
        alertRules: await cursorOf('alertRules'),
        serviceTransitions: await cursorOf('serviceTransitions'),
        events: find(events, 'jobEventsCursor'),
      };
    },
  };
  for (const [name, step] of Object.entries(steps)) {
    for (const [tenant, has] of planted) has[name] = await step(tenant, has);
  }
  return planted as unknown as ReadonlyMap<string, Things>; // all of these were made above
}

/** The first value under a key, wherever it is. */
function find(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    const found = name === key ? inner : find(inner, key);
    if (found !== undefined && found !== null) return found;
  }
  return undefined;
}

/** The first id of a type of node. */
function idIn(value: unknown, type: string): string | undefined {
  return new RegExp(`"(${type}:[^"]+)"`).exec(JSON.stringify(value))?.[1];
}
