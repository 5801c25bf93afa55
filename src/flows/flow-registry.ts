import type { Flow } from '../engine/index.ts';
import { DomainError, NotFoundError } from '../lib/domain-error.ts';

/** Two flows have the same id. */
export class DuplicateFlowError extends DomainError {
  readonly code = 'DUPLICATE_FLOW';

  constructor(id: string) {
    super(`Two flows have the id "${id}". Rename one of them.`);
  }
}

/** The flows that jobs can be started of, in the order of their ids. */
export interface FlowRegistry {
  /** `undefined` when there is no such flow. */
  get(id: string): Flow | undefined;
  /** @throws NotFoundError that lists the flows there are */
  require(id: string): Flow;
  list(): readonly Flow[];
}

/** Makes the registry of flows that never change. @throws DuplicateFlowError when two have the same id */
export function createFlowRegistry(flows: readonly Flow[]): FlowRegistry {
  const sorted = flows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const byId = new Map<string, Flow>();
  for (const flow of sorted) {
    if (byId.has(flow.id)) throw new DuplicateFlowError(flow.id);
    byId.set(flow.id, flow);
  }
  return {
    get: (id) => byId.get(id),
    require(id) {
      const flow = byId.get(id);
      if (flow !== undefined) return flow;
      const known = sorted.map((each) => each.id).join(', ');
      throw new NotFoundError(
        'Flow',
        id,
        known === '' ? 'There are no flows.' : `Known: ${known}.`,
      );
    },
    list: () => sorted,
  };
}
