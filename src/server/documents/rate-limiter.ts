import { clientName } from '../identity/clients.ts';
import type { ConnectionInfo } from '../server.ts';

/** How much one client may ask for in a minute; 0 for any amount. */
export interface RateLimits {
  readonly requestsPerMinute: number;
  readonly costPerMinute: number;
  /** How much of the cost may be spent at once. Default: all of a minute's. */
  readonly costAtOnce?: number;
}

/** What a client has left of something. */
export interface Budget {
  /** The most it ever has. What was used comes back evenly. */
  readonly limit: number;
  /** Not below 0. */
  readonly remaining: number;
  /** When all of it is back, if nothing more is asked, in milliseconds since the Unix epoch. */
  readonly resetAt: number;
}

/** What a client has left; `undefined` for what is not limited. */
export interface RateReading {
  readonly requests: Budget | undefined;
  readonly cost: Budget | undefined;
}

type Kind = keyof RateReading;

/** How an account fills up. */
interface Supply {
  /** 0 where nothing is limited. */
  readonly perMinute: number;
  /** The most there ever is. */
  readonly atOnce: number;
}

/** What one client had left at a moment. */
interface Account {
  requests: number;
  cost: number;
  atMs: number;
}

const MINUTE_MS = 60_000;

/** So many clients are remembered: about 20 MB. Of more, those who have asked for nothing for longest begin anew. */
const MOST_CLIENTS = 100_000;

/**
 * Limits how often each client asks and what that costs. Each client ({@link clientName}) has an account of requests
 * and one of cost that fill up evenly. To ask is one look-up in a map, with no promise and no timer.
 */
export class RateLimiter {
  readonly #supplies: Readonly<Record<Kind, Supply>>;
  readonly #now: () => number;
  /** Who asked last is last. */
  readonly #accounts = new Map<string, Account>();

  /** @param now milliseconds since the Unix epoch; never goes back */
  constructor(limits: RateLimits, now = monotonicNow) {
    const { requestsPerMinute, costPerMinute, costAtOnce = costPerMinute } = limits;
    this.#supplies = {
      requests: { perMinute: requestsPerMinute, atOnce: requestsPerMinute },
      cost: { perMinute: costPerMinute, atOnce: Math.min(costAtOnce, costPerMinute) },
    };
    this.#now = now;
  }

  /** How many clients are remembered. */
  get size(): number {
    return this.#accounts.size;
  }

  /** Whether there is any limit. */
  get isOn(): boolean {
    return this.#supplies.requests.perMinute > 0 || this.#supplies.cost.perMinute > 0;
  }

  /**
   * Takes something from a client's account. What costs more than an account ever has is allowed when it is full, and leaves
   * a debt.
   * @returns `undefined`, or, when there is not enough and nothing was taken, after how many milliseconds there will be
   */
  take(client: ConnectionInfo, kind: Kind, amount: number): number | undefined {
    const { perMinute, atOnce } = this.#supplies[kind];
    if (perMinute === 0) return undefined;
    const account = this.#accountOf(clientName(client));
    const missing = Math.min(amount, atOnce) - account[kind];
    if (missing > 0) return Math.ceil((missing * MINUTE_MS) / perMinute);
    account[kind] -= amount;
    return undefined;
  }

  /** What a client has left. */
  read(client: ConnectionInfo): RateReading {
    const account = this.#accountOf(clientName(client));
    const show = (kind: Kind): Budget | undefined => {
      const { perMinute, atOnce: limit } = this.#supplies[kind];
      if (perMinute === 0) return undefined;
      const resetAt = Math.ceil(account.atMs + ((limit - account[kind]) * MINUTE_MS) / perMinute);
      return { limit, remaining: Math.max(0, Math.floor(account[kind])), resetAt };
    };
    return { requests: show('requests'), cost: show('cost') };
  }

  #accountOf(name: string): Account {
    const nowMs = this.#now();
    const { requests, cost } = this.#supplies;
    const known = this.#accounts.get(name);
    if (known === undefined) {
      const made = { requests: requests.atOnce, cost: cost.atOnce, atMs: nowMs };
      this.#accounts.set(name, made);
      if (this.#accounts.size > MOST_CLIENTS) {
        for (const oldest of this.#accounts.keys()) {
          this.#accounts.delete(oldest);
          break;
        }
      }
      return made;
    }
    const minutes = (nowMs - known.atMs) / MINUTE_MS;
    known.requests = Math.min(requests.atOnce, known.requests + requests.perMinute * minutes);
    known.cost = Math.min(cost.atOnce, known.cost + cost.perMinute * minutes);
    known.atMs = nowMs;
    this.#accounts.delete(name);
    this.#accounts.set(name, known);
    return known;
  }
}

function monotonicNow(): number {
  return performance.timeOrigin + performance.now();
}
