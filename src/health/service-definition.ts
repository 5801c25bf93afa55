import type { z } from 'zod';
import { type Issue, ValidationError } from '../lib/domain-error.ts';
import { maskUrl } from '../lib/mask-url.ts';
import { nearestName } from '../lib/nearest-name.ts';
import { isSecretName, MASK } from '../lib/secret-names.ts';
import { compileConditions } from './conditions.ts';
import { LONGEST_INTERVAL_MS } from './read-report.ts';
import type { ServiceDefinition, TlsOptions } from './service.ts';
import { LONGEST_USUAL_INTERVAL_MS, serviceFields, writeNumber } from './service-fields.ts';

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

const SHORTEST_INTERVAL_MS = 50;

/** Headers that tell nothing that is secret. */
const HARMLESS_HEADERS = new Set(
  'accept accept-charset accept-encoding accept-language cache-control content-type host origin pragma user-agent'.split(
    ' ',
  ),
);

/** The keys of a service as people write it. */
export const SERVICE_KEYS: readonly string[] = Object.keys(serviceFields.shape);

const TLS_KEYS = ['ca', 'serverName', 'verify', 'cert', 'key'];

/** Those parts that are right each for itself. */
function readParts(input: object): Partial<ServiceDefinition> {
  const parts = Object.entries(serviceFields.shape).flatMap(([key, part]) => {
    const read = part.safeParse(Object.getOwnPropertyDescriptor(input, key)?.value);
    return read.success ? [[key, read.data]] : [];
  });
  return Object.fromEntries(parts) as Partial<ServiceDefinition>; // each was made by its schema
}

/** What is wrong with parts together. */
function* findFaultsTogether(parts: Partial<ServiceDefinition>): Generator<Issue> {
  const { name, url: address, intervalMs, extendedInterval = false } = parts;
  const { timeoutMs, degradedAboveMs, dependsOn = [] } = parts;
  const most = extendedInterval ? LONGEST_INTERVAL_MS : LONGEST_USUAL_INTERVAL_MS;
  if (intervalMs !== undefined && !isWholeWithin(intervalMs, SHORTEST_INTERVAL_MS, most)) {
    const range = `Must be a whole number from ${SHORTEST_INTERVAL_MS} to ${writeNumber(most)} ms`;
    const ways = `${range}, which is 1 to 20 checks a second. Choose one of these, or set \`extendedInterval: true\` for up to ${writeNumber(LONGEST_INTERVAL_MS)} ms.`;
    yield { path: ['intervalMs'], message: extendedInterval ? `${range}.` : ways };
  }
  if (degradedAboveMs !== undefined && timeoutMs !== undefined && degradedAboveMs >= timeoutMs) {
    const message = `Must be less than \`timeoutMs\`, which is ${writeNumber(timeoutMs)}.`;
    yield { path: ['degradedAboveMs'], message };
  }
  if (parts.tls !== undefined && address?.startsWith('http:')) {
    yield { path: ['tls'], message: 'Counts only where the URL begins with https://.' };
  }
  if (parts.method === 'HEAD' && compileConditions(parts.conditions ?? []).readsBody) {
    const message = 'Must not read `body`, which an answer to HEAD does not have.';
    yield { path: ['conditions'], message };
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
  const read = serviceFields.safeParse(whole);
  const issues = (read.error?.issues ?? []).flatMap(toIssues);
  if (isObject) {
    const parts = readParts(whole as object); // it or its copy
    issues.push(...findFaultsTogether(parts));
    if (base !== undefined && parts.name !== undefined && parts.name !== base.name) {
      const message = 'Can not be changed. Add a service of that name instead.';
      issues.push({ path: ['name'], message });
    }
    if (base !== undefined && wouldTellOthers(base, parts, input)) {
      const message =
        'Write the headers again, or take them away with null: the URL is of another host, which is to learn them only from who knows them.';
      issues.push({ path: ['headers'], message });
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
    isHiddenHeader(name) ? MASK : value,
  ]);
  return {
    ...definition,
    url: maskUrl(address),
    headers: Object.fromEntries(shown),
    tls: options?.key === undefined ? options : { ...options, key: MASK },
  };
}

/** The fewest characters of a secret that is looked for in texts: shorter ones may stand there by chance. */
const LEAST_SECRET = 8;

/**
 * What a service is sent that is hidden: values of headers, what stands behind a word such as `Bearer` in them, single
 * cookies, and parameters of the URL whose names tell so; also as the service may read them. None is shorter than 8 characters.
 */
export function listSecrets({ headers, url: address }: ServiceDefinition): string[] {
  const hidden = Object.entries(headers).filter(([name]) => isHiddenHeader(name));
  const values = hidden.flatMap(([name, value]) => [
    value.trim(),
    value.slice(value.trimEnd().lastIndexOf(' ') + 1).trim(),
    ...(name.toLowerCase() === 'cookie' ? listCookies(value) : []),
  ]);
  return [...values, ...listParameters(address)].filter((value) => value.length >= LEAST_SECRET);
}

function listCookies(header: string): string[] {
  return header.split(';').flatMap((cookie) => {
    const written = cookie.slice(cookie.indexOf('=') + 1).trim();
    const value = written.replace(/^"(.*)"$/, '$1');
    return [value, decode(value)];
  });
}

/** Those that `maskUrl` hides. */
function listParameters(address: string): string[] {
  const { pathname, search } = new URL(address);
  return [pathname, search]
    .flatMap((part) => [...part.matchAll(/[?&;]([^=?&;]*)=([^&;]*)/g)])
    .filter(([, name = '']) => isSecretName(decode(name)))
    .flatMap(([, , value = '']) => [value, decode(value), decode(value.replaceAll('+', ' '))]);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whether headers that are hidden would go to another origin: whoever may change a URL could have them sent to themselves. */
function wouldTellOthers(
  base: ServiceDefinition,
  { url: address = base.url }: Partial<ServiceDefinition>,
  input: unknown,
): boolean {
  if (Object.getOwnPropertyDescriptor(input, 'headers')?.value !== undefined) return false;
  const hasHidden = Object.keys(base.headers).some(isHiddenHeader);
  return hasHidden && new URL(address).origin !== new URL(base.url).origin;
}

function isHiddenHeader(name: string): boolean {
  return !HARMLESS_HEADERS.has(name.toLowerCase());
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
