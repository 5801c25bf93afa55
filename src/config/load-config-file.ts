import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../lib/domain-error.ts';

const NAMES = ['ts', 'mts', 'js', 'mjs'].map((ending) => `millrace.config.${ending}`);

/** A configuration file that was looked for. */
export interface LoadedConfigFile {
  /** Absolute; `undefined` when there is none, and none was asked for. */
  readonly path: string | undefined;
  /** What it exports as default, unchecked. */
  readonly values: Readonly<Record<string, unknown>>;
  /** With the path of the file. */
  readonly faults: readonly string[];
}

/**
 * Loads `millrace.config.ts` (or `.mts`, `.js`, `.mjs`) of a directory. Never throws: what is wrong is told in `faults`.
 * @param named path of another one that was asked for, from the directory
 */
export async function loadConfigFile(
  directory: string,
  named: string | undefined,
): Promise<LoadedConfigFile> {
  const paths = (named === undefined ? NAMES : [named]).map((name) => resolve(directory, name));
  const found = paths.filter((path) => existsSync(path));
  const [path] = found;
  if (path === undefined) {
    const faults = named === undefined ? [] : [`There is no configuration file ${paths[0]}.`];
    return { path: undefined, values: {}, faults };
  }
  if (found.length > 1) {
    const fault = `There are several configuration files: ${found.join(', ')}. Leave one, or name one with --config.`;
    return { path: undefined, values: {}, faults: [fault] };
  }
  const failed = (fault: string) => ({ path, values: {}, faults: [`${path}: ${fault}`] });
  try {
    const module: object = await import(pathToFileURL(path).href);
    if (!('default' in module))
      return failed('It has no default export; write `export default { … }`.');
    const values = module.default;
    if (typeof values !== 'object' || values === null || Array.isArray(values))
      return failed('Its default export is no object with options.');
    return { path, values: { ...values }, faults: [] };
  } catch (error) {
    return failed(explain(error));
  }
}

/** The first line only: what comes behind may show the text of the file. */
function explain(error: unknown): string {
  const message = messageOf(error);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.m?ts\b/.test(message)) {
    return `Node ${process.versions.node} can't run TypeScript. Use Node 22.18 or newer, start Node with \`--import tsx\`, or write it in JavaScript.`;
  }
  const [first = ''] = message.split('\n', 1);
  return `It can't be loaded: ${first}`;
}
