import './scalars.ts';
import './errors.ts';
import './server-info.ts';
import '../flows/schema.ts';
import '../monitoring/schema.ts';
import '../jobs/schema.ts';
import '../jobs/mutations.schema.ts';
import '../jobs/events.schema.ts';
import '../jobs/subscriptions.schema.ts';
import { builder } from './builder.ts';

/** The whole API, put together from the domains' descriptions of their parts. */
export const schema = builder.toSchema({ sortSchema: true });
