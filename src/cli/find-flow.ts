import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Flow } from '../engine/index.ts';
import {
  type FlowModuleFault,
  type LoadedFlows,
  loadFlowModule,
  loadFlows,
} from '../flows/flow-loader.ts';
import { UsageError } from './command.ts';

/** The flows that come with the package: beside `src`, in the source and in the build. */
export const EXAMPLES_DIRECTORY = fileURLToPath(new URL('../../examples/', import.meta.url));

/** What `findFlow` found. */
export interface FoundFlow {
  /** `undefined` when the module it should come from is at fault. */
  readonly flow: Flow | undefined;
  /** What is wrong with modules that were looked at. */
  readonly faults: readonly FlowModuleFault[];
}

/**
 * Finds a flow by its id in a directory, or in a module that is named by its path.
 * @param name an id, a path, or `path#id` for a module that has several flows
 * @throws UsageError when there is no such flow
 */
export async function findFlow(name: string, directory: string | undefined): Promise<FoundFlow> {
  const [path = name, wantedId] = name.split('#', 2);
  if (/[\\/]|\.m?[jt]s$/.test(path) || (wantedId !== undefined && existsSync(path))) {
    return findInModule(path, wantedId);
  }
  const { flows, faults } = await loadFlows(directory ?? EXAMPLES_DIRECTORY);
  const flow = flows.find(({ id }) => id === name);
  if (flow === undefined && faults.length === 0) {
    throw new UsageError(`There is no flow "${name}". ${listFlows({ flows, faults })}`);
  }
  return { flow, faults };
}

async function findInModule(path: string, id: string | undefined): Promise<FoundFlow> {
  const { flows, faults } = await loadFlowModule(path);
  const [first, ...others] = flows;
  if (faults.length > 0 || first === undefined) return { flow: undefined, faults };
  if (id === undefined && others.length > 0) {
    const advice = `Name one of them, as in ${path}#${first.id}.`;
    throw new UsageError(`${path} has several flows. ${listFlows({ flows, faults })} ${advice}`);
  }
  const flow = id === undefined ? first : flows.find((each) => each.id === id);
  if (flow === undefined) {
    throw new UsageError(`${path} has no flow "${id}". ${listFlows({ flows, faults })}`);
  }
  return { flow, faults };
}

function listFlows({ flows }: LoadedFlows): string {
  return flows.length === 0 ? 'There are none.' : `Known: ${flows.map(({ id }) => id).join(', ')}.`;
}

/** The faults as people read them, one module after the other. */
export function describeFaults(faults: readonly FlowModuleFault[]): string {
  return faults
    .map(({ file, code, reason, flowFaults }) => {
      if (flowFaults.length === 0) return `${file}\n  ${code}: ${reason}`;
      const lines = flowFaults.map((fault) => {
        const place = fault.at === undefined ? '' : ` at ${fault.at}`;
        return `\n  ${fault.code}${place}: ${fault.message}`;
      });
      return `${file}${lines.join('')}`;
    })
    .join('\n');
}
