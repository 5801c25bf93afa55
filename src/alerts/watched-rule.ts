import type { ServiceReading } from '../health/service.ts';
import type { JobReading } from '../monitoring/readings.ts';
import type { OfJob } from '../pubsub/topics.ts';
import { ErrorRates } from './error-rates.ts';
import { FailureCounts } from './failure-counts.ts';
import type { Look } from './look.ts';
import { lookAtQueues } from './queue-looks.ts';
import type { RuleRun } from './rule-run.ts';
import { isAbout, lookAtService } from './service-looks.ts';

/** A rule under evaluation, with what its kind needs. */
export type WatchedRule = { run: RuleRun } & (
  | { readonly kind: 'QUEUE_PRESSURE'; look(job: JobReading): Iterable<Look> }
  | { readonly kind: 'ROUTINE_ERROR_RATE'; readonly rates: ErrorRates }
  | {
      readonly kind: 'SERVICE_STATUS';
      isMine(name: string): boolean;
      look(service: ServiceReading): Look;
    }
  | { readonly kind: 'JOB_FAILURES'; readonly failures: FailureCounts }
);

/** One that is about running jobs. */
export type WatchedJobRule = Extract<
  WatchedRule,
  { kind: 'QUEUE_PRESSURE' | 'ROUTINE_ERROR_RATE' }
>;

export type WatchedFailureRule = Extract<WatchedRule, { kind: 'JOB_FAILURES' }>;
export type WatchedServiceRule = Extract<WatchedRule, { kind: 'SERVICE_STATUS' }>;

export function watchRule(run: RuleRun): WatchedRule {
  const { settings } = run.rule;
  switch (settings.kind) {
    case 'QUEUE_PRESSURE':
      return { kind: settings.kind, run, look: (job) => lookAtQueues(settings, job) };
    case 'ROUTINE_ERROR_RATE':
      return { kind: settings.kind, run, rates: new ErrorRates(settings) };
    case 'JOB_FAILURES':
      return { kind: settings.kind, run, failures: new FailureCounts(settings) };
    case 'SERVICE_STATUS':
      return {
        kind: settings.kind,
        run,
        isMine: (name) => isAbout(settings, name),
        look: (service) => lookAtService(settings, service),
      };
  }
}

/** Whether time alone, or what nobody tells, can change something of a rule. */
export function needsRounds(watched: WatchedRule): boolean {
  switch (watched.kind) {
    case 'QUEUE_PRESSURE':
    case 'ROUTINE_ERROR_RATE':
      return true;
    case 'SERVICE_STATUS':
      return watched.run.isWaiting || watched.run.hasCondition;
    case 'JOB_FAILURES':
      return watched.run.isWaiting || watched.failures.isWaiting;
  }
}

/** Whether a rule is about a job. */
export function isAboutJob(
  { run: { rule } }: WatchedJobRule,
  { tenant, flowId }: Pick<OfJob, 'tenant' | 'flowId'>,
): boolean {
  if (rule.tenant !== tenant || !('flowId' in rule.settings)) return false;
  return rule.settings.flowId === undefined || rule.settings.flowId === flowId;
}
