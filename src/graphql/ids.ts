import { type Issue, ValidationError } from '../lib/domain-error.ts';

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
  'AlertRule',
  'Alert',
  'Service',
] as const;

export type NodeType = (typeof NODE_TYPES)[number];

/** Ids in the API are readable: `Job:<uuid>`, `Routine:articles/clean`. */
export function encodeId(type: string, id: string | number | bigint): string {
  return `${type}:${id}`;
}

/** @throws ValidationError when it is not an id of a type that can be fetched by `node` */
export function decodeId(globalId: string, path: Issue['path']): { typename: string; id: string } {
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
export function localId(wanted: NodeType, globalId: string, path: Issue['path']): string {
  if (globalId !== '' && !globalId.includes(':')) return globalId;
  const { typename, id } = decodeId(globalId, path);
  if (typename === wanted) return id;
  const message = `"${globalId}" is the id of a ${typename}; this takes the id of a ${wanted}.`;
  throw new ValidationError([{ path, message }]);
}

/**
 * The name of a service, from that name itself or from its id. Names may have a colon, too: `agent:crawler` and
 * `Service:agent:crawler` are the same.
 * @throws ValidationError when it is an id of another type
 */
export function serviceName(nameOrId: string, path: Issue['path']): string {
  const typename = nameOrId.slice(0, Math.max(nameOrId.indexOf(':'), 0));
  const isId = nameOrId === '' || NODE_TYPES.some((type) => type === typename);
  return isId ? localId('Service', nameOrId, path) : nameOrId;
}

/** Whose a routine is, as far as that is known. */
export interface RoutineOwner {
  /** Name of the flow. */
  readonly flowId?: string | undefined;
  /** The job, without `Job:`. */
  readonly jobId?: string | undefined;
}

/**
 * What names a routine, taken apart: its name in its flow, or the id of it or of a job's routine.
 * @throws ValidationError when it is an id of another type
 */
export function routineParts(
  nameOrId: string,
  path: Issue['path'],
): RoutineOwner & { readonly name: string } {
  if (!nameOrId.includes(':')) return { name: nameOrId };
  const wanted = nameOrId.startsWith('JobRoutine:') ? 'JobRoutine' : 'Routine';
  const id = localId(wanted, nameOrId, path);
  const end = id.indexOf('/');
  const name = id.slice(end + 1);
  const owner = id.slice(0, Math.max(end, 0));
  return wanted === 'Routine' ? { name, flowId: owner } : { name, jobId: owner };
}

/**
 * The name of a routine in its flow, from that name itself or from the id of the routine or of a job's routine.
 * @param owner whose it has to be
 * @throws ValidationError when it is an id of another type, or of another owner's routine
 */
export function routineName(
  nameOrId: string,
  path: Issue['path'],
  owner: RoutineOwner = {},
): string {
  const { name, flowId, jobId } = routineParts(nameOrId, path);
  const refuse = (kind: string, given: string, wanted: string) => {
    const message = `"${nameOrId}" is a routine of ${kind} "${given}"; this is about ${kind} "${wanted}".`;
    throw new ValidationError([{ path, message }]);
  };
  const isOther = (given: string | undefined, wanted: string | undefined): given is string =>
    given !== undefined && wanted !== undefined && given !== wanted;
  if (isOther(flowId, owner.flowId)) refuse('flow', flowId, owner.flowId ?? '');
  if (isOther(jobId, owner.jobId)) refuse('job', jobId, owner.jobId ?? '');
  return name;
}
