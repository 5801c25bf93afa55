import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { compileExpression } from '../expression/expression.ts';
import { ExpressionError } from '../expression/expression-error.ts';
import { messageOf } from '../lib/domain-error.ts';
import { MASK } from '../lib/secret-names.ts';
import { THING_NAME } from '../lib/thing-name.ts';
import { CONDITION_NAMES } from './conditions.ts';
import { readExpectedStatus, STATUS_FORM } from './expected-status.ts';
import { HTTP_METHODS, type TlsOptions } from './service.ts';

/** How often a service is checked at the least, in milliseconds, unless it is said that it may be more rarely. */
export const LONGEST_USUAL_INTERVAL_MS = 1_000;

/** Agents and parts of the server may be needed as well. */
const NEEDED_PREFIX = /^(?:agent:|millrace:)/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
/** What has no control characters in it, a tab aside, and is one byte for each character. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** About the connection and how the body is sent; those are not for a check to say. */
const OWN_HEADERS = new Set(
  'connection content-length expect keep-alive proxy-connection te trailer transfer-encoding upgrade'.split(
    ' ',
  ),
);

function isNeededName(name: string): boolean {
  return THING_NAME.test(name.replace(NEEDED_PREFIX, ''));
}

const withDefault = <Schema extends z.ZodType, Value>(schema: Schema, byDefault: Value) =>
  schema.nullish().transform((value) => value ?? byDefault);

const isMissingOr = (message: string) => (issue: { readonly input?: unknown }) =>
  issue.input === undefined || issue.input === null ? 'Must be there.' : message;

const wholeNumber = (least: number, most: number, unit = '') => {
  const message = `Must be a whole number from ${writeNumber(least)} to ${writeNumber(most)}${unit}.`;
  return z.int(message).min(least, message).max(most, message);
};

const text = (most: number) =>
  z.string('Must be a text.').max(most, `Must be at most ${writeNumber(most)} characters.`);

const list = <Element extends z.ZodType>(element: Element, most: number) =>
  z.array(element, 'Must be a list.').max(most, `Must be at most ${most}.`);

const url = z
  .string({ error: isMissingOr('Must be a text.') })
  .max(2_048, 'Must be at most 2,048 characters.')
  .transform((written, context) => {
    const refuse = (message: string) => {
      context.issues.push({ code: 'custom', message, input: undefined });
      return z.NEVER;
    };
    const parsed = URL.canParse(written) ? new URL(written) : undefined;
    if (parsed === undefined) return refuse('Must be a URL such as https://example.com/health.');
    if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')
      return refuse('Must begin with http:// or https://.');
    if (parsed.username !== '' || parsed.password !== '')
      return refuse('Must have no user and password. Set a header `authorization` instead.');
    if ([...parsed.searchParams.values()].includes(MASK))
      return refuse(
        `Has "${MASK}" in the place of a secret. Write the secret, or leave the URL out.`,
      );
    parsed.hash = '';
    return parsed.href;
  });

const headerValue = text(4_096)
  .regex(
    HEADER_VALUE,
    'Must have no line breaks, other control characters, or characters beyond Latin-1.',
  )
  .refine((value) => value !== MASK, {
    message: `"${MASK}" stands in the place of a secret. Write the secret, or leave \`headers\` out.`,
  });

const headers = z
  .record(z.string(), headerValue, 'Must be an object of names and texts.')
  .superRefine((all, context) => {
    const names = Object.keys(all);
    if (names.length > 50) context.addIssue('Must be at most 50.');
    const seen = new Set<string>();
    for (const name of names) {
      const plain = name.toLowerCase();
      const refuse = (message: string) =>
        context.addIssue({ code: 'custom', message, path: [name.slice(0, 100)] });
      if (!TOKEN.test(name)) refuse('Is no name of a header.');
      else if (OWN_HEADERS.has(plain)) refuse('Is about the connection, so it can not be set.');
      else if (seen.has(plain)) refuse('Is there twice.');
      seen.add(plain);
    }
  });

const status = z.union([z.string(), z.number()], STATUS_FORM).transform((written, context) => {
  const read = readExpectedStatus(written);
  if (read !== undefined) return read;
  context.issues.push({ code: 'custom', message: STATUS_FORM, input: undefined });
  return z.NEVER;
});

const condition = text(2_000).superRefine((written, context) => {
  try {
    compileExpression(written, CONDITION_NAMES);
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    context.addIssue(`${thrown.message} (line ${thrown.line}, column ${thrown.column})`);
  }
});

const tls = z
  .strictObject(
    {
      ca: text(262_144).nullish(),
      serverName: text(253)
        .regex(/^[A-Za-z0-9._-]+$/, 'Must be the name of a host.')
        .nullish(),
      verify: z.boolean('Must be true or false.').nullish(),
      cert: text(65_536).nullish(),
      key: text(65_536).nullish(),
    },
    'Must be an object.',
  )
  .superRefine(({ ca, cert, key }, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', message, path: [path] });
    if (key && !cert) refuse('cert', 'Must be there, as `key` is.');
    if (cert && !key) refuse('key', 'Must be there, as `cert` is.');
    tryTo(
      () => ca && new X509Certificate(ca),
      (why) => refuse('ca', `Is no certificate: ${why}.`),
    );
    tryTo(
      () => cert && key && createSecureContext({ cert, key }),
      (why) => refuse('cert', `Can't be used with \`key\`: ${why}.`),
    );
  })
  .transform(
    ({ ca, serverName, verify, cert, key }): TlsOptions => ({
      ...(ca ? { ca } : {}),
      ...(serverName ? { serverName } : {}),
      ...(typeof verify === 'boolean' ? { verify } : {}),
      ...(cert ? { cert } : {}),
      ...(key ? { key } : {}),
    }),
  );

/**
 * A service as people write it, made a definition with all defaults: each part for itself. What parts must be together is not
 * in it.
 */
export const serviceFields = z.strictObject(
  {
    name: z
      .string({ error: isMissingOr('Must be a text.') })
      .regex(
        THING_NAME,
        'Must be letters, digits, ".", "_", "/" and "-", at most 100, with a letter or digit first.',
      ),
    description: withDefault(text(1_000), undefined),
    url,
    method: withDefault(
      z.enum(HTTP_METHODS, `Must be one of ${HTTP_METHODS.join(', ')}.`),
      'GET' as const,
    ),
    headers: withDefault(headers, {}),
    intervalMs: withDefault(
      z.number('Must be a number of milliseconds.'),
      LONGEST_USUAL_INTERVAL_MS,
    ),
    extendedInterval: withDefault(z.boolean('Must be true or false.'), false),
    timeoutMs: withDefault(wholeNumber(1, 600_000, ' ms'), 5_000),
    expectedStatus: withDefault(list(status, 50).min(1, 'Must be at least one.'), ['200-299']),
    conditions: withDefault(list(condition, 20), []),
    degradedAboveMs: withDefault(wholeNumber(1, 600_000, ' ms'), undefined),
    maxBodyBytes: withDefault(wholeNumber(0, 1_048_576, ' bytes'), 65_536),
    tls: withDefault(tls, undefined),
    dependsOn: withDefault(
      list(z.string('Must be a text.').refine(isNeededName, 'Must be the name of a service.'), 50),
      [],
    ),
    failureThreshold: withDefault(wholeNumber(1, 100), 3),
    successThreshold: withDefault(wholeNumber(1, 100), 2),
    windowSize: withDefault(wholeNumber(2, 1_000), 20),
    flapThreshold: withDefault(wholeNumber(2, 1_000), 6),
  },
  'Must be an object.',
);

function tryTo(run: () => unknown, refuse: (why: string) => void): void {
  try {
    run();
  } catch (thrown) {
    // Of `error:0480006C:PEM routines::no start line` only the end is for people.
    refuse(messageOf(thrown).split('::').at(-1)?.replace(/\.$/, '') ?? 'it can not be read');
  }
}

/** A number for people: `86,400,000`. */
export function writeNumber(number: number): string {
  return number.toLocaleString('en-US');
}
