import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { OPTIONS } from './options.ts';
import type { Setting, Settings } from './setting.ts';

/**
 * The secret of JSON Web Tokens, where it stands in a file of its own; `undefined` where no file is named. What is wrong
 * is answered as a sentence.
 * @param directory what the path starts from
 */
export async function readSecretFile(
  { jwtSecret, jwtSecretFile }: Settings,
  directory: string,
): Promise<Setting | string | undefined> {
  const { value: path, from, as } = jwtSecretFile;
  if (typeof path !== 'string') return undefined;
  if (jwtSecret.value !== undefined)
    return `${jwtSecret.as} and ${as} can't both be given: each says the secret.`;
  const text = await readFile(resolve(directory, path), 'utf8').catch((error: unknown) => ({
    code: error instanceof Error && 'code' in error ? String(error.code) : 'unknown',
  }));
  if (typeof text !== 'string') return `${as}: the file ${path} can't be read (${text.code}).`;
  const { success, data, error } = OPTIONS.jwtSecret.schema.safeParse(text.trim());
  return success
    ? { value: data, from, as }
    : `${as}: what is in ${path} ${error.issues[0]?.message}.`;
}
