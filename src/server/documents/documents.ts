import { createHash } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { refusal } from './document-limits.ts';

/** The only documents that a server answers. */
export interface TrustedDocuments {
  /** Their texts, by the SHA-256 of the text in hexadecimal. */
  readonly documents: ReadonlyMap<string, string>;
  /** All others are refused. */
  readonly mode: 'only';
}

/** What a client sends to name a document. */
export interface DocumentRequest {
  readonly query?: string | null | undefined;
  /** A text, from proper clients. */
  readonly documentId?: unknown;
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Finds the documents that clients ask for, and knows which may be executed: the same for all transports. */
export class Documents {
  readonly #byHash: ReadonlyMap<string, string> | undefined;
  readonly #texts: ReadonlySet<string> | undefined;

  /** @param trusted by default every document may be executed */
  constructor(trusted?: TrustedDocuments) {
    if (trusted === undefined) return;
    this.#byHash = trusted.documents;
    this.#texts = new Set(trusted.documents.values());
  }

  /**
   * The text of the document that is asked for: what was sent, or what has the id of `documentId` or of
   * `extensions.persistedQuery.sha256Hash`; `undefined` when neither was sent; or the error that the client is to be told.
   */
  find(request: DocumentRequest): string | GraphQLError | undefined {
    const { query, documentId } = request;
    if (documentId != null && typeof documentId !== 'string') {
      return refusal('BAD_REQUEST', 'The id of a document must be a text.');
    }
    const hash = hashOf(request);
    if (hash === undefined) return query ?? undefined;
    const isSent = query !== undefined && query !== null && query !== '';
    if (this.#byHash === undefined) return isSent ? query : notSupported();
    const text = this.#byHash.get(hash);
    if (text === undefined) return notTrusted();
    return isSent && query !== text ? mismatch() : text;
  }

  /** Whether a document may be executed. To be asked about each, by whatever way it came. @throws GraphQLError if not */
  check(text: string): void {
    if (this.#texts?.has(text) === false) throw notTrusted();
  }
}

/** The SHA-256 of a document, in hexadecimal. */
export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What clients name a document by instead of its text: `sha256:…` or the bare hash; Apollo's clients in an extension. */
function hashOf({ documentId, extensions }: DocumentRequest): string | undefined {
  if (typeof documentId === 'string') return documentId.replace(/^sha256:/, '');
  const { persistedQuery } = extensions ?? {};
  const { sha256Hash } = Object(persistedQuery) as { readonly sha256Hash?: unknown };
  return typeof sha256Hash === 'string' ? sha256Hash : undefined;
}

function notTrusted(): GraphQLError {
  const message = 'This server answers only documents that it knows, and this is none of them.';
  return refusal('DOCUMENT_NOT_TRUSTED', message);
}

function mismatch(): GraphQLError {
  return refusal(
    'DOCUMENT_NOT_TRUSTED',
    'The document sent is not the one of the id sent with it.',
  );
}

/** In the words by which Apollo's clients know that they have to send the text. */
function notSupported(): GraphQLError {
  return new GraphQLError('PersistedQueryNotSupported', {
    extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED', http: { status: 400 } },
  });
}
