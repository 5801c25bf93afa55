import { readFile } from 'node:fs/promises';
import { GraphQLError, parse } from 'graphql';
import { DomainError, messageOf } from '../../lib/domain-error.ts';
import { hashText, type TrustedDocuments } from './documents.ts';

/** So many faults of a file are told. */
const MOST_TOLD = 10;

/** A file of trusted documents can't be used. */
export class TrustedDocumentsError extends DomainError {
  readonly code = 'INVALID_TRUSTED_DOCUMENTS';
}

/**
 * Reads the documents that a server is to answer, and no others, from a JSON file: an object with the text of each by the
 * SHA-256 of the text in hexadecimal, with `sha256:` before it or not, as GraphQL Code Generator and others write it.
 * @throws TrustedDocumentsError when it can't be read or is not as it must be, with all that is wrong
 */
export async function readTrustedDocuments(path: string): Promise<TrustedDocuments> {
  const content = await read(path);
  const documents = new Map<string, string>();
  const faults: string[] = [];
  for (const [name, text] of Object.entries(content)) {
    const hash = name.replace(/^sha256:/, '').toLowerCase();
    const fault = findFault(hash, text);
    if (fault === undefined) documents.set(hash, String(text));
    else faults.push(fault);
  }
  if (documents.size === 0 && faults.length === 0) faults.push('It has none.');
  if (faults.length > 0) {
    const told = faults.slice(0, MOST_TOLD).join(' ');
    const rest = faults.length > MOST_TOLD ? ` And ${faults.length - MOST_TOLD} more.` : '';
    throw new TrustedDocumentsError(
      `The trusted documents in ${path} can't be used. ${told}${rest}`,
    );
  }
  return { documents, mode: 'only' };
}

async function read(path: string): Promise<object> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const message = `The trusted documents in ${path} can't be read: ${messageOf(error)}`;
    throw new TrustedDocumentsError(message, { cause: error });
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content;
  const form = 'Write an object: { "<SHA-256 of the text, in hexadecimal>": "<text>" }.';
  throw new TrustedDocumentsError(`The trusted documents in ${path} are no object. ${form}`);
}

function findFault(hash: string, text: unknown): string | undefined {
  const shown = hash.length > 80 ? `${hash.slice(0, 80)}…` : hash;
  if (typeof text !== 'string') return `What "${shown}" names is no text.`;
  if (hashText(text) !== hash) return `"${shown}" is not the SHA-256 of its text.`;
  try {
    parse(text);
    return undefined;
  } catch (error) {
    if (error instanceof GraphQLError) return `"${shown}" has a fault: ${error.message}`;
    throw error;
  }
}
