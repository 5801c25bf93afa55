import {
  GraphQLBoolean,
  GraphQLError,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
} from 'graphql';
import type { LiveStream } from '../../src/lib/live-stream.ts';
import { type StateSink, stateStream } from '../../src/lib/state-stream.ts';

/** Something that was told to all. Its place is its number. */
interface News {
  readonly number: number;
  readonly text: string;
}

export interface SharedContext {
  readonly isAdmin: boolean;
}

/** News that are remembered for ever, and levels of which only the newest counts. */
export class Board {
  readonly #told: News[] = [];
  readonly #wake = new Set<() => void>();
  readonly #levelSinks = new Set<StateSink<readonly [string, number]>>();
  readonly #levels = new Map<string, number>();
  #levelChanges = 0;
  /** How often a message was worked out. */
  executions = 0;
  /** Streams that are open. */
  streams = 0;
  /** How often somebody has subscribed. */
  subscribed = 0;

  get told(): number {
    return this.#told.length;
  }

  tell(...texts: readonly string[]): void {
    for (const text of texts) this.#told.push({ number: this.#told.length + 1, text });
    for (const wake of [...this.#wake]) wake();
  }

  setLevel(name: string, level: number): void {
    this.#levels.set(name, level);
    this.#levelChanges++;
    for (const sink of [...this.#levelSinks]) sink.push([name, level], this.#levelChanges);
  }

  /** The news after a place. */
  news(begin: number): LiveStream<News> {
    let place = begin;
    let isOpen = true;
    let reader: (() => void) | undefined;
    this.streams++;
    const wake = () => reader?.();
    this.#wake.add(wake);
    const fork = () => this.news(place);
    const caughtUpAt = () => (place >= this.#told.length ? this.#told.length : undefined);
    return {
      kind: 'events',
      topic: 'news',
      get place() {
        return place;
      },
      caughtUpAt,
      fork,
      takeWaiting: (most) => {
        const waiting = this.#told.slice(place, place + most);
        const end = waiting.findIndex(({ text }) => text === 'BREAK');
        const taken = end < 0 ? waiting : waiting.slice(0, end);
        place += taken.length;
        return taken.map((value) => ({ value, place: value.number }));
      },
      fallBehind: () => ({ number: place, text: 'FELL BEHIND' }),
      next: async () => {
        while (isOpen && this.#told[place] === undefined) {
          await new Promise<void>((keep) => {
            reader = keep;
          });
        }
        const value = this.#told[place];
        if (!isOpen || value === undefined) return { value: undefined, done: true };
        if (value.text === 'BREAK') throw new Error('the secret password');
        place++;
        return { value, done: false };
      },
      return: async () => {
        if (isOpen) this.streams--;
        isOpen = false;
        this.#wake.delete(wake);
        reader?.();
        return { value: undefined, done: true };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** The levels as they are, then as they change. */
  levels(): LiveStream<readonly [string, number]> {
    const stream = stateStream<readonly [string, number]>({
      topic: 'levels',
      keyOf: ([name]) => name,
      listen: (sink) => {
        this.streams++;
        this.#levelSinks.add(sink);
        return () => {
          this.streams--;
          this.#levelSinks.delete(sink);
        };
      },
      placeNow: () => this.#levelChanges,
    });
    stream.begin([...this.#levels]);
    return stream;
  }
}

/** An API of a board. `pad` is as long as is asked for; `secret` is for admins. */
export function makeSharedSchema(board: Board): GraphQLSchema {
  const NewsType = new GraphQLObjectType<News, SharedContext>({
    name: 'News',
    fields: {
      number: { type: new GraphQLNonNull(GraphQLInt) },
      text: { type: new GraphQLNonNull(GraphQLString) },
      pad: {
        type: GraphQLString,
        args: { length: { type: new GraphQLNonNull(GraphQLInt) } },
        resolve: (_news, { length }) => 'x'.repeat(Number(length)),
      },
      secret: {
        type: GraphQLString,
        resolve: (_news, _args, { isAdmin }) => {
          if (isAdmin) return 'sesame';
          throw new GraphQLError('For admins only.');
        },
      },
      isAdmin: { type: GraphQLBoolean, resolve: (_news, _args, { isAdmin }) => isAdmin },
    },
  });
  const count = <T>(value: T): T => {
    board.executions++;
    return value;
  };
  return new GraphQLSchema({
    query: new GraphQLObjectType({
      name: 'Query',
      fields: { told: { type: GraphQLInt, resolve: () => board.told } },
    }),
    subscription: new GraphQLObjectType<News, SharedContext>({
      name: 'Subscription',
      fields: {
        news: {
          type: NewsType,
          args: { after: { type: GraphQLInt } },
          subscribe: (_root, { after }) => {
            board.subscribed++;
            return board.news(Number(after ?? board.told));
          },
          resolve: (news) => count(news),
        },
        levels: {
          type: new GraphQLList(GraphQLString),
          args: { pad: { type: GraphQLInt, defaultValue: 0 } },
          subscribe: () => {
            board.subscribed++;
            return board.levels();
          },
          resolve: (level: unknown, { pad }) => count([...(level as string[]), 'x'.repeat(pad)]),
        },
      },
    }),
  });
}
