import './scalars.ts';
import './errors.ts';
import './server-info.ts';
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
import '../jobs/recovery.schema.ts';
import '../jobs/mutations.schema.ts';
import '../jobs/events.schema.ts';
import '../jobs/subscriptions.schema.ts';
import '../analytics/schema.ts';
import '../audit/schema.ts';
import { builder } from './builder.ts';

/** The whole API, put together from the domains' descriptions of their parts. */
export const schema = builder.toSchema({ sortSchema: true });
