import { expect, test } from 'vitest';
import { type AgentWord, problemOfAgent, statusOfAgent } from '../../src/health/agent-status.ts';
import type { ServiceStatus } from '../../src/health/service.ts';

test.each<[AgentWord, ServiceStatus, string | undefined]>([
  [{ health: 'healthy' }, 'HEALTHY', undefined],
  [{ health: ' Healthy ', status: 'stopped' }, 'HEALTHY', undefined],
  [{ status: 'healthy' }, 'HEALTHY', undefined],
  [{ health: 'degraded', status: 'running' }, 'DEGRADED', 'Reported "degraded"'],
  [{ status: 'degraded' }, 'DEGRADED', 'Reported "degraded"'],
  [{ status: 'running' }, 'UNKNOWN', undefined],
  [{ health: 'running' }, 'UNHEALTHY', 'Reported "running"'],
  [{ health: 'overloaded', status: 'running' }, 'UNHEALTHY', 'Reported "overloaded"'],
  [{ status: 'stopped' }, 'UNHEALTHY', 'Reported "stopped"'],
  [{}, 'UNHEALTHY', 'Reported no status'],
])('an agent that says %o is %s (H5)', (word, status, problem) => {
  expect(statusOfAgent(word)).toBe(status);
  expect(problemOfAgent(word)).toBe(problem);
  const message = 'The disk is full.';
  expect(problemOfAgent({ ...word, message })).toBe(problem && message);
});
