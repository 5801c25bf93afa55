import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Flow, type FlowFault, isFlow } from '../engine/index.ts';
import { messageOf } from '../lib/domain-error.ts';

/** The kinds of faults of flow modules. */
export type FlowModuleFaultCode =
  /** There is nothing at the path that was given. */
  | 'NOT_FOUND'
  /** The path that was given is a file. */
  | 'NOT_A_DIRECTORY'
  /** The directory holds no flow module. */
  | 'NO_FLOW_MODULES'
  /** The module exports no flow. */
  | 'NO_FLOW'
  /** The module, or something it imports, threw or can't be read. */
  | 'IMPORT_FAILED'
  /** The module defines a flow that can't run. */
  | 'INVALID_FLOW'
  /** Another module has a flow of the same id. */
  | 'DUPLICATE_FLOW'
  /** The module is TypeScript, which this Node can't run. */
  | 'TYPESCRIPT_UNSUPPORTED';

/** What is wrong with a flow module, or with the directory where flow modules should be. */
export interface FlowModuleFault {
  /** Absolute path of the file or directory. */
  readonly file: string;
  readonly code: FlowModuleFaultCode;
  /** For people: what is wrong and, where it helps, what to do. */
  readonly reason: string;
  /** Of INVALID_FLOW: everything that is wrong with the flow; else empty. */
  readonly flowFaults: readonly FlowFault[];
}

/** The flows that were found, and what is wrong with the rest. */
export interface LoadedFlows {
  /** In the order of their files, then of their names in the module. Ids are unique. */
  readonly flows: readonly Flow[];
  /** Empty when all is well. */
  readonly faults: readonly FlowModuleFault[];
}

/** `flow.ts`, `articles.flow.js` …; neither `flow.d.ts` nor `flow.test.ts`. */
const FLOW_MODULE = /^(?:.+\.)?flow\.m?[jt]s$/;

/**
 * Loads the flows of a directory. A flow module is a file called `flow` or `<name>.flow` with the ending `.js`,
 * `.mjs`, `.ts` or `.mts`, in the directory or anywhere below it; hidden directories, linked directories and
 * `node_modules` are passed over. All flows that it exports are taken, whatever their names. Modules are imported
 * one after the other; one that is at fault does not hide the others.
 *
 * Never throws: what is wrong, the directory itself included, is told in `faults`.
 */
export async function loadFlows(directory: string): Promise<LoadedFlows> {
  const root = resolve(directory);
  const found = await stat(root).catch(() => undefined);
  if (found === undefined) return failed(root, 'NOT_FOUND', 'There is no such directory.');
  if (!found.isDirectory()) return failed(root, 'NOT_A_DIRECTORY', 'It is not a directory.');
  const files = await findModules(root);
  if (files.length === 0) {
    const reason =
      'It holds no flow module; they are called flow or <name>.flow, with .js, .mjs, .ts or .mts.';
    return failed(root, 'NO_FLOW_MODULES', reason);
  }
  return loadModules(files);
}

/** Loads the flows of one module, whatever it is called. Never throws, as `loadFlows`. */
export async function loadFlowModule(file: string): Promise<LoadedFlows> {
  const path = resolve(file);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return failed(path, 'NOT_FOUND', 'There is no such file.');
  return loadModules([path]);
}

async function loadModules(files: readonly string[]): Promise<LoadedFlows> {
  const flows = new Map<string, { readonly flow: Flow; readonly file: string }>();
  const faults: FlowModuleFault[] = [];
  for (const file of files) {
    const result = await importFlows(file);
    if ('code' in result) faults.push(result);
    else {
      for (const flow of result) {
        const other = flows.get(flow.id);
        if (other === undefined) flows.set(flow.id, { flow, file });
        else if (other.flow !== flow) {
          const reason = `Flow id "${flow.id}" is taken by ${other.file}. Rename one of them.`;
          faults.push(fault(file, 'DUPLICATE_FLOW', reason));
        }
      }
    }
  }
  return { flows: [...flows.values()].map(({ flow }) => flow), faults };
}

async function importFlows(file: string): Promise<readonly Flow[] | FlowModuleFault> {
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>; // a module is an object
  } catch (error) {
    return importFault(file, error);
  }
  const flows = [...new Set(Object.values(exported).filter(isFlow))];
  return flows.length > 0
    ? flows
    : fault(file, 'NO_FLOW', 'It exports no flow; export what defineFlow(…) returns.');
}

function importFault(file: string, error: unknown): FlowModuleFault {
  const { code, faults, stack } = (
    typeof error === 'object' && error !== null ? error : {}
  ) as Record<string, unknown>; // any object can be thrown; each property is looked at below
  if (code === 'INVALID_FLOW' && Array.isArray(faults)) {
    // By code, since the module may have another copy of the engine than this process.
    return { file, code: 'INVALID_FLOW', reason: messageOf(error), flowFaults: faults };
  }
  const message = messageOf(error);
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.m?ts\b/.test(message)) {
    const reason = `Node ${process.versions.node} can't run TypeScript. Use Node 22.18 or newer, start Node with \`--import tsx\`, or compile the module to JavaScript.`;
    return fault(file, 'TYPESCRIPT_UNSUPPORTED', reason);
  }
  const line = typeof stack === 'string' ? lineIn(stack, file) : undefined;
  return fault(file, 'IMPORT_FAILED', line === undefined ? message : `line ${line}: ${message}`);
}

/** The line of the file that a stack names first. */
function lineIn(stack: string, file: string): string | undefined {
  for (const place of [pathToFileURL(file).href, file]) {
    const at = stack.indexOf(`${place}:`);
    if (at >= 0) return /^\d+/.exec(stack.slice(at + place.length + 1))?.[0];
  }
  return undefined;
}

async function findModules(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const files: string[] = [];
  for (const entry of entries) {
    const { name } = entry;
    const path = join(directory, name);
    if (entry.isDirectory()) {
      if (!name.startsWith('.') && name !== 'node_modules')
        files.push(...(await findModules(path)));
    } else if (FLOW_MODULE.test(name)) files.push(path);
  }
  return files;
}

function fault(file: string, code: FlowModuleFaultCode, reason: string): FlowModuleFault {
  return { file, code, reason, flowFaults: [] };
}

function failed(file: string, code: FlowModuleFaultCode, reason: string): LoadedFlows {
  return { flows: [], faults: [fault(file, code, reason)] };
}
