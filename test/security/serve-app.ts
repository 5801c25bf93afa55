import { pino } from 'pino';
import type { AppOptions, ServeOptions } from '../../src/app.ts';
import { SCOPES, type Scope } from '../../src/lib/identity.ts';
import { openApp } from '../api/api.ts';

/** What a client is answered. */
export interface AppAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever was answered, for a test to look into
  readonly body: any;
}

/** The whole app on a free port, until the test ends; all it logs, from the lowest level on, is kept. */
export async function serveApp(options: AppOptions, serveOptions: ServeOptions = {}) {
  const log: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line) => log.push(line) });
  const app = await openApp({ logger, ...options });
  const listening = await app.listen({ port: 0, ...serveOptions });
  /** @param variables as JSON, or what makes it */
  const ask = async (
    query: string,
    variables: string | object = {},
    headers: Record<string, string> = {},
  ): Promise<AppAnswer> => {
    const shown = typeof variables === 'string' ? variables : JSON.stringify(variables);
    const response = await fetch(listening.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: `{"query":${JSON.stringify(query)},"variables":${shown}}`,
    });
    const text = await response.text();
    const body = text.startsWith('{') ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, body };
  };
  return {
    app,
    log,
    ...listening,
    ask,
    /** Makes a key, and answers the header that shows it. */
    keyHeader: async (scopes: readonly Scope[] = SCOPES) => {
      const { text } = await app.keys.create({ subject: 'ann', scopes });
      return { authorization: `Bearer ${text}` };
    },
    /** Of the log: lines of faults of the server itself. */
    faults: () => log.filter((line) => JSON.parse(line).level >= 40),
  };
}
