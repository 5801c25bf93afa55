import type { ServerResponse } from 'node:http';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { isAsyncIterable } from 'graphql-yoga';
import type { PreparedOperation } from '../documents/prepare-operation.ts';
import { showResult } from '../documents/show-result.ts';

/** Browsers and proxies take a stream that says nothing for dead. */
const KEEP_ALIVE_MS = 12_000;

/**
 * A stream that several operations share. Its states:
 *
 * - *reserved*, when it is made: operations may begin; what they have to say waits. If it is not opened in time it is closed.
 * - *open*: what the operations say is written to the response. An operation is asked for its next result when there
 *   is room for it, so one result of each waits here at most, and a reader that stops reading stops the operations.
 * - *closed*, when the response is closed, from either side, or by `close`: the operations have ended.
 */
type State =
  | { readonly kind: 'reserved'; readonly expiry: NodeJS.Timeout }
  | { readonly kind: 'open'; readonly response: ServerResponse; readonly alive: NodeJS.Timeout }
  | { readonly kind: 'closed' };

/** What goes on in a stream. It is among the stream's until it ends or is stopped. */
interface Operation {
  /** Set as soon as there is something to leave. */
  results?: AsyncIterator<ExecutionResult>;
}

/** An operation that has its place in a stream and is being prepared. */
export interface SseOperation {
  /** Runs it to its end. Never fails; does nothing when it was stopped meanwhile. */
  run(perform: PreparedOperation['perform']): Promise<void>;
  /** Gives the place back. `last` is said in place of what waits to be written. */
  stop(last?: ExecutionResult): void;
}

/** See {@link State}. */
export class SseStream {
  readonly #operations = new Map<string, Operation>();
  readonly #maskError: (error: unknown, message: string) => Error;
  readonly #onClosed: () => void;
  /** Those who wait for room to write, in the order they came. */
  #waiting: (() => void)[] = [];
  #state: State;

  /** @param onClosed is called once, when it is closed in whatever way */
  constructor(
    reservedMs: number,
    maskError: (error: unknown, message: string) => Error,
    onClosed: () => void,
  ) {
    this.#maskError = maskError;
    this.#onClosed = onClosed;
    this.#state = { kind: 'reserved', expiry: setTimeout(() => this.close(), reservedMs).unref() };
  }

  get state(): State['kind'] {
    return this.#state.kind;
  }

  /** How many operations go on. */
  get size(): number {
    return this.#operations.size;
  }

  /** Whether an operation of this id goes on. */
  has(id: string): boolean {
    return this.#operations.has(id);
  }

  /** Writes to this response from now on. Only while it is reserved. */
  open(response: ServerResponse): void {
    if (this.#state.kind !== 'reserved') throw new Error('The stream is not reserved.');
    clearTimeout(this.#state.expiry);
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    });
    response.write(':\n\n'); // some browsers wait for a first byte
    const alive = setInterval(() => {
      if (!response.writableNeedDrain) response.write(':\n\n');
    }, KEEP_ALIVE_MS);
    this.#state = { kind: 'open', response, alive };
    response.on('drain', () => this.#wake());
    response.once('close', () => this.close());
    this.#wake();
  }

  /** Begins an operation. Only when no other has the id, and not when it is closed. */
  take(id: string): SseOperation {
    const operation: Operation = {};
    this.#operations.set(id, operation);
    const isOver = () => this.#operations.get(id) !== operation;
    return {
      run: (perform) => this.#run(id, operation, isOver, perform),
      stop: (last) => {
        if (isOver()) return;
        this.stop(id);
        if (last !== undefined && this.#state.kind !== 'closed') {
          void this.take(id).run(async () => last);
        }
      },
    };
  }

  /** Ends an operation; its source is left at once. Nothing more is said of it. */
  stop(id: string): void {
    const operation = this.#operations.get(id);
    this.#operations.delete(id);
    operation?.results?.return?.().catch(() => undefined); // who leaves does not care how it went
    this.#wake(); // it may be waiting for room
  }

  /** Ends all operations, and the response. */
  close(): void {
    const state = this.#state;
    if (state.kind === 'closed') return;
    this.#state = { kind: 'closed' };
    for (const id of [...this.#operations.keys()]) this.stop(id);
    if (state.kind === 'reserved') clearTimeout(state.expiry);
    else {
      clearInterval(state.alive);
      state.response.destroy();
    }
    this.#onClosed();
  }

  async #run(
    id: string,
    operation: Operation,
    isOver: () => boolean,
    perform: PreparedOperation['perform'],
  ): Promise<void> {
    if (isOver()) return;
    try {
      const result = await perform();
      if (isAsyncIterable(result)) {
        const results = result[Symbol.asyncIterator]();
        if (isOver()) return void (await results.return?.());
        operation.results = results;
        for (;;) {
          const next = await results.next();
          if (isOver() || next.done === true) break;
          await this.#say(isOver, 'next', { id, payload: showResult(next.value) });
        }
      } else await this.#say(isOver, 'next', { id, payload: showResult(result) });
    } catch (error) {
      const masked = this.#maskError(error, 'Unexpected error.');
      const shown = masked instanceof GraphQLError ? masked : new GraphQLError(masked.message);
      await this.#say(isOver, 'next', { id, payload: showResult({ errors: [shown] }) });
    }
    await this.#say(isOver, 'complete', { id });
    if (!isOver()) this.#operations.delete(id);
  }

  /** Writes a message as soon as there is room, unless the operation is over before. */
  async #say(isOver: () => boolean, event: 'next' | 'complete', data: object): Promise<void> {
    for (;;) {
      if (isOver()) return;
      if (this.#state.kind === 'open' && !this.#state.response.writableNeedDrain) {
        this.#state.response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
        return;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
