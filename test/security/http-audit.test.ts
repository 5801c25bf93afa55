import { type Audit, serverAudits } from 'graphql-http';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type App, createApp } from '../../src/app.ts';

const names = serverAudits({ url: 'http://localhost' }).map(nameOf);

function nameOf({ id, name }: Audit): string {
  return `${name} (${id})`;
}

describe('O5 GraphQL over HTTP, as the audit of graphql-http has it', () => {
  const log: string[] = [];
  let app: App;
  let audits: readonly Audit[] = [];

  beforeAll(async () => {
    const logger = pino({ level: 'warn' }, { write: (line) => log.push(line) });
    app = await createApp({ flows: [], logger });
    const { text } = await app.keys.create({ subject: 'auditor', scopes: ['read'] });
    const { url, isOpen } = await app.listen({ port: 0 });
    expect(isOpen).toBe(false);
    const fetchFn: typeof fetch = (input, init = {}) => {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${text}`);
      return fetch(input, { ...init, headers });
    };
    audits = serverAudits({ url, fetchFn });
  });
  afterAll(() => app.close());

  test('asks for all that it asked for when this was written', () => {
    const count = (word: string) => names.filter((name) => name.startsWith(`${word} `)).length;
    expect([count('MUST'), count('SHOULD'), count('MAY')]).toEqual([13, 23, 25]);
  });

  // What may be is there as well, all of it.
  test.each(names)('%s', async (wanted) => {
    const audit = audits.find((each) => nameOf(each) === wanted);
    const { status, ...rest } = (await audit?.fn()) ?? { status: 'missing' };
    expect({ status, reason: 'reason' in rest ? rest.reason : undefined }).toEqual({
      status: 'ok',
      reason: undefined,
    });
    expect(log).toEqual([]);
  });
});
