import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

/** What a client asks for, in the words of GraphQL over HTTP. */
export interface Params {
  readonly query?: string | null | undefined;
  /** Names a document that the server knows, in place of `query`. */
  readonly documentId?: string | null | undefined;
  readonly variables?: Record<string, unknown> | null | undefined;
  readonly operationName?: string | null | undefined;
  readonly extensions?: Record<string, unknown> | null | undefined;
}

const PARAM_NAMES: ReadonlySet<string> = new Set([
  'query',
  'documentId',
  'variables',
  'operationName',
  'extensions',
]);

/**
 * The body as text; `undefined` when it is too large: then the rest is not read. What is no UTF-8 is empty, which is no JSON
 * either. Rejected when the client goes away.
 */
export async function readBody(request: IncomingMessage, maxBodyBytes: number) {
  return new Promise<string | undefined>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBodyBytes) chunks.push(chunk);
      else {
        request.pause();
        resolve(undefined);
      }
    });
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      resolve(isUtf8(body) ? body.toString('utf8') : '');
    });
    request.on('error', reject);
  });
}

/** The parameters of a well-formed request, else `undefined`. */
export function readParams(body: string): Params | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || !Object.keys(value).every((key) => PARAM_NAMES.has(key)))
    return undefined;
  const { query, documentId, variables, operationName, extensions } = value;
  const { persistedQuery } = isRecord(extensions) ? extensions : {};
  const namesDocument = typeof documentId === 'string' || isRecord(persistedQuery);
  const isWellFormed =
    (typeof query === 'string' || (query == null && namesDocument)) &&
    (documentId == null || typeof documentId === 'string') &&
    (variables == null || isRecord(variables)) &&
    (operationName == null || typeof operationName === 'string') &&
    (extensions == null || isRecord(extensions));
  return isWellFormed ? (value as Params) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
