import './scalars.ts';
import './errors.ts';
import './server-info.ts';
import './viewer.ts';
import './rate-limit.ts';
import './connection-status.ts';
import './renew-connection.ts';
import '../flows/routine.schema.ts';
import '../flows/schema.ts';
import '../monitoring/figures.schema.ts';
import '../monitoring/queue.schema.ts';
import '../monitoring/why-not-running.schema.ts';
import '../monitoring/schema.ts';
import '../monitoring/trace.schema.ts';
import '../jobs/metrics.schema.ts';
import '../jobs/schema.ts';
import '../jobs/job-list.schema.ts';
import '../jobs/history.schema.ts';
import '../jobs/lineage.schema.ts';
import '../jobs/recovery.schema.ts';
import '../jobs/mutations.schema.ts';
import '../jobs/pause.schema.ts';
import '../jobs/rerun.schema.ts';
import '../jobs/events.schema.ts';
import '../jobs/subscriptions.schema.ts';
import '../debug-sessions/errors.schema.ts';
import '../debug-sessions/breakpoint-list.schema.ts';
import '../debug-sessions/session.schema.ts';
import '../debug-sessions/expression.schema.ts';
import '../debug-sessions/breakpoint-mutations.schema.ts';
import '../debug-sessions/session-mutations.schema.ts';
import '../debug-sessions/edit-mutations.schema.ts';
import '../debug-sessions/evaluate.schema.ts';
import '../debug-sessions/events.schema.ts';
import '../debug-sessions/subscriptions.schema.ts';
import '../alerts/rule.schema.ts';
import '../alerts/schema.ts';
import '../alerts/mutations.schema.ts';
import '../alerts/subscriptions.schema.ts';
import '../analytics/schema.ts';
import '../audit/schema.ts';
import '../health/schema.ts';
import '../health/service-list.schema.ts';
import '../health/cluster.schema.ts';
import '../health/history.schema.ts';
import '../health/transitions.schema.ts';
import '../health/mutations.schema.ts';
import '../health/control.schema.ts';
import '../health/report.schema.ts';
import '../health/subscriptions.schema.ts';
import { specifiedDirectives } from 'graphql';
import { builder } from './builder.ts';
import { deferDirective, streamDirective } from './incremental-directives.ts';

/** The whole API, put together from the domains' descriptions of their parts. */
export const schema = builder.toSchema({
  sortSchema: true,
  directives: [...specifiedDirectives, deferDirective, streamDirective],
});
