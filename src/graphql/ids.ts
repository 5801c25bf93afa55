import { ValidationError } from '../lib/domain-error.ts';

/** The types that can be fetched by `node`. */
const NODE_TYPES = [
  'Flow',
  'Routine',
  'Job',
  'JobRoutine',
  'SlotQueue',
  'DebugSession',
  'Breakpoint',
  'AuditEntry',
] as const;

export type NodeType = (typeof NODE_TYPES)[number];

/** Ids in the API are readable: `Job:<uuid>`, `Routine:articles/clean`. */
export function encodeId(type: string, id: string | number | bigint): string {
  return `${type}:${id}`;
}

/** @throws ValidationError when it is not an id of a type that can be fetched by `node` */
export function decodeId(
  globalId: string,
  path: readonly string[],
): { typename: string; id: string } {
  const at = globalId.indexOf(':');
  const typename = globalId.slice(0, Math.max(at, 0));
  const id = globalId.slice(at + 1);
  if (id === '' || !NODE_TYPES.some((type) => type === typename)) {
    const message = `"${globalId}" is not an id. Ids are a type and a name, such as "Flow:articles"; the types are ${NODE_TYPES.join(', ')}.`;
    throw new ValidationError([{ path, message }]);
  }
  return { typename, id };
}

/**
 * The part of an id behind its type. A bare id, without a type, is taken as one of the type wanted, which is handy
 * for flows.
 * @throws ValidationError when it is an id of another type
 */
export function localId(wanted: NodeType, globalId: string, path: readonly string[]): string {
  if (globalId !== '' && !globalId.includes(':')) return globalId;
  const { typename, id } = decodeId(globalId, path);
  if (typename === wanted) return id;
  const message = `"${globalId}" is the id of a ${typename}; this takes the id of a ${wanted}.`;
  throw new ValidationError([{ path, message }]);
}

/**
 * The name of a routine in its flow, from that name itself or from the id of the routine or of a job's routine.
 * @throws ValidationError when it is an id of another type
 */
export function routineName(nameOrId: string, path: readonly string[]): string {
  if (!nameOrId.includes(':')) return nameOrId;
  const wanted = nameOrId.startsWith('JobRoutine:') ? 'JobRoutine' : 'Routine';
  const id = localId(wanted, nameOrId, path);
  return id.slice(id.indexOf('/') + 1);
}
