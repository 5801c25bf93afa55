import { type Issue, ValidationError } from '../lib/domain-error.ts';
import { DEFAULT_TENANT } from '../lib/identity.ts';
import { checkAgents, TENANT_FORM } from './check-agents.ts';
import { findCycle } from './dependencies.ts';
import type { HealthOptions } from './health-options.ts';
import type { ServiceSpec } from './monitored-service.ts';
import { readServiceDefinition } from './service-definition.ts';
import { serviceKey, specOfDefinition } from './service-specs.ts';

/**
 * Reads the services of the configuration, and checks the agents.
 * @param now when they are taken to be made; milliseconds since the Unix epoch
 * @throws ValidationError with everything that is wrong, at `services[0].url`, `agents[0].name` and the like
 */
export function readConfigured(
  { services = [], agents = [] }: HealthOptions,
  now: number,
): readonly ServiceSpec[] {
  const issues: Issue[] = [];
  const specs = new Map<string, ServiceSpec>();
  services.forEach(({ tenant = DEFAULT_TENANT, ...config }, at) => {
    if (typeof tenant !== 'string' || tenant === '') {
      issues.push({ path: ['services', at, 'tenant'], message: TENANT_FORM });
      return;
    }
    try {
      const definition = readServiceDefinition(config);
      const spec = specOfDefinition(definition, {
        tenant,
        origin: 'CONFIGURATION',
        createdAt: now,
        updatedAt: now,
      });
      if (specs.has(serviceKey(spec))) {
        const message = `There are two services "${spec.name}". Give one another name.`;
        issues.push({ path: ['services', at, 'name'], message });
      }
      specs.set(serviceKey(spec), spec);
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      for (const { path, message } of error.issues) {
        issues.push({ path: ['services', at, ...path], message });
      }
    }
  });
  for (const { tenant, name, dependsOn } of specs.values()) {
    const cycle = findCycle(
      name,
      dependsOn,
      (other) => specs.get(serviceKey({ tenant, name: other }))?.dependsOn,
    );
    if (cycle === undefined) continue;
    const message = `${cycle.map((each) => `"${each}"`).join(' needs ')}: that is a circle.`;
    issues.push({ path: ['services', name, 'dependsOn'], message });
    break;
  }
  issues.push(...checkAgents(agents));
  if (issues.length > 0) throw new ValidationError(issues);
  return [...specs.values()];
}
