import { resolve } from 'node:path';
import { messageOf } from '../lib/domain-error.ts';
import * as server from '../server/documents/read-trusted-documents.ts';
import type { Settings } from './setting.ts';

/**
 * The documents of the manifest that `trustedDocuments` names, by the SHA-256 of their texts in hexadecimal; `undefined`
 * where none is named. What is wrong is answered as a sentence.
 * @param directory what the path starts from
 */
export async function readTrustedDocuments(
  { trustedDocuments: { value: path, as } }: Settings,
  directory: string,
): Promise<ReadonlyMap<string, string> | string | undefined> {
  if (typeof path !== 'string') return undefined;
  try {
    return (await server.readTrustedDocuments(resolve(directory, path))).documents;
  } catch (error) {
    return `${as}: ${messageOf(error)}`;
  }
}
