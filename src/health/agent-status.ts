import type { ServiceStatus } from './service.ts';

/** What an agent says of itself. */
export interface AgentWord {
  /** What it does: `running`, or any word. */
  readonly status?: string | undefined;
  /** How it is; any word. */
  readonly health?: string | undefined;
}

/**
 * The status that an agent's own word stands for (H5): `healthy` → HEALTHY, `degraded` → DEGRADED, `running` with no health
 * → UNKNOWN, everything else → UNHEALTHY. Its health counts where it tells it, else its status; case does not count.
 */
export function statusOfAgent({ status, health }: AgentWord): ServiceStatus {
  const hasHealth = health !== undefined && health.trim() !== '';
  const word = ((hasHealth ? health : status) ?? '').trim().toLowerCase();
  if (word === 'healthy') return 'HEALTHY';
  if (word === 'degraded') return 'DEGRADED';
  return !hasHealth && word === 'running' ? 'UNKNOWN' : 'UNHEALTHY';
}

/** What is wrong with an agent, in its own words; `undefined` when nothing is. */
export function problemOfAgent(
  word: AgentWord & { readonly message?: string | undefined },
): string | undefined {
  const status = statusOfAgent(word);
  if (status === 'HEALTHY' || status === 'UNKNOWN') return undefined;
  if (word.message !== undefined && word.message !== '') return word.message;
  const said = word.health?.trim() || word.status?.trim() || undefined;
  return said === undefined ? 'Reported no status' : `Reported "${said}"`;
}
