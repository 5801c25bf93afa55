import { describe, expect, it } from 'vitest';
import type { ErrorRateSettings, JobFailureSettings } from '../../src/alerts/alert-rule.ts';
import { ErrorRates } from '../../src/alerts/error-rates.ts';
import { FailureCounts } from '../../src/alerts/failure-counts.ts';
import { lookAtService } from '../../src/alerts/service-looks.ts';
import type { CheckResult, ServiceReading } from '../../src/health/service.ts';
import type { JobReading } from '../../src/monitoring/readings.ts';

const RATE: ErrorRateSettings = {
  kind: 'ROUTINE_ERROR_RATE',
  flowId: undefined,
  routineId: undefined,
  windowMs: 12_000,
  minExecutions: 10,
  errorRate: 0.5,
};

/** A job with one routine that has counted so much. */
function jobWith(executionCount: number, errorCount: number, jobId = 'j'): JobReading {
  const routine = { routineId: 'work', executionCount, errorCount, retryCount: 0, queues: [] };
  return { jobId, flowId: 'f', state: 'RUNNING', routines: [routine] } as unknown as JobReading; // what is looked at
}

function createRates() {
  const rates = new ErrorRates(RATE);
  return (nowMs: number, job: JobReading) => {
    const [look] = rates.look(job, nowMs);
    rates.endRound();
    return look?.holds;
  };
}

describe('M10 error rates', () => {
  it('count what happened in the window, and say nothing of too few in one that is not whole', () => {
    const look = createRates();
    expect(look(0, jobWith(1000, 1000))).toBe(undefined); // was there before
    expect(look(1_000, jobWith(1009, 1009))).toBe(undefined);
    expect(look(2_000, jobWith(1010, 1010))).toBe(true);
    expect(look(3_000, jobWith(1040, 1010))).toBe(false); // 10 of 40
    expect(look(20_000, jobWith(1040, 1010))).toBe(false);
  });

  it('forget what left the window', () => {
    const look = createRates();
    look(0, jobWith(0, 0));
    expect(look(1_000, jobWith(100, 100))).toBe(true);
    for (let at = 2; at <= 12; at++) expect(look(at * 1_000, jobWith(100, 100))).toBe(true);
    expect(look(13_000, jobWith(100, 100))).toBe(false);
    expect(look(14_000, jobWith(110, 105))).toBe(true);
  });

  it('count all of a job that began after the first look', () => {
    const look = createRates();
    look(0, jobWith(0, 0));
    expect(look(1_000, jobWith(10, 10, 'new'))).toBe(true);
  });
});

describe('M10 the status of a service', () => {
  const settings = {
    kind: 'SERVICE_STATUS',
    serviceId: undefined,
    statuses: ['UNHEALTHY'],
  } as const;
  const holds = (reading: Partial<ServiceReading>) =>
    lookAtService(settings, { name: 'a', ...reading } as ServiceReading).holds; // what is looked at
  const lastResult = { status: 'HEALTHY', at: 1 } as CheckResult;

  it('holds or does not, once somebody looked', () => {
    expect(holds({ status: 'UNHEALTHY' })).toBe(true);
    expect(holds({ status: 'UNHEALTHY', lastResult })).toBe(true);
    expect(holds({ status: 'HEALTHY', lastResult })).toBe(false);
    expect(holds({ status: 'UNKNOWN' })).toBe(undefined);
  });

  it('never holds in maintenance', () => {
    const maintenance = { startedAt: 0, until: 9, reason: undefined, startedBy: undefined };
    expect(holds({ status: 'UNHEALTHY', maintenance })).toBe(false);
  });
});

describe('M10 failed jobs', () => {
  const SETTINGS: JobFailureSettings = {
    kind: 'JOB_FAILURES',
    flowId: undefined,
    windowMs: 1_000,
    minFailures: 2,
  };

  it('are counted for each flow by itself, as long as they are in the window', () => {
    const counts = new FailureCounts(SETTINGS);
    const fail = (flowId: string, atMs: number) =>
      counts.note({ flowId, jobId: `${flowId}${atMs}`, atMs, message: 'broken' });
    const look = (nowMs: number) =>
      [...counts.look(nowMs)].map(({ subject, holds }) => [
        subject.kind === 'FLOW' ? subject.flowId : '',
        holds,
      ]);
    fail('a', 0);
    fail('b', 0);
    fail('a', 500);
    expect(look(999)).toEqual([
      ['a', true],
      ['b', false],
    ]);
    expect(look(1_000)).toEqual([
      ['a', false],
      ['b', false],
    ]);
    expect(counts.isWaiting).toBe(true);
    expect(look(1_500)).toEqual([['a', false]]);
    expect(counts.isWaiting).toBe(false);
    expect(look(1_501)).toEqual([]);
  });

  it('count those from before with those that came while they were looked up, each once', () => {
    const counts = new FailureCounts(SETTINGS);
    const failed = (jobId: string, atMs: number) => ({ flowId: 'a', jobId, atMs, message: '' });
    const count = () => [...counts.look(900)].map((look) => look.message().slice(0, 1));
    counts.awaitPast();
    counts.note(failed('both', 500));
    counts.note(failed('new', 600));
    expect(counts.isAwaitingPast).toBe(true);
    expect(count()).toEqual([]);
    counts.notePast([failed('old', 100), failed('both', 500)]);
    expect(count()).toEqual(['3']);
    expect([...counts.look(900, ['b'])]).toEqual([]);
  });
});
