import { z } from 'zod';
import type { Issue } from '../lib/domain-error.ts';
import { DEFAULT_TENANT } from '../lib/identity.ts';
import { THING_NAME } from '../lib/thing-name.ts';
import type { PulledAgent } from './function-probe.ts';
import { LONGEST_INTERVAL_MS, NAME_FORM } from './read-report.ts';
import { serviceKey } from './service-specs.ts';

/** What is wrong with a tenant, for people. */
export const TENANT_FORM = 'must be a text that is not empty';

const LONGEST_TIMEOUT_MS = 600_000;

const agentSchema = z.object({
  name: z.string(NAME_FORM).regex(THING_NAME, NAME_FORM),
  tenant: z.string(TENANT_FORM).min(1, TENANT_FORM).optional(),
  description: z.string('must be a text').optional(),
  intervalMs: milliseconds(50, LONGEST_INTERVAL_MS),
  timeoutMs: milliseconds(1, LONGEST_TIMEOUT_MS),
  read: z.custom((value) => typeof value === 'function', 'must be a function'),
});

/** Answers everything that is wrong with the agents of the options, at `agents[0].intervalMs` and the like. */
export function checkAgents(agents: readonly PulledAgent[]): Issue[] {
  const issues: Issue[] = [];
  const taken = new Set<string>();
  agents.forEach((agent, at) => {
    const { error } = agentSchema.safeParse(agent);
    for (const { path, message } of error?.issues ?? []) {
      issues.push({ path: ['agents', at, ...path.map(String)], message });
    }
    const { name, tenant = DEFAULT_TENANT } = agent ?? {}; // whoever writes no types may give anything
    if (typeof name !== 'string' || typeof tenant !== 'string') return;
    const key = serviceKey({ tenant, name });
    if (taken.has(key)) {
      const message = `There are two agents "${name}". Give one another name.`;
      issues.push({ path: ['agents', at, 'name'], message });
    }
    taken.add(key);
  });
  return issues;
}

function milliseconds(least: number, most: number) {
  const form = `must be ${least}–${most.toLocaleString('en')} milliseconds`;
  return z.int(form).min(least, form).max(most, form).optional();
}
