import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { compileExpression } from '../expression/expression.ts';
import { ExpressionError } from '../expression/expression-error.ts';
import { type Issue, messageOf, ValidationError } from '../lib/domain-error.ts';
import { maskUrl } from '../lib/mask-url.ts';
import { nearestName } from '../lib/nearest-name.ts';
import { MASK } from '../lib/secret-names.ts';
import { CONDITION_NAMES } from './conditions.ts';
import { readExpectedStatus, STATUS_FORM } from './expected-status.ts';
import { HTTP_METHODS, type ServiceDefinition, type TlsOptions } from './service.ts';

/** A service that is checked over HTTP, as people write it. What is left out, or is `null`, has its default. */
export interface ServiceConfig {
  /** Unique. Letters, digits, `.`, `_`, `/`, `-`; at most 100 characters. */
  readonly name: string;
  /** For people; at most 1,000 characters. */
  readonly description?: string | null | undefined;
  /** `http:` or `https:`, without user and password. Redirects are not followed. */
  readonly url: string;
  /** GET, HEAD, OPTIONS or POST (without a body). Default GET. */
  readonly method?: ServiceDefinition['method'] | null | undefined;
  /** Sent along; at most 50. */
  readonly headers?: Readonly<Record<string, string>> | null | undefined;
  /** How often it is checked, in milliseconds: 50 to 1,000. Default 1,000. */
  readonly intervalMs?: number | null | undefined;
  /** With true `intervalMs` may be up to 86,400,000. Default false. */
  readonly extendedInterval?: boolean | null | undefined;
  /** For the whole check, in milliseconds: 1 to 600,000. Default 5,000. */
  readonly timeoutMs?: number | null | undefined;
  /** Statuses, ranges and classes: `[204, '200-299', '4xx']`. Default `['200-299']`. */
  readonly expectedStatus?: readonly (string | number)[] | null | undefined;
  /** Expressions that must be true; they read `body`, `status` and `responseTimeMs`. At most 20. Default none. */
  readonly conditions?: readonly string[] | null | undefined;
  /** An answer that takes longer makes the service DEGRADED. Less than `timeoutMs`. Default never. */
  readonly degradedAboveMs?: number | null | undefined;
  /** A larger body makes it UNHEALTHY. 0 to 1,048,576. Default 65,536. */
  readonly maxBodyBytes?: number | null | undefined;
  readonly tls?:
    | { readonly [Key in keyof TlsOptions]?: TlsOptions[Key] | null | undefined }
    | null
    | undefined;
  /** Names of services that it needs; at most 50. Default none. */
  readonly dependsOn?: readonly string[] | null | undefined;
  /** So many failed checks in a row make it UNHEALTHY. 1 to 100. Default 3. */
  readonly failureThreshold?: number | null | undefined;
  /** So many good checks in a row make it better. 1 to 100. Default 2. */
  readonly successThreshold?: number | null | undefined;
  /** How many of the latest checks are looked at for changes. 2 to 1,000. Default 20. */
  readonly windowSize?: number | null | undefined;
  /** So many changes among them, and it flaps. 2 to 1,000; as many as `windowSize` or more: never. Default 6. */
  readonly flapThreshold?: number | null | undefined;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/;
const NEEDED_NAME = /^(?:agent:|millrace:)?[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;
/** What has no control characters in it, a tab aside, and is one byte for each character. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** About the connection and how the body is sent; those are not for a check to say. */
const OWN_HEADERS = new Set(
  'connection content-length expect keep-alive proxy-connection te trailer transfer-encoding upgrade'.split(
    ' ',
  ),
);
/** Headers that tell nothing that is secret. */
const HARMLESS_HEADERS = new Set(
  'accept accept-charset accept-encoding accept-language cache-control content-type host origin pragma user-agent'.split(
    ' ',
  ),
);

const SHORTEST_INTERVAL_MS = 50;
const LONGEST_INTERVAL_MS = 1_000;
const LONGEST_EXTENDED_MS = 86_400_000;

const withDefault = <Schema extends z.ZodType, Value>(schema: Schema, byDefault: Value) =>
  schema.nullish().transform((value) => value ?? byDefault);

const isMissingOr = (message: string) => (issue: { readonly input?: unknown }) =>
  issue.input === undefined || issue.input === null ? 'Must be there.' : message;

const wholeNumber = (least: number, most: number, unit = '') => {
  const message = `Must be a whole number from ${write(least)} to ${write(most)}${unit}.`;
  return z.int(message).min(least, message).max(most, message);
};

const text = (most: number) =>
  z.string('Must be a text.').max(most, `Must be at most ${write(most)} characters.`);

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

const pem = (most: number) =>
  text(most).includes('-----BEGIN ', { message: 'Must be PEM.' }).nullish();

const tls = z
  .strictObject(
    {
      ca: pem(262_144),
      serverName: text(253)
        .regex(/^[A-Za-z0-9._-]+$/, 'Must be the name of a host.')
        .nullish(),
      verify: z.boolean('Must be true or false.').nullish(),
      cert: pem(65_536),
      key: pem(65_536),
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

/** A service as people write it, made a definition with all defaults. What parts must be together is not in it. */
const schema = z.strictObject(
  {
    name: z
      .string({ error: isMissingOr('Must be a text.') })
      .regex(
        NAME,
        'Must be letters, digits, ".", "_", "/" and "-", at most 100, with a letter or digit first.',
      ),
    description: withDefault(text(1_000), undefined),
    url,
    method: withDefault(
      z.enum(HTTP_METHODS, `Must be one of ${HTTP_METHODS.join(', ')}.`),
      'GET' as const,
    ),
    headers: withDefault(headers, {}),
    intervalMs: withDefault(z.number('Must be a number of milliseconds.'), LONGEST_INTERVAL_MS),
    extendedInterval: withDefault(z.boolean('Must be true or false.'), false),
    timeoutMs: withDefault(wholeNumber(1, 600_000, ' ms'), 5_000),
    expectedStatus: withDefault(list(status, 50).min(1, 'Must be at least one.'), ['200-299']),
    conditions: withDefault(list(condition, 20), []),
    degradedAboveMs: withDefault(wholeNumber(1, 600_000, ' ms'), undefined),
    maxBodyBytes: withDefault(wholeNumber(0, 1_048_576, ' bytes'), 65_536),
    tls: withDefault(tls, undefined),
    dependsOn: withDefault(
      list(z.string('Must be a text.').regex(NEEDED_NAME, 'Must be the name of a service.'), 50),
      [],
    ),
    failureThreshold: withDefault(wholeNumber(1, 100), 3),
    successThreshold: withDefault(wholeNumber(1, 100), 2),
    windowSize: withDefault(wholeNumber(2, 1_000), 20),
    flapThreshold: withDefault(wholeNumber(2, 1_000), 6),
  },
  'Must be an object.',
);

/** The keys of a service as people write it. */
export const SERVICE_KEYS: readonly string[] = Object.keys(schema.shape);

const TLS_KEYS = ['ca', 'serverName', 'verify', 'cert', 'key'];

/** Those parts that are right each for itself. */
function readParts(input: object): Partial<ServiceDefinition> {
  const parts = Object.entries(schema.shape).flatMap(([key, part]) => {
    const read = part.safeParse(Object.getOwnPropertyDescriptor(input, key)?.value);
    return read.success ? [[key, read.data]] : [];
  });
  return Object.fromEntries(parts) as Partial<ServiceDefinition>; // each was made by its schema
}

/** What is wrong with parts together. */
function* findFaultsTogether(parts: Partial<ServiceDefinition>): Generator<Issue> {
  const { name, url: address, intervalMs, extendedInterval = false } = parts;
  const { timeoutMs, degradedAboveMs, dependsOn = [] } = parts;
  const most = extendedInterval ? LONGEST_EXTENDED_MS : LONGEST_INTERVAL_MS;
  if (intervalMs !== undefined && !isWholeWithin(intervalMs, SHORTEST_INTERVAL_MS, most)) {
    const range = `Must be a whole number from ${SHORTEST_INTERVAL_MS} to ${write(most)} ms`;
    const ways = `${range}, which is 1 to 20 checks a second. Choose one of these, or set \`extendedInterval: true\` for up to ${write(LONGEST_EXTENDED_MS)} ms.`;
    yield { path: ['intervalMs'], message: extendedInterval ? `${range}.` : ways };
  }
  if (degradedAboveMs !== undefined && timeoutMs !== undefined && degradedAboveMs >= timeoutMs) {
    const message = `Must be less than \`timeoutMs\`, which is ${write(timeoutMs)}.`;
    yield { path: ['degradedAboveMs'], message };
  }
  if (parts.tls !== undefined && address?.startsWith('http:')) {
    yield { path: ['tls'], message: 'Counts only where the URL begins with https://.' };
  }
  if (name !== undefined && dependsOn.includes(name)) {
    yield { path: ['dependsOn'], message: 'A service can not need itself.' };
  }
  if (new Set(dependsOn).size < dependsOn.length) {
    yield { path: ['dependsOn'], message: 'Has a name twice.' };
  }
}

function isWholeWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

/**
 * Reads a service as somebody writes it, and fills in the defaults.
 *
 * @param base what it was; then `input` are changes: what is left out stays, `null` takes away
 * @throws ValidationError with everything that is wrong, at `intervalMs`, `headers.x`, `conditions[0]` …
 */
export function readServiceDefinition(input: unknown, base?: ServiceDefinition): ServiceDefinition {
  const isObject = typeof input === 'object' && input !== null && !Array.isArray(input);
  const whole = isObject && base !== undefined ? { ...base, ...given(input) } : input;
  const read = schema.safeParse(whole);
  const issues = (read.error?.issues ?? []).flatMap(toIssues);
  if (isObject) {
    const parts = readParts(whole as object); // it or its copy
    issues.push(...findFaultsTogether(parts));
    if (base !== undefined && parts.name !== undefined && parts.name !== base.name) {
      const message = 'Can not be changed. Add a service of that name instead.';
      issues.push({ path: ['name'], message });
    }
  }
  if (!read.success || issues.length > 0) throw new ValidationError(issues);
  return read.data;
}

/** A definition as it may be shown: `***` in the place of what is or may be secret. */
export function maskDefinition(definition: ServiceDefinition): ServiceDefinition {
  const { url: address, headers: sent, tls: options } = definition;
  const shown = Object.entries(sent).map(([name, value]) => [
    name,
    HARMLESS_HEADERS.has(name.toLowerCase()) ? value : MASK,
  ]);
  return {
    ...definition,
    url: maskUrl(address),
    headers: Object.fromEntries(shown),
    tls: options?.key === undefined ? options : { ...options, key: MASK },
  };
}

function given(input: object): object {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

function toIssues(issue: z.core.$ZodIssue): Issue[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
  if (issue.code === 'unrecognized_keys') {
    const known: readonly string[] = path[0] === 'tls' ? TLS_KEYS : SERVICE_KEYS;
    return issue.keys.slice(0, 20).map((key) => {
      const near = nearestName(key, known);
      const advice = near === undefined ? '' : ` Did you mean \`${near}\`?`;
      return { path: [...path, key.slice(0, 100)], message: `There is no such key.${advice}` };
    });
  }
  return [{ path, message: issue.message }];
}

function tryTo(run: () => unknown, refuse: (why: string) => void): void {
  try {
    run();
  } catch (thrown) {
    refuse(messageOf(thrown).replace(/\.$/, ''));
  }
}

function write(number: number): string {
  return number.toLocaleString('en-US');
}
