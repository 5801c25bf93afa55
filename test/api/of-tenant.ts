import type { App } from '../../src/app.ts';
import { createContext } from '../../src/graphql/context.ts';
import { ANYBODY } from '../../src/lib/identity.ts';

/** The same app as somebody of a tenant finds it, who may do everything there. */
export function ofTenant(app: App, tenant: string): App {
  return {
    ...app,
    jobs: app.jobs.forTenant(tenant),
    createContext: () => createContext(app.services, { ...ANYBODY, tenant }),
  };
}
