import type { Selectable } from 'kysely';
import { fromStoredText, toStoredText } from '../storage/stored-text.ts';
import type {
  ServiceStatesTable,
  ServicesTable,
  ServiceTransitionsTable,
} from '../storage/tables.ts';
import type {
  Explanation,
  KeptTransition,
  Maintenance,
  ServiceDefinition,
  ServiceStatus,
} from './service.ts';
import type { KeptService, KeptState } from './service-store.ts';

/* What is kept of services as rows of the database, and back. */

export function fromService(service: KeptService): ServicesTable {
  const { description, definition, idempotencyKey } = service;
  return {
    tenant: toStoredText(service.tenant),
    name: toStoredText(service.name),
    kind: service.kind,
    definition: definition === undefined ? null : JSON.stringify(definition),
    description: description === undefined ? null : toStoredText(description),
    expected_interval_ms: service.expectedIntervalMs ?? null,
    created_at: service.createdAt,
    updated_at: service.updatedAt,
    idempotency_key: idempotencyKey === undefined ? null : toStoredText(idempotencyKey),
  };
}

export function toService(row: Selectable<ServicesTable>): KeptService {
  return {
    tenant: fromStoredText(row.tenant),
    name: fromStoredText(row.name),
    kind: row.kind,
    definition: parse<ServiceDefinition>(row.definition),
    description: row.description === null ? undefined : fromStoredText(row.description),
    expectedIntervalMs: row.expected_interval_ms ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    idempotencyKey: row.idempotency_key === null ? undefined : fromStoredText(row.idempotency_key),
  };
}

export function fromState(state: KeptState): ServiceStatesTable {
  const { explanation, maintenance } = state;
  return {
    tenant: toStoredText(state.tenant),
    name: toStoredText(state.name),
    status: state.status,
    since: state.since,
    explanation: explanation === undefined ? null : JSON.stringify(explanation),
    maintenance: maintenance === undefined ? null : JSON.stringify(maintenance),
  };
}

export function toState(row: Selectable<ServiceStatesTable>): KeptState {
  return {
    tenant: fromStoredText(row.tenant),
    name: fromStoredText(row.name),
    status: row.status as ServiceStatus, // this store wrote it, as all that follows
    since: row.since,
    explanation: parse<Explanation>(row.explanation),
    maintenance: parse<Maintenance>(row.maintenance),
  };
}

export function fromTransition(transition: KeptTransition): ServiceTransitionsTable {
  return {
    id: transition.id,
    tenant: toStoredText(transition.tenant),
    service: toStoredText(transition.service),
    at: transition.at,
    from_status: transition.from,
    to_status: transition.to,
    explanation: JSON.stringify(transition.explanation),
  };
}

export function toTransition(row: Selectable<ServiceTransitionsTable>): KeptTransition {
  return {
    id: row.id,
    tenant: fromStoredText(row.tenant),
    service: fromStoredText(row.service),
    at: row.at,
    from: row.from_status as ServiceStatus,
    to: row.to_status as ServiceStatus,
    explanation: JSON.parse(row.explanation),
  };
}

/** What this store wrote as JSON. */
function parse<T>(json: string | null): T | undefined {
  return json === null ? undefined : JSON.parse(json);
}
