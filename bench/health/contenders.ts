import { Pool } from 'undici';
import { BODY } from './answer.ts';
import { watchServices } from './watched-services.ts';

/** So many checks are under way at any time. */
export const CONCURRENCY = 50;

/** A way to check an endpoint. */
export interface Checker {
  /** Checks once. @param lane which of those that run side by side it is. @throws when the answer is not what it must be */
  check(lane: number): Promise<unknown>;
  close(): Promise<void>;
}

const CHECK_LIMIT_MS = 5_000;

function requireAnswer(status: number, text: string): void {
  if (status !== 200 || text !== BODY) throw new Error(`Answered ${status} with ${text}`);
}

function createPool(origin: string): Pool {
  return new Pool(origin, { connections: CONCURRENCY });
}

/** Those that are compared, by name. */
export const CONTENDERS = {
  'Pool.request, body dumped': (origin) => {
    const pool = createPool(origin);
    return {
      async check() {
        const { statusCode, body } = await pool.request({ path: '/', method: 'GET' });
        await body.dump();
        requireAnswer(statusCode, BODY);
      },
      close: () => pool.close(),
    };
  },
  'Pool.request + text': (origin) => {
    const pool = createPool(origin);
    return {
      async check() {
        const { statusCode, body } = await pool.request({ path: '/', method: 'GET' });
        requireAnswer(statusCode, await body.text());
      },
      close: () => pool.close(),
    };
  },
  'Pool.request + text, AbortSignal.timeout': (origin) => {
    const pool = createPool(origin);
    return {
      async check() {
        const signal = AbortSignal.timeout(CHECK_LIMIT_MS);
        const { statusCode, body } = await pool.request({ path: '/', method: 'GET', signal });
        requireAnswer(statusCode, await body.text());
      },
      close: () => pool.close(),
    };
  },
  fetch: (origin) => ({
    async check() {
      const response = await fetch(`${origin}/`);
      requireAnswer(response.status, await response.text());
    },
    close: async () => undefined, // its connections close by themselves
  }),
  Millrace: (origin) => watchServices(origin, CONCURRENCY, {}),
  'Millrace, conditions': (origin) =>
    watchServices(origin, CONCURRENCY, {
      conditions: ['body.status == "ok"', 'status == 200'],
      degradedAboveMs: 1000,
    }),
} satisfies Readonly<Record<string, (origin: string) => Checker | Promise<Checker>>>;

export type ContenderName = keyof typeof CONTENDERS;
