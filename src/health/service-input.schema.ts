import type { InputFieldBuilder, InputShapeFromFields } from '@pothos/core';
import { type ApiTypes, builder } from '../graphql/builder.ts';
import { serviceName } from '../graphql/ids.ts';
import { type Issue, ValidationError } from '../lib/domain-error.ts';
import { HttpMethodType } from './enums.schema.ts';
import type { ServiceInput } from './health.ts';

type InputFields = InputFieldBuilder<PothosSchemaTypes.ExtendDefaultTypes<ApiTypes>, 'InputObject'>;

const HeaderInput = builder.inputType('ServiceHeaderInput', {
  description: 'A header to send with each check.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Its name. Case does not matter.' }),
    value: t.string({
      required: true,
      description: 'Its value, at most 4096 characters. It is stored, and hardly ever shown again.',
    }),
  }),
});

const TlsInput = builder.inputType('ServiceTlsInput', {
  description: 'How a secure connection is to be made.',
  fields: (t) => ({
    ca: t.string({
      description:
        'Certificates as PEM that alone are trusted. Default: those that the server trusts.',
    }),
    serverName: t.string({
      description: 'The name that the certificate must have. Default: the host of the URL.',
    }),
    verify: t.boolean({
      description: 'Whether the certificate has to be trusted. Default true.',
    }),
    cert: t.string({
      description: 'A certificate as PEM by which the server proves who it is. Needs `key`.',
    }),
    key: t.string({ description: 'The key of that as PEM. It is stored, and never shown again.' }),
  }),
});

/** The fields of an input that say how a service is checked; all may be left out. */
export const serviceFields = (t: InputFields) => ({
  description: t.string({ description: 'What it is for, at most 1000 characters.' }),
  method: t.field({ type: HttpMethodType, description: 'The method. Default GET.' }),
  headers: t.field({ type: [HeaderInput], description: 'Headers to send, at most 50.' }),
  intervalMs: t.float({
    description:
      'How often it is checked, in milliseconds: 50–1000, with `extendedInterval` up to 86,400,000. Default 1000.',
  }),
  extendedInterval: t.boolean({
    description: 'Whether `intervalMs` may be longer than 1000. Default false.',
  }),
  timeoutMs: t.float({
    description: 'How long the whole check may take, in milliseconds: 1–600,000. Default 5000.',
  }),
  expectedStatus: t.stringList({
    description:
      'HTTP statuses, ranges and classes that are good: `204`, `200-299`, `4xx`. At most 50. Default `200-299`.',
  }),
  conditions: t.stringList({
    description:
      'Expressions that must be true, at most 20. They read `body` (parsed from JSON), `status` and `responseTimeMs`.',
  }),
  degradedAboveMs: t.float({
    description:
      'A good answer that takes longer, in milliseconds, is DEGRADED. Less than `timeoutMs`. Default: none is.',
  }),
  maxBodyBytes: t.int({
    description: 'The most bytes that the body of an answer may have: 0–1,048,576. Default 65,536.',
  }),
  tls: t.field({ type: TlsInput, description: 'How a secure connection is to be made.' }),
  dependsOn: t.idList({
    description: 'Services that it needs, by id or name; at most 50. They need not be there yet.',
  }),
  failureThreshold: t.int({
    description: 'So many results in a row that are not good make it worse: 1–100. Default 3.',
  }),
  successThreshold: t.int({
    description: 'So many good results in a row make it better: 1–100. Default 2.',
  }),
  windowSize: t.int({
    description: 'How many of the latest results are looked at for changes: 2–1000. Default 20.',
  }),
  flapThreshold: t.int({
    description:
      'So many changes among them, and it flaps: 2–1000. From `windowSize` on it never does. Default 6.',
  }),
});

/** What was written in those fields, and in others that stay as they are. */
type Given = Partial<InputShapeFromFields<ReturnType<typeof serviceFields>>> &
  Readonly<Record<string, unknown>>;

/**
 * A service as the domain takes it.
 * @throws ValidationError when a header is there twice, or an id is of another type
 */
export function readServiceInput({ headers, dependsOn, ...rest }: Given): ServiceInput {
  return {
    ...rest,
    ...(headers === undefined ? {} : { headers: headers && readHeaders(headers) }),
    ...(dependsOn === undefined
      ? {}
      : {
          dependsOn:
            dependsOn?.map((id, at) => serviceName(id, ['input', 'dependsOn', at])) ?? null,
        }),
  };
}

type Headers = readonly { readonly name: string; readonly value: string }[];

function readHeaders(headers: Headers): Readonly<Record<string, string>> {
  const seen = new Set<string>();
  const issues = headers.flatMap(({ name }, at): Issue[] => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ path: ['input', 'headers', at, 'name'], message: 'Is there twice.' }];
  });
  if (issues.length > 0) throw new ValidationError(issues);
  return Object.fromEntries(headers.map(({ name, value }) => [name, value]));
}

/**
 * Does something with an input; faults are told where they are in what the client sent.
 * @param headers as the client sent them: the domain knows them by name
 */
export async function withInput<Result>(
  change: () => Promise<Result>,
  headers?: Headers | null,
): Promise<Result> {
  try {
    return await change();
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    throw new ValidationError(
      error.issues.map(({ path, message }) => ({ path: placeInInput(path, headers), message })),
    );
  }
}

function placeInInput(path: Issue['path'], headers: Headers | null | undefined): Issue['path'] {
  const [first, name, ...rest] = path;
  if (first === 'input') return path;
  const at = first === 'headers' ? (headers ?? []).findIndex((each) => each.name === name) : -1;
  return at < 0 ? ['input', ...path] : ['input', 'headers', at, ...rest];
}
