import type { Logger } from 'pino';
import { AlertBook } from '../alerts/alert-book.ts';
import { AlertEvaluator } from '../alerts/alert-evaluator.ts';
import type { AlertOptions } from '../alerts/alert-options.ts';
import { AlertRetention } from '../alerts/alert-retention.ts';
import { createAlertService } from '../alerts/alert-service.ts';
import { createAlertStore } from '../alerts/alert-store.ts';
import { createLiveAlerts } from '../alerts/live-alerts.ts';
import { openAlerts, readConfiguredRules } from '../alerts/open-alerts.ts';
import { RuleBook } from '../alerts/rule-book.ts';
import type { SourcedRule } from '../alerts/rule-run.ts';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import type { HealthService } from '../health/health-service.ts';
import type { JobHost } from '../jobs/job-host.ts';
import type { JobService } from '../jobs/job-service.ts';
import type { Clock } from '../lib/clock.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { Topics } from '../pubsub/topics.ts';
import type { Database } from '../storage/database.ts';

interface AlertsDeps {
  readonly flows: FlowRegistry;
  readonly database: Database;
  readonly pubsub: PubSub<Topics>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: HealthService;
  readonly host: Pick<JobHost, 'listRunning' | 'read'>;
  readonly jobs: Pick<JobService, 'forTenant'>;
}

/** The most failed jobs that a rule is told of from before. */
const MOST_FAILURES = 1_000;

/** Options that were read: nothing is wrong with them. */
export interface CheckedAlerts {
  readonly configured: readonly SourcedRule[];
  readonly keep: AlertOptions['keep'];
}

/** @throws ValidationError with everything that is wrong with the rules */
export function checkAlerts({ rules = [], keep }: AlertOptions, now: number): CheckedAlerts {
  return { configured: readConfiguredRules(rules, now), keep };
}

/** Puts together what has to do with alerts: rules, what finds out whether they hold, what is kept. */
export function assembleAlerts(deps: AlertsDeps, { configured, keep }: CheckedAlerts) {
  const { flows, database, pubsub, clock, logger, health, host, jobs } = deps;
  const rules = new RuleBook();
  const store = createAlertStore(database);
  const book = new AlertBook({
    store,
    pubsub,
    clock,
    onFailure: (err, what) => logger.error({ err }, what),
  });
  const evaluator = new AlertEvaluator({
    book,
    pubsub,
    clock,
    host,
    services: {
      list: (tenant) => health.forTenant(tenant).list(),
      get: (tenant, name) => health.forTenant(tenant).get(name),
    },
    async listFailures(tenant, flowId, since) {
      const failed = await jobs.forTenant(tenant).list({
        filter: {
          states: ['FAILED'],
          finishedAfter: since,
          ...(flowId === undefined ? {} : { flowIds: [flowId] }),
        },
        order: { field: 'FINISHED_AT', isDescending: true },
        limit: MOST_FAILURES,
        fromEnd: false,
      });
      return failed.map(({ id: jobId, flowId: of, finishedAt = since, error }) => ({
        flowId: of,
        jobId,
        finishedAt,
        message: error?.message ?? '',
      }));
    },
    onFault: (err, { tenant, name }) =>
      logger.error({ err, tenant, rule: name }, 'An alert rule could not be evaluated.'),
  });
  const hasService = (tenant: string, name: string) =>
    health.forTenant(tenant).get(name) !== undefined;
  const alerts = createAlertService({ store, rules, book, evaluator, flows, hasService, clock });
  const retention = new AlertRetention({
    store,
    clock,
    keep,
    onFailure: (err) => logger.warn({ err }, 'Old alerts could not be removed now.'),
  });

  return {
    /** What the API asks of them. */
    services: { alerts, liveAlerts: createLiveAlerts({ book, alerts, pubsub, clock }) },
    /** Takes up what the process before left. To be called once, after jobs and services were taken up. */
    async open(): Promise<void> {
      for (const rule of configured) rules.put(rule);
      await openAlerts({
        store,
        rules,
        book,
        evaluator,
        clock,
        onHidden: ({ tenant, name }) =>
          logger.warn(
            { tenant, rule: name },
            'The configuration has an alert rule of the same name as one that was made live. It wins.',
          ),
      });
    },
    /** Raises and resolves nothing any more. To be called before jobs and services are ended: that must not look like their end. */
    stop: () => evaluator.stop(),
    /** Is kept when what happened is stored, as far as that is possible within a limit. */
    async close(limitMs: number): Promise<void> {
      await Promise.all([evaluator.stop(), retention.close()]);
      await book.close(limitMs);
    },
  };
}
