import SchemaBuilder from '@pothos/core';
import ComplexityPlugin from '@pothos/plugin-complexity';
import DataloaderPlugin from '@pothos/plugin-dataloader';
import ErrorsPlugin from '@pothos/plugin-errors';
import RelayPlugin, { resolveArrayConnection } from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import ValidationPlugin from '@pothos/plugin-validation';
import { GraphQLError, specifiedDirectives } from 'graphql';
import { z } from 'zod';
import { deferDirective, streamDirective } from '../../src/graphql/incremental-directives.ts';
import { latestValueChannel } from '../../src/lib/channel.ts';
import { type DomainError, NotFoundError } from '../../src/lib/domain-error.ts';

export interface TestContext {
  readonly isAdmin: boolean;
  readonly transport: string;
  /** Yoga's, of operations over HTTP. */
  readonly request?: { readonly signal: AbortSignal };
}

interface Book {
  readonly id: string;
  readonly title: string;
  readonly pages: number;
  readonly status: 'DRAFT' | 'OUT';
  readonly author: string;
  readonly price: number | null;
  readonly isSold: boolean;
}

export const BOOKS: readonly Book[] = Array.from({ length: 100 }, (_, at) => ({
  id: `book-${at}`,
  title: `Title ${at} of a book whose name is neither short nor long`,
  pages: at,
  status: at % 2 === 0 ? 'DRAFT' : 'OUT',
  author: `Author ${at}`,
  price: at % 3 === 0 ? null : at / 4,
  isSold: at % 5 === 0,
}));

/** How many subscriptions of `ticks` and `silence` are open in their source. */
export const open = { count: 0 };

/** How many values of `flood` were asked for. */
export const flood = { asked: 0 };

/** Fields named `gated` that wait, by the name of their gate: what to call to let them go on. */
export const gates = new Map<string, () => void>();

/** Whether the client has gone who asked last for what waits at a gate. */
export const asker: { signal?: AbortSignal | undefined } = {};

class Unexpected extends Error {}

const builder = new SchemaBuilder<{
  Context: TestContext;
  DefaultFieldNullability: false;
  AuthScopes: { admin: boolean; all: boolean };
  DefaultAuthStrategy: 'all';
}>({
  plugins: [
    ErrorsPlugin,
    ScopeAuthPlugin,
    RelayPlugin,
    DataloaderPlugin,
    ComplexityPlugin,
    ValidationPlugin,
  ],
  defaultFieldNullability: false,
  errors: { defaultTypes: [], directResult: true },
  scopeAuth: {
    defaultStrategy: 'all',
    authorizeOnSubscribe: true,
    authScopes: ({ isAdmin }) => ({ admin: isAdmin, all: true }),
  },
  relay: { cursorType: 'String' },
  complexity: { limit: { complexity: 5000, depth: 8, breadth: 100 } },
});

builder.queryType({});
builder.mutationType({});
builder.subscriptionType({});

const ErrorInterface = builder.interfaceRef<DomainError>('Error');
ErrorInterface.implement({
  fields: (t) => ({ message: t.exposeString('message'), code: t.exposeString('code') }),
});
builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  interfaces: [ErrorInterface],
  fields: (t) => ({ kind: t.exposeString('kind') }),
});

const BookStatus = builder.enumType('BookStatus', { values: ['DRAFT', 'OUT'] as const });

const BookNode = builder.loadableNodeRef('Book', {
  id: { resolve: ({ id }) => id },
  load: async (ids: string[]) =>
    ids.map((id) => BOOKS.find((book) => book.id === id) ?? new NotFoundError('Book', id)),
});
BookNode.implement({
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'pages' in value,
  fields: (t) => ({
    title: t.exposeString('title'),
    pages: t.exposeInt('pages'),
    status: t.field({ type: BookStatus, resolve: ({ status }) => status }),
    author: t.exposeString('author'),
    price: t.exposeFloat('price', { nullable: true }),
    isSold: t.exposeBoolean('isSold'),
    shout: t.string({
      args: { times: t.arg.int({ defaultValue: 1 }) },
      resolve: ({ title }, { times }) => title.toUpperCase() + '!'.repeat(times ?? 0),
    }),
    gated: t.string({
      args: { gate: t.arg.string({ required: true }) },
      resolve: ({ title }, { gate }) =>
        new Promise<string>((pass) => gates.set(gate, () => pass(title))),
    }),
    slowly: t.field({
      type: BookNode,
      args: { gate: t.arg.string({ required: true }) },
      resolve: (book, { gate }, { request }) => {
        asker.signal = request?.signal;
        return new Promise<Book>((pass) => gates.set(gate, () => pass(book)));
      },
    }),
    next: t.field({
      type: BookNode,
      resolve: ({ pages }) => BOOKS[(pages + 1) % BOOKS.length] as Book,
    }),
    later: t.string({ resolve: async ({ title }) => title }),
    brokenNull: t.string({ nullable: true, resolve: () => Promise.reject(new Unexpected('oh')) }),
    broken: t.string({
      resolve: () => {
        throw new Unexpected('the secret password');
      },
    }),
    path: t.stringList({
      resolve: (_book, _args, _context, info) => {
        const path: string[] = [];
        for (let at: typeof info.path | undefined = info.path; at !== undefined; at = at.prev) {
          path.unshift(String(at.key));
        }
        return path;
      },
    }),
  }),
});

const BookOrder = builder.inputType('BookOrder', {
  fields: (t) => ({ status: t.field({ type: BookStatus }) }),
});

builder.queryFields((t) => ({
  sorted: t.field({
    type: [BookNode],
    args: { by: t.arg({ type: BookOrder }) },
    resolve: (_root, { by }) => BOOKS.filter(({ status }) => status === by?.status).slice(0, 3),
  }),
  books: t.connection({
    type: BookNode,
    complexity: ({ first }) => ({ field: 1, multiplier: first ?? 20 }),
    resolve: (_root, args) => resolveArrayConnection({ args }, [...BOOKS]),
  }),
  list: t.field({ type: [BookNode], resolve: () => BOOKS.slice(0, 3) }),
  transport: t.string({ resolve: (_root, _args, { transport }) => transport }),
  maybe: t.field({
    type: BookNode,
    nullable: true,
    args: { id: t.arg.string({ required: true }) },
    resolve: (_root, { id }) => BOOKS.find((book) => book.id === id) ?? null,
  }),
  refused: t.string({
    nullable: true,
    resolve: () => {
      throw new GraphQLError('No.', { extensions: { code: 'REFUSED' } });
    },
  }),
  secret: t.string({ nullable: true, authScopes: { admin: true }, resolve: () => 'sesame' }),
  throwsText: t.string({
    nullable: true,
    resolve: () => {
      throw 'just text';
    },
  }),
  slow: t.string({
    args: { ms: t.arg.int({ required: true }) },
    resolve: (_root, { ms }) => new Promise<string>((done) => setTimeout(() => done('done'), ms)),
  }),
}));

builder.mutationFields((t) => ({
  rename: t.field({
    type: BookNode,
    errors: { types: [NotFoundError] },
    args: {
      id: t.arg.string({ required: true }),
      title: t.arg.string({ required: true, validate: z.string().min(2) }),
    },
    resolve: async (_root, { id, title }) => {
      const book = BOOKS.find((each) => each.id === id);
      if (book === undefined) throw new NotFoundError('Book', id);
      return { ...book, title };
    },
  }),
}));

builder.subscriptionFields((t) => ({
  ticks: t.int({
    args: { count: t.arg.int({ required: true }) },
    subscribe: (_root, { count }) =>
      latestValueChannel<number>((sink) => {
        open.count++;
        let at = 0;
        const timer = setInterval(() => {
          at++;
          sink.push(at);
          if (at === count) sink.end();
        }, 5);
        return () => {
          open.count--;
          clearInterval(timer);
        };
      }),
    resolve: (tick) => tick as number,
  }),
  silence: t.int({
    subscribe: () =>
      latestValueChannel<number>(() => {
        open.count++;
        return () => {
          open.count--;
        };
      }),
    resolve: () => 0,
  }),
  // As many values as are asked for, without end, one a turn of the event loop.
  flood: t.string({
    args: { length: t.arg.int({ required: true }) },
    subscribe: (_root, { length }): AsyncIterableIterator<string> => {
      open.count++;
      const text = 'x'.repeat(length);
      let isOver = false;
      return {
        async next() {
          await new Promise((resolve) => setImmediate(resolve));
          if (isOver) return { value: undefined, done: true };
          flood.asked++;
          return { value: text, done: false };
        },
        async return() {
          if (!isOver) open.count--;
          isOver = true;
          return { value: undefined, done: true };
        },
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    },
    resolve: (text) => text as string,
  }),
  brokenEvents: t.int({
    subscribe: () =>
      latestValueChannel<number>((sink) => {
        sink.push(1);
        return () => undefined;
      }),
    resolve: () => {
      throw new Unexpected('the secret password');
    },
  }),
  brokenStart: t.int({
    subscribe: () => {
      throw new Unexpected('the secret password');
    },
    resolve: () => 0,
  }),
}));

export const schema = builder.toSchema({
  directives: [...specifiedDirectives, deferDirective, streamDirective],
});
