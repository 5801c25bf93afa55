import { DEFAULT_TENANT } from '../lib/identity.ts';
import type { PulledAgent } from './function-probe.ts';
import type { ServiceSpec } from './monitored-service.ts';
import type { ServiceDefinition, ServiceOrigin, Thresholds } from './service.ts';
import type { KeptService } from './service-store.ts';

/** An agent knows how it is: what it says counts at once, unless it keeps changing its mind. */
const AGENT_THRESHOLDS: Thresholds = {
  failureThreshold: 1,
  successThreshold: 1,
  windowSize: 20,
  flapThreshold: 6,
};

/** One slow moment of the server is no news. */
const PART_THRESHOLDS: Thresholds = {
  ...AGENT_THRESHOLDS,
  failureThreshold: 3,
  successThreshold: 2,
};

/** Of what is asked by a function, in milliseconds. */
const DEFAULT_INTERVAL_MS = 5_000;
const DEFAULT_TIMEOUT_MS = 5_000;

/** Names a service among those of all tenants. */
export function serviceKey({ tenant, name }: Pick<ServiceSpec, 'tenant' | 'name'>): string {
  return JSON.stringify([tenant, name]);
}

/** What agents are listed as. */
export function agentName(name: string): string {
  return `agent:${name}`;
}

/** A service that is checked over HTTP. */
export function specOfDefinition(
  definition: ServiceDefinition,
  of: Pick<ServiceSpec, 'tenant' | 'origin' | 'createdAt' | 'updatedAt'>,
): ServiceSpec {
  const { failureThreshold, successThreshold, windowSize, flapThreshold } = definition;
  return {
    ...of,
    name: definition.name,
    kind: 'HTTP',
    description: definition.description,
    definition,
    asked: undefined,
    thresholds: { failureThreshold, successThreshold, windowSize, flapThreshold },
    intervalMs: definition.intervalMs,
    dependsOn: definition.dependsOn,
  };
}

/** A service that is kept in the database. */
export function specOfKept(kept: KeptService): ServiceSpec {
  const { tenant, createdAt, updatedAt } = kept;
  if (kept.definition !== undefined) {
    return specOfDefinition(kept.definition, { tenant, origin: 'API', createdAt, updatedAt });
  }
  return {
    tenant,
    name: kept.name,
    kind: 'AGENT',
    origin: 'REPORT',
    description: kept.description,
    definition: undefined,
    asked: undefined,
    thresholds: AGENT_THRESHOLDS,
    intervalMs: kept.expectedIntervalMs,
    dependsOn: [],
    createdAt,
    updatedAt,
  };
}

/** An agent that is asked by a function; or, with the origin SERVER, a part of the server, under the name it has. */
export function specOfPulled(
  agent: PulledAgent,
  origin: ServiceOrigin & ('LIBRARY' | 'SERVER'),
  now: number,
): ServiceSpec {
  const { intervalMs = DEFAULT_INTERVAL_MS, timeoutMs = DEFAULT_TIMEOUT_MS } = agent;
  const isPart = origin === 'SERVER';
  return {
    tenant: agent.tenant ?? DEFAULT_TENANT,
    name: isPart ? agent.name : agentName(agent.name),
    kind: isPart ? 'PART' : 'AGENT',
    origin,
    description: agent.description,
    definition: undefined,
    asked: { read: agent.read, timeoutMs },
    thresholds: isPart ? PART_THRESHOLDS : AGENT_THRESHOLDS,
    intervalMs,
    dependsOn: [],
    createdAt: now,
    updatedAt: now,
  };
}
