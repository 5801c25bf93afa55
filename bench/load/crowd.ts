import type { Writable } from 'node:stream';
import { monotonicMs } from './clock.ts';
import { type Operation, RawClient } from './raw-client.ts';

/** How many clients connect at the same time. */
const CONNECT_AT_ONCE = 50;

/** How often it is told how much came, in milliseconds. */
const TELL_MS = 1;

/** What each client of a crowd connects to. */
export interface CrowdTarget {
  readonly port: number;
  /** Each client subscribes to all of them. */
  readonly operations: readonly Operation[];
}

/** Many clients of one server, and what they get. */
export class Crowd {
  readonly #target: CrowdTarget;
  readonly #acknowledgements: Writable | undefined;
  readonly #clients: RawClient[] = [];
  /** How many messages each client got, and of them how many by the last `mark`. */
  readonly #counts: number[] = [];
  #marked: readonly number[] = [];
  #total = 0;
  #totalAtMark = 0;
  #completed = 0;
  #problem: string | undefined;
  /** When messages after the mark came, in milliseconds; `#receiptsEach` of each client, one client after another. */
  #receivedAt: Float64Array | undefined;
  #receiptsEach = 0;
  #lastCursor: number | undefined;
  #isTelling = false;
  #wakeUp: () => void = () => undefined;

  /** @param acknowledgements gets, at most once a millisecond, a line that says how many messages came to all clients
   *   together */
  constructor(target: CrowdTarget, acknowledgements?: Writable) {
    this.#target = target;
    this.#acknowledgements = acknowledgements;
  }

  /** Adds clients, until there are as many as asked for. @throws when one can't subscribe */
  async growTo(size: number): Promise<void> {
    const open = async () => {
      while (this.#counts.length < size) {
        const at = this.#counts.push(0) - 1;
        this.#clients[at] = await this.#openClient(at);
      }
    };
    await Promise.all(Array.from({ length: CONNECT_AT_ONCE }, open));
  }

  /** Begins to count anew. @param receipts of how many messages of each client to note when they come */
  mark(receipts: number): void {
    this.#marked = [...this.#counts];
    this.#totalAtMark = this.#total;
    this.#receiptsEach = receipts;
    const isNoting = receipts > 0;
    this.#receivedAt = isNoting ? new Float64Array(receipts * this.#counts.length) : undefined;
  }

  /** @throws unless each client got exactly this many messages since the mark */
  check(expected: number): void {
    this.requireHealth();
    this.#counts.forEach((total, at) => {
      const count = total - (this.#marked[at] ?? 0);
      if (count === expected) return;
      throw new Error(`Subscriber ${at} got ${count} messages, not ${expected}.`);
    });
  }

  /** How long each message that was noted was under way, in milliseconds, sorted. */
  latencies(publishedAt: readonly number[]): Float64Array {
    const receivedAt = this.#receivedAt ?? new Float64Array();
    return receivedAt
      .map((at, index) => at - (publishedAt[index % this.#receiptsEach] ?? 0))
      .sort();
  }

  /** Kept when each client has got so many messages. */
  reached(messages: number): Promise<void> {
    return this.#until(() => this.#counts.every((count) => count >= messages));
  }

  /** Kept when all operations have ended. */
  ended(): Promise<void> {
    const all = this.#counts.length * this.#target.operations.length;
    return this.#until(() => this.#completed >= all);
  }

  /** How many messages came to all clients together since the mark. */
  get sinceMark(): number {
    return this.#total - this.#totalAtMark;
  }

  leave(): void {
    for (const client of this.#clients) client.leave();
  }

  #openClient(at: number): Promise<RawClient> {
    return RawClient.open({
      ...this.#target,
      onMessages: (count) => this.#count(at, count),
      onComplete: () => {
        this.#completed++;
        this.#tell();
      },
      onProblem: (problem) => {
        this.#problem ??= problem;
        this.#tell();
      },
      ...(at === 0 ? { inspect: (text: string) => this.#checkOrder(text) } : {}),
    });
  }

  #count(at: number, count: number): void {
    const sum = (this.#counts[at] ?? 0) + count;
    this.#counts[at] = sum;
    this.#total += count;
    if (this.#receivedAt !== undefined) {
      const now = monotonicMs();
      const end = Math.min(sum - (this.#marked[at] ?? 0), this.#receiptsEach);
      const from = at * this.#receiptsEach;
      for (let index = end - count; index < end; index++) this.#receivedAt[from + index] = now;
    }
    this.#tell();
  }

  /** Says how far it is, but not so often that it would count among what the server has to do. */
  #tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    setTimeout(() => {
      this.#isTelling = false;
      this.#acknowledgements?.write(`${this.#total}\n`);
      this.#wakeUp();
    }, TELL_MS);
  }

  async #until(isReached: () => boolean): Promise<void> {
    while (this.#problem === undefined && !isReached()) {
      await new Promise<void>((resolve) => {
        this.#wakeUp = resolve;
      });
    }
    this.requireHealth();
  }

  /** @throws when a client was told an error, or was closed, or got messages out of order */
  requireHealth(): void {
    if (this.#problem !== undefined) throw new Error(this.#problem);
  }

  /** Cursors that are numbers, or end in one, follow on each other. Those of Millrace say no number. */
  #checkOrder(text: string): void {
    const cursor = Number(/"cursor":"(?:[^"]*-)?(\d+)"/.exec(text)?.[1]);
    if (Number.isNaN(cursor)) return;
    if (this.#lastCursor !== undefined && cursor !== this.#lastCursor + 1) {
      this.#problem ??= `After message ${this.#lastCursor} came ${cursor}.`;
    }
    this.#lastCursor = cursor;
  }
}
