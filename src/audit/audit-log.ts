import type { Clock } from '../lib/clock.ts';
import {
  DomainError,
  ForbiddenError,
  NotFoundError,
  TooCostlyError,
  UnauthenticatedError,
  ValidationError,
} from '../lib/domain-error.ts';
import { newId } from '../lib/ids.ts';
import type { Tenanted } from '../lib/tenanted.ts';
import type {
  AuditChanges,
  AuditEntry,
  AuditFilter,
  AuditOutcome,
  AuditQuery,
} from './audit-entry.ts';
import { createAuditStore } from './audit-store.ts';
import { maskStart } from './mask-secrets.ts';
import { readChanges } from './read-changes.ts';
import { writeArguments } from './write-arguments.ts';

/** How long an answer waits for its entry at most, in milliseconds. */
const WRITE_DEADLINE_MS = 3_000;

const LONGEST_MESSAGE = 2_000;
const LONGEST_NAME = 500;

/** What somebody asks for. */
export interface AuditedRequest {
  /** Name of the mutation. */
  readonly operation: string;
  readonly arguments: unknown;
  /** Who asks, where that was proved; what somebody merely says of themselves is among the arguments. */
  readonly actor: string | undefined;
  readonly address: string | undefined;
}

/** An error as the API shows it. */
export type ShownError = Pick<DomainError, 'code' | 'message'>;

/** A change that is being made. One of its functions is to be called, once, before it is answered. None ever throws. */
export interface AuditedChange {
  /**
   * It was done.
   * @param answer the payload; what it says of a job names what was changed, and a `change` (of the debugger's `Change`)
   * says what was there before and after
   */
  succeeded(answer: unknown): Promise<void>;
  /** It was refused with an error that the API shows as one that can be expected. */
  refused(error: ShownError): Promise<void>;
  /** It threw. Errors of the request (no right, not valid, too costly) count as refused. */
  threw(error: unknown): Promise<void>;
}

/**
 * Who asked for which change, when, with what, and what came of it. Each function of a change is kept when its entry is
 * on disk; when that is not done within 3 seconds, or fails, this is written to the program's log, and the answer goes
 * out without. So the audit log has a hole only where the program's log has a line for it.
 */
export type AuditLog = Tenanted<TenantAuditLog>;

/** What one tenant asked for. */
export interface TenantAuditLog {
  /** Takes note of what is asked for, as it is now. */
  begin(request: AuditedRequest): AuditedChange;
  /** Newest first. */
  list(query: AuditQuery): Promise<AuditEntry[]>;
  count(filter: AuditFilter): Promise<number>;
  /** In the order of the ids. */
  getMany(ids: readonly string[]): Promise<(AuditEntry | undefined)[]>;
}

export interface AuditLogParts {
  readonly database: Parameters<typeof createAuditStore>[0];
  readonly clock: Clock;
  /** Where it is written when an entry could not be. */
  readonly logger: { error(facts: object, message: string): void };
}

export function createAuditLog({ database, clock, logger }: AuditLogParts): AuditLog {
  const store = createAuditStore(database);

  const record = async (entry: AuditEntry): Promise<void> => {
    try {
      await store.insert(entry, WRITE_DEADLINE_MS);
    } catch (err) {
      const { arguments: _, ...facts } = entry;
      logger.error({ err, audit: facts }, 'A change could not be written to the audit log.');
    }
  };

  return {
    forTenant: (tenant) => ({
      begin({ operation, arguments: given, actor, address }) {
        const asked = {
          id: newId(),
          tenant,
          at: clock.now(),
          operation,
          actor: actor?.slice(0, LONGEST_NAME),
          address,
          arguments: writeArguments(given),
        };
        const wanted = targetAskedFor(operation, given);
        const startMs = clock.monotonicMs();
        const end = (outcome: AuditOutcome, target: string | undefined, came: Outcome) =>
          record({
            ...asked,
            outcome,
            target: maskTarget(target),
            errorCode: came.error?.code,
            errorMessage: came.error && maskStart(came.error.message, LONGEST_MESSAGE),
            durationMs: clock.monotonicMs() - startMs,
            changes: came.changes,
          });
        return {
          succeeded: (answer) =>
            end('SUCCEEDED', jobAnswered(answer) ?? wanted, {
              changes: readChanges(answer, read(read(given, 'input'), 'path')),
            }),
          refused: (error) => end('REFUSED', wanted, { error }),
          threw: (error) =>
            end(isOfRequest(error) ? 'REFUSED' : 'FAILED', wanted, {
              error: error instanceof DomainError ? error : UNEXPECTED,
            }),
        };
      },
      list: (query) => store.list(tenant, { ...query, filter: maskFilter(query.filter) }),
      count: (filter) => store.count(tenant, maskFilter(filter)),
      getMany: (ids) => store.getMany(tenant, ids),
    }),
  };
}

interface Outcome {
  readonly error?: ShownError | undefined;
  readonly changes?: AuditChanges | undefined;
}

/** As in the API, nothing is shown of an error that was not meant to be. */
const UNEXPECTED: ShownError = { code: 'INTERNAL_SERVER_ERROR', message: 'Unexpected error.' };

function isOfRequest(error: unknown): boolean {
  return [
    UnauthenticatedError,
    ForbiddenError,
    ValidationError,
    NotFoundError,
    TooCostlyError,
  ].some((type) => error instanceof type);
}

/** The global id of the job that a payload tells of. */
function jobAnswered(answer: unknown): string | undefined {
  const id = read(read(answer, 'job'), 'id');
  return typeof id === 'string' ? `Job:${id}` : undefined;
}

/** What names what something is to be done to, by the field of the input; the first that is given counts. */
const TARGETS = [
  ['jobId', 'Job'],
  ['breakpointId', 'Breakpoint'],
  ['alertRuleId', 'AlertRule'],
  ['alertId', 'Alert'],
  ['flowId', 'Flow'],
  ['serviceId', 'Service'],
] as const;

/** Operations whose input has a name of its own for what is to be made or told of; what its id has before that. */
const NAMED: Readonly<Record<string, string>> = {
  addService: 'Service:',
  addAlertRule: 'AlertRule:',
  reportAgentStatus: 'Service:agent:',
};

/** The global id of what something is to be done to. */
function targetAskedFor(operation: string, given: unknown): string | undefined {
  const input = read(given, 'input');
  const name = read(input, 'name');
  const prefix = NAMED[operation];
  if (prefix !== undefined && typeof name === 'string') return `${prefix}${name}`;
  for (const [field, type] of TARGETS) {
    const id = read(input, field);
    if (typeof id === 'string') return hasType(id, type) ? id : `${type}:${id}`;
  }
  return undefined;
}

/** Whether it is an id, not a bare name. Names of services may have a colon, too, but none after a capitalised word. */
function hasType(id: string, type: string): boolean {
  return type === 'Service' ? /^[A-Z][A-Za-z]*:/.test(id) : id.includes(':');
}

/** A target as it is kept: a client may write anything where an id belongs. */
function maskTarget(target: string | undefined): string | undefined {
  return target === undefined ? undefined : maskStart(target, LONGEST_NAME);
}

/** So that entries are found by the id that was sent. */
function maskFilter(filter: AuditFilter): AuditFilter {
  return { ...filter, target: maskTarget(filter.target) };
}

function read(of: unknown, key: string): unknown {
  try {
    return (of as Readonly<Record<string, unknown>> | null | undefined)?.[key];
  } catch {
    return undefined; // it fights back
  }
}
