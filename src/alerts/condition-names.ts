import type { AlertRuleKind } from './alert-rule.ts';

/** A name that conditions of a kind may read, with what it is for people. */
type Names = Readonly<Record<string, string>>;

const QUEUE: Names = {
  flowId: 'name of the flow',
  jobId: 'id of the job',
  jobState: 'RUNNING or PAUSED',
  routineId: 'name of the routine',
  slot: 'name of the slot',
  usage: '`unconsumedCount` as a share of `maxLength`, 0–1',
  unconsumedCount: 'items that wait in the slot',
  inFlightCount: 'items taken by activations that have not ended',
  waitingOutsideCount: 'items that wait outside since the slot is full',
  maxLength: 'the most items that the slot holds',
  pressureLevel: 'LOW, MEDIUM, HIGH or CRITICAL',
  isFull: 'whether the slot is full',
  peakCount: 'the most items that ever waited',
  droppedCount: 'items lost to the overflow policy',
  rateInPerSecond: 'items a second that entered, lately',
  rateOutPerSecond: 'items a second that were taken, lately',
  oldestWaitMs: 'how long the oldest item has waited; null when there is none',
  timeUntilFullMs: 'how long until the slot is full; null when it is not filling',
};

const ERROR_RATE: Names = {
  flowId: 'name of the flow',
  jobId: 'id of the job',
  jobState: 'RUNNING or PAUSED',
  routineId: 'name of the routine',
  errorRate: '`errorCount` as a share of `executionCount`, 0–1',
  errorCount: 'executions that failed in the window',
  executionCount: 'executions that ended in the window',
  totalErrorCount: 'executions that failed since the job began',
  totalExecutionCount: 'executions that ended since the job began',
  retryCount: 'retries since the job began',
  lastError: 'message of the latest error; null when there was none',
};

const FAILURES: Names = {
  flowId: 'name of the flow',
  failureCount: 'jobs that failed in the window',
  lastJobId: 'id of the job that failed last',
  lastError: 'why it failed',
};

const SERVICE: Names = {
  service: 'its name',
  kind: 'HTTP, AGENT or PART',
  origin: 'CONFIGURATION, API, REPORT, LIBRARY or SERVER',
  status: 'HEALTHY, DEGRADED, UNHEALTHY or UNKNOWN',
  explanation: 'why it has that status; null while nothing is known',
  error: 'what went wrong at the latest check; null when nothing did',
  failure: 'the same as a code, such as TIMEOUT',
  httpStatus: 'of the latest answer; null when there was none',
  responseTimeMs: 'of the latest answer; null when there was none',
  isFlapping: 'whether it changes too often',
  causedBy: 'names of services that are down and that it needs',
  resultCount: 'results in its window',
  failedCount: 'results in its window that failed',
  changeCount: 'changes in its window',
};

/** The names that conditions of each kind may read. */
export const CONDITION_NAMES: Readonly<Record<AlertRuleKind, Names>> = {
  QUEUE_PRESSURE: QUEUE,
  ROUTINE_ERROR_RATE: ERROR_RATE,
  JOB_FAILURES: FAILURES,
  SERVICE_STATUS: SERVICE,
};
