import { defineFlow, defineRoutine } from 'millrace/engine';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { GetFlowDocument } from '../generated/operations.ts';
import { ask, openApp } from './api.ts';

/** What the API tells of a routine with a configuration, and what the routine's code was given. */
async function tell(type: ReturnType<typeof defineRoutine>, config: unknown) {
  const flow = defineFlow({ id: 'secretive' }, (f) => {
    f.add('only', type, { config } as never); // of whatever type the configuration is
  });
  const app = await openApp({ flows: [flow] });
  const { flow: told } = await ask(app, GetFlowDocument, { id: 'secretive' });
  expect(flow.routines[0]?.config).toEqual(config);
  return { config: told?.routines[0]?.config, schema: told?.routines[0]?.configSchema };
}

describe('secrets of a configuration', () => {
  const config = z.object({
    url: z.string(),
    pin: z.number(),
    password: z.string(),
    auth: z.object({ user: z.string(), key: z.string() }),
    mirrors: z.array(z.object({ url: z.string(), login: z.string() })),
  });
  const given = {
    url: 'http://x',
    pin: 1234,
    password: 's3cret',
    auth: { user: 'u', key: 's3cret' },
    mirrors: [{ url: 'http://y', login: 's3cret' }],
  };

  test('are masked for everybody, and not for the code', async () => {
    const secrets = ['pin', 'auth.key', 'mirrors.login'] as const;
    const type = defineRoutine({ type: 'asking', config, secrets, run: () => undefined });
    const told = await tell(type as never, given);
    expect(told.config).toEqual({
      url: 'http://x',
      pin: '***',
      password: '***',
      auth: { user: 'u', key: '***' },
      mirrors: [{ url: 'http://y', login: '***' }],
    });
  });

  test('are masked also where a class writes them as JSON', async () => {
    class Access {
      readonly #pin = 's3cret';
      toJSON() {
        return { host: 'h', pin: this.#pin };
      }
    }
    const type = defineRoutine({
      type: 'asking',
      config: z.object({ access: z.instanceof(Access) }),
      secrets: ['access.pin'],
      run: () => undefined,
    });
    const told = await tell(type as never, { access: new Access() });
    expect(told.config).toEqual({ access: { host: 'h', pin: '***' } });
  });

  test('are masked as defaults and examples in the schema', async () => {
    const Mirror = z.object({ pin: z.string().default('s3cret') }).meta({ id: 'Mirror' });
    const withDefaults = z.object({
      url: z.string().default('http://x'),
      retries: z
        .number()
        .default(3)
        .meta({ examples: [5] }),
      password: z
        .string()
        .default('s3cret')
        .meta({ examples: ['s3cret'] }),
      auth: z
        .object({ user: z.string(), key: z.string().default('s3cret') })
        .default({ user: 'u', key: 's3cret' }),
      login: z.object({ name: z.string().default('s3cret') }).optional(),
      mirrors: z.array(Mirror).default([{ pin: 's3cret' }]),
      either: z.union([z.string(), z.object({ pin: z.string().default('s3cret') })]).optional(),
    });
    const type = defineRoutine({
      type: 'asking',
      config: withDefaults,
      secrets: ['auth.key', 'login', 'mirrors.pin', 'either.pin'],
      run: () => undefined,
    });
    const { schema } = await tell(type as never, withDefaults.parse({}));
    expect(JSON.stringify(schema)).not.toContain('s3cret');
    expect(schema).toMatchObject({
      type: 'object',
      properties: {
        url: { default: 'http://x' },
        retries: { default: 3, examples: [5] },
        password: { type: 'string', default: '***', examples: ['***'] },
        auth: { default: { user: 'u', key: '***' }, properties: { user: { type: 'string' } } },
      },
    });
  });
});
