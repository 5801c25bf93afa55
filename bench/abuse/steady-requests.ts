import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { monotonicMs } from '../load/clock.ts';
import { Tally } from './tally.ts';

/** Enough that no request has to wait for another of its own. */
const CONNECTIONS = 500;
/** A request that takes longer has failed, in milliseconds. */
const LIMIT_MS = 10_000;

export interface SteadyTarget {
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What answers have to have in them. */
  readonly expected: string;
}

/**
 * Asks the same again and again at a steady rate, over connections that stay open. A time counts from when the request was
 * due, so that those count in full that had to wait for others.
 */
export class SteadyRequests {
  readonly #target: SteadyTarget;
  readonly #everyMs: number;
  readonly #pool: Pool;
  readonly #asking = new Set<Promise<void>>();
  #timesMs: number[] = [];
  #failures = new Tally();
  #isOver = false;
  #sending: Promise<void> = Promise.resolve();

  constructor(target: SteadyTarget, everyMs: number) {
    this.#target = target;
    this.#everyMs = everyMs;
    this.#pool = new Pool(`http://127.0.0.1:${target.port}`, {
      connections: CONNECTIONS,
      headersTimeout: LIMIT_MS,
      bodyTimeout: LIMIT_MS,
    });
  }

  begin(): void {
    this.#timesMs = [];
    this.#failures = new Tally();
    this.#isOver = false;
    this.#sending = this.#send();
  }

  /** Kept when the last answer is there: how long each took, in milliseconds, and why requests failed. */
  async end() {
    this.#isOver = true;
    await this.#sending;
    await Promise.all(this.#asking);
    return { timesMs: this.#timesMs, failures: this.#failures.counts };
  }

  async #send(): Promise<void> {
    let dueMs = monotonicMs();
    while (!this.#isOver) {
      const asked = this.#ask(dueMs).finally(() => this.#asking.delete(asked));
      this.#asking.add(asked);
      dueMs += this.#everyMs;
      await sleep(Math.max(0, dueMs - monotonicMs()));
    }
  }

  async #ask(dueMs: number): Promise<void> {
    const { headers, body, expected } = this.#target;
    try {
      const answer = await this.#pool.request({ path: '/graphql', method: 'POST', headers, body });
      const text = await answer.body.text();
      if (answer.statusCode === 200 && text.includes(expected)) {
        this.#timesMs.push(monotonicMs() - dueMs);
      } else this.#failures.count(`${answer.statusCode} ${text.slice(0, 200)}`);
    } catch (error) {
      this.#failures.count(String(error));
    }
  }
}
