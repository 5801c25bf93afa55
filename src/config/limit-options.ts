import type { OperationLimits } from '../graphql/context.ts';
import { DEFAULT_LIMITS, type ServerLimits } from '../server/limits.ts';
import { type Option, wholeNumber } from './option.ts';

const HOUR_MS = 3_600_000;
const MIB = 1024 * 1024;
const MILLION = 1_000_000;

/** What one client may ask of the server: an option of the same name for each of `ServerLimits`. */
export const serverLimitOptions = {
  maxBodyBytes: count('maxBodyBytes', 'largest body of a request, in bytes', 1024, 100 * MIB),
  maxUrlLength: count('maxUrlLength', 'longest URL of a request, in characters', 256, 100_000),
  maxHeaderBytes: count(
    'maxHeaderBytes',
    'largest head of a request, URL and headers, in bytes',
    1024,
    MIB,
  ),
  maxHeaders: count('maxHeaders', 'most headers of a request', 10, 2000),
  headersTimeoutMs: duration(
    'headersTimeoutMs',
    'how long a client may take to send the head of a request, in milliseconds',
    100,
  ),
  requestTimeoutMs: duration(
    'requestTimeoutMs',
    'how long a client may take to send a whole request, in milliseconds',
    100,
  ),
  maxHttpConnections: count(
    'maxHttpConnections',
    'most connections open at once besides WebSockets',
    1,
    MILLION,
  ),
  maxFrameBytes: count(
    'maxFrameBytes',
    'largest message that a WebSocket client may send, in bytes',
    1024,
    100 * MIB,
  ),
  maxDocumentLength: count(
    'maxDocumentLength',
    'longest GraphQL document, in characters',
    100,
    10 * MILLION,
  ),
  maxDocumentTokens: count(
    'maxDocumentTokens',
    'most tokens (names, punctuation, values) of a GraphQL document',
    10,
    100_000,
  ),
  maxDocumentFields: count(
    'maxDocumentFields',
    'most fields of an operation, those of a fragment counted wherever it is used',
    1,
    100_000,
  ),
  maxDocumentDepth: count(
    'maxDocumentDepth',
    'deepest nesting of fields, those of introspection too',
    1,
    1000,
  ),
  maxAliases: count(
    'maxAliases',
    'most aliases of an operation, those of a fragment counted wherever it is used',
    0,
    100_000,
  ),
  maxDirectives: count('maxDirectives', 'most directives of a document', 0, 100_000),
  maxDirectivesPerNode: count(
    'maxDirectivesPerNode',
    'most directives in one place of a document',
    0,
    1000,
  ),
  maxVariablesDepth: count(
    'maxVariablesDepth',
    'deepest nesting of objects and lists in a variable',
    1,
    1000,
  ),
  requestsPerMinute: count(
    'requestsPerMinute',
    'most requests of one client in a minute; 0 for any number, as where nobody has to prove who they are',
    0,
    100 * MILLION,
  ),
  costPerMinute: count(
    'costPerMinute',
    'most that the operations of one client cost in a minute, in points; 0 for any cost, as there',
    0,
    100_000 * MILLION,
  ),
  costAtOnce: count(
    'costAtOnce',
    'most of it that one client spends at once, in points; what was spent comes back evenly',
    1,
    100_000 * MILLION,
  ),
  maxSockets: count('maxSockets', 'most WebSockets open at once', 1, MILLION),
  maxSocketsPerClient: count(
    'maxSocketsPerClient',
    'most WebSockets that one client (a subject, else a network address) has open at once',
    1,
    MILLION,
  ),
  maxSubscriptionsPerClient: count(
    'maxSubscriptionsPerClient',
    'most subscriptions of one client at once, over all its connections',
    1,
    MILLION,
  ),
  maxFailedAuthPerMinute: count(
    'maxFailedAuthPerMinute',
    'most tokens that are not valid from one network address within a minute',
    1,
    MILLION,
  ),
  maxOperationsPerSocket: count(
    'maxOperationsPerSocket',
    'most operations at once on one WebSocket',
    1,
    100_000,
  ),
  initTimeoutMs: duration(
    'initTimeoutMs',
    'how long a WebSocket may take to send connection_init, in milliseconds',
    100,
  ),
  heartbeatMs: duration('heartbeatMs', 'how often each WebSocket is pinged, in milliseconds', 1000),
  idleMs: duration(
    'idleMs',
    'a WebSocket without operations for so long is closed, in milliseconds',
    1000,
  ),
  maxSseReserved: count(
    'maxSseReserved',
    'most streams of server-sent events that are reserved and not opened yet',
    0,
    MILLION,
  ),
  maxSseReservedPerClient: count(
    'maxSseReservedPerClient',
    'most of them of one client',
    0,
    MILLION,
  ),
  sseReservedMs: duration(
    'sseReservedMs',
    'how long such a stream may be reserved without being opened, in milliseconds',
    100,
  ),
  stallMs: duration(
    'stallMs',
    'how long a client may take nothing of what it was sent, in milliseconds',
    1000,
  ),
  comeBackMinMs: duration(
    'comeBackMinMs',
    'when the server stops: shortest time after which clients come back, in milliseconds',
    0,
  ),
  comeBackMaxMs: duration('comeBackMaxMs', 'the longest, in milliseconds', 0),
  comeBackPerSecond: count(
    'comeBackPerSecond',
    'how many clients are to come back in one second',
    1,
    MILLION,
  ),
  closeGraceMs: duration(
    'closeGraceMs',
    'how long requests may take to be answered when the server stops, in milliseconds',
    0,
  ),
} satisfies { readonly [Limit in keyof ServerLimits]-?: Option<number> };

/** `maxDepth` of the limit `depth`. */
export type OperationLimitOption<Limit extends string> = Limit extends `max${string}`
  ? Limit
  : `max${Capitalize<Limit>}`;

/** What one operation may cost: for each of `OperationLimits` an option that begins with `max`. */
export const operationLimitOptions = {
  maxComplexity: wholeNumber(
    'most fields an answer may have, as estimated from the page sizes asked for',
    { least: 1, most: 1_000 * MILLION, default: 250_000 },
  ),
  maxDepth: wholeNumber('deepest nesting of fields', { least: 1, most: 1000, default: 15 }),
  maxBreadth: wholeNumber('most fields written in an operation', {
    least: 1,
    most: 100_000,
    default: 500,
  }),
} satisfies {
  readonly [Limit in keyof OperationLimits as OperationLimitOption<Limit>]-?: Option<number>;
};

function count(limit: keyof ServerLimits, description: string, least: number, most: number) {
  return wholeNumber(description, { least, most, default: DEFAULT_LIMITS[limit] });
}

function duration(limit: keyof ServerLimits, description: string, least: number) {
  const range = { placeholder: 'MS', least, most: HOUR_MS, default: DEFAULT_LIMITS[limit] };
  return wholeNumber(description, range);
}
