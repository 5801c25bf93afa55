import { builder } from '../graphql/builder.ts';
import { HttpMethodType } from './enums.schema.ts';
import type {
  Maintenance,
  ServiceDefinition,
  Thresholds,
  TlsOptions,
  WindowReading,
} from './service.ts';

const HeaderType = builder.objectRef<readonly [name: string, value: string]>('ServiceHeader');
HeaderType.implement({
  description: 'A header that is sent with each check.',
  fields: (t) => ({
    name: t.string({ description: 'Its name.', resolve: ([name]) => name }),
    value: t.string({
      description:
        'Its value; `***` unless the name is one that holds no secret, such as `accept`.',
      resolve: ([, value]) => value,
    }),
  }),
});

const TlsType = builder.objectRef<TlsOptions>('ServiceTls');
TlsType.implement({
  description: 'How a secure connection to a service is made. Keys are not shown.',
  fields: (t) => ({
    serverName: t.exposeString('serverName', {
      nullable: true,
      description: 'The name that the certificate must have; null for the host of the URL.',
    }),
    isVerified: t.boolean({
      description: 'Whether the certificate has to be trusted.',
      resolve: ({ verify }) => verify !== false,
    }),
    hasAuthorities: t.boolean({
      description: 'Whether certificates are given that alone are trusted.',
      resolve: ({ ca }) => ca !== undefined,
    }),
    hasClientCertificate: t.boolean({
      description: 'Whether the server proves by a certificate who it is.',
      resolve: ({ cert }) => cert !== undefined,
    }),
  }),
});

/** Of definitions that are masked. */
export const ServiceCheckType = builder.objectRef<ServiceDefinition>('ServiceCheck');
ServiceCheckType.implement({
  description: 'How a service is checked over HTTP.',
  fields: (t) => ({
    url: t.exposeString('url', {
      description: 'Where the request goes. What may be secret in it is `***`.',
    }),
    method: t.expose('method', { type: HttpMethodType, description: 'The method.' }),
    headers: t.field({
      type: [HeaderType],
      complexity: { field: 1, multiplier: 2 },
      description: 'Headers that are sent.',
      resolve: ({ headers }) => Object.entries(headers),
    }),
    intervalMs: t.exposeFloat('intervalMs', {
      description: 'How often it is checked: milliseconds from the beginning of one to the next.',
    }),
    extendedInterval: t.exposeBoolean('extendedInterval', {
      description: 'Whether the interval may be longer than 1000 ms.',
    }),
    timeoutMs: t.exposeFloat('timeoutMs', {
      description: 'How long the whole check may take, in milliseconds.',
    }),
    expectedStatus: t.stringList({
      description: 'HTTP statuses, and ranges of them, that are good: `200-299`, `404`.',
      resolve: ({ expectedStatus }) => [...expectedStatus],
    }),
    conditions: t.stringList({
      description:
        'Expressions that must be true of an answer. They read `body` (parsed from JSON), `status` and `responseTimeMs`.',
      resolve: ({ conditions }) => [...conditions],
    }),
    degradedAboveMs: t.exposeFloat('degradedAboveMs', {
      nullable: true,
      description: 'A good answer that takes longer, in milliseconds, is DEGRADED; null for never.',
    }),
    maxBodyBytes: t.expose('maxBodyBytes', {
      type: 'Count',
      description: 'The most bytes that the body of an answer may have.',
    }),
    tls: t.field({
      type: TlsType,
      nullable: true,
      description: 'How a secure connection is made; null for the usual way.',
      resolve: ({ tls }) => tls,
    }),
  }),
});

export const ThresholdsType = builder.objectRef<Thresholds>('ServiceThresholds');
ThresholdsType.implement({
  description: 'When results make a status.',
  fields: (t) => ({
    failureThreshold: t.exposeInt('failureThreshold', {
      description: 'So many results in a row that are not good make it worse.',
    }),
    successThreshold: t.exposeInt('successThreshold', {
      description: 'So many good results in a row make it better.',
    }),
    windowSize: t.exposeInt('windowSize', {
      description: 'How many of the latest results are looked at for changes.',
    }),
    flapThreshold: t.exposeInt('flapThreshold', {
      description: 'So many changes among them, and it flaps: it is DEGRADED until it is steady.',
    }),
  }),
});

export const WindowType = builder.objectRef<WindowReading>('ServiceWindow');
WindowType.implement({
  description: 'The latest results of a service, as many as `thresholds.windowSize` at most.',
  fields: (t) => ({
    count: t.expose('count', { type: 'Count', description: 'How many there are.' }),
    failedCount: t.expose('failedCount', {
      type: 'Count',
      description: 'How many of them are UNHEALTHY.',
    }),
    changeCount: t.expose('changeCount', {
      type: 'Count',
      description: 'How many of them differ in their status from the one before.',
    }),
  }),
});

export const MaintenanceType = builder.objectRef<Maintenance>('ServiceMaintenance');
MaintenanceType.implement({
  description:
    'A time in which a service does not count, since somebody is at it. It is checked all the same.',
  fields: (t) => ({
    startedAt: t.expose('startedAt', { type: 'DateTime', description: 'When it began.' }),
    until: t.expose('until', { type: 'DateTime', description: 'When it ends by itself.' }),
    reason: t.exposeString('reason', { nullable: true, description: 'What it is for.' }),
    startedBy: t.exposeString('startedBy', {
      nullable: true,
      description: 'Who began it, as their key or token proves; null where it names nobody.',
    }),
  }),
});
