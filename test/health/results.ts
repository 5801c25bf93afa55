import type { CheckResult, ServiceReading, Thresholds } from '../../src/health/service.ts';

/** The defaults. */
export const THRESHOLDS: Thresholds = {
  failureThreshold: 3,
  successThreshold: 2,
  windowSize: 20,
  flapThreshold: 6,
};

export const good: CheckResult = {
  status: 'HEALTHY',
  at: 0,
  responseTimeMs: 3,
  httpStatus: 200,
  failure: undefined,
  error: undefined,
  details: '{"ok":true}',
};

export const bad: CheckResult = {
  ...good,
  status: 'UNHEALTHY',
  httpStatus: 503,
  failure: 'HTTP_STATUS',
  error: 'HTTP 503',
};

export const slow: CheckResult = {
  ...good,
  status: 'DEGRADED',
  responseTimeMs: 300,
  failure: 'SLOW',
  error: 'Took 300 ms, more than 200',
};

export const silent: CheckResult = { ...good, status: 'UNKNOWN', responseTimeMs: undefined };

/** A service as it may be read; HEALTHY unless told otherwise. */
export function reading(name: string, more: Partial<ServiceReading> = {}): ServiceReading {
  return {
    tenant: 'default',
    name,
    kind: 'HTTP',
    origin: 'API',
    description: undefined,
    definition: undefined,
    thresholds: THRESHOLDS,
    status: 'HEALTHY',
    since: 0,
    explanation: undefined,
    lastResult: undefined,
    window: { count: 0, failedCount: 0, changeCount: 0 },
    isFlapping: false,
    maintenance: undefined,
    intervalMs: 1000,
    dependsOn: [],
    causedBy: [],
    checkCount: 0,
    createdAt: 0,
    updatedAt: 0,
    ...more,
  };
}
