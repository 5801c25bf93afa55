import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { presentError } from '../../src/graphql/errors.ts';
import { createServer } from '../../src/server/create-server.ts';
import type { ServerOptions } from '../../src/server/server.ts';
import { schema } from './test-api.ts';

export interface Answer {
  readonly status: number;
  readonly type: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answered, for a test to look into
  readonly body: any;
}

/** A line of the log. */
export interface Logged {
  readonly level: number;
  readonly msg: string;
  readonly errorId?: string;
  readonly requestId?: string;
  readonly method?: string;
  readonly path?: string;
  readonly status?: number;
  readonly code?: string;
  readonly transport?: string;
  readonly address?: string;
  readonly operationName?: string;
  readonly operationType?: string;
  readonly outcome?: string;
  readonly errorIds?: readonly string[];
  readonly variables?: unknown;
}

/** Level of the log, as pino writes it. */
const INFO = 30;

/** Starts a server of the test API on a free port, until the test has finished. */
export async function serve(options: Partial<ServerOptions> = {}) {
  /** Of faults. */
  const logged: Logged[] = [];
  /** Of requests and operations that are over. */
  const lines: Logged[] = [];
  const write = (text: string) => {
    const line: Logged = JSON.parse(text);
    (line.level > INFO ? logged : lines).push(line);
  };
  const logger = pino({ level: 'info' }, { write });
  const report = (error: unknown) => {
    const errorId = `error-${logged.length + 1}`;
    logger.error({ err: error, errorId }, 'unexpected');
    return errorId;
  };
  const server = createServer({
    schema,
    createContext: ({ transport, connectionParams: { token } }) => ({
      isAdmin: token === 'admin',
      transport,
    }),
    logger,
    maskError: (error) => presentError(error, report),
    ...options,
  });
  const { url, port } = await server.listen({ port: 0 });
  onTestFinished(() => server.close());

  const send = async (init: RequestInit, path = '/graphql'): Promise<Answer> => {
    const response = await fetch(new URL(path, url), { redirect: 'manual', ...init });
    const text = await response.text();
    const type = response.headers.get('content-type');
    return {
      status: response.status,
      type,
      body: type?.includes('json') === true ? JSON.parse(text) : text,
    };
  };
  const post = (
    body: unknown,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return send({ method: 'POST', body: text, headers });
  };
  const ask = (query: string, variables?: Record<string, unknown>, operationName?: string) =>
    post({ query, variables, operationName });

  return { server, url, port, logged, lines, send, post, ask };
}

/** Waits until something is so; for what happens on the other side of a socket. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}
