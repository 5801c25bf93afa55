import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCauses } from '../../src/health/dependencies.ts';
import { MonitoredService } from '../../src/health/monitored-service.ts';
import { SERVICE_STATUSES } from '../../src/health/service.ts';
import { TenantServices } from '../../src/health/tenant-services.ts';
import { bad, good, silent, slow } from './results.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const NAME = fc.constantFrom(...NAMES);

/** What may become of services, in any order. */
const anyStep = fc.oneof(
  fc.record({ does: fc.constant('put'), name: NAME, needs: fc.subarray(NAMES) } as const),
  fc.record({ does: fc.constant('remove'), name: NAME } as const),
  fc.record({
    does: fc.constant('check'),
    name: NAME,
    result: fc.constantFrom(good, good, slow, bad, bad, silent),
  } as const),
  fc.record({ does: fc.constant('maintain'), name: NAME, isOn: fc.boolean() } as const),
);

function makeSpec(name: string, dependsOn: readonly string[], at: number) {
  const thresholds = {
    failureThreshold: 1 + (at % 2),
    successThreshold: 1,
    windowSize: 4,
    flapThreshold: 3,
  };
  return {
    tenant: 'default',
    name,
    kind: 'HTTP',
    origin: 'API',
    description: undefined,
    definition: undefined,
    asked: undefined,
    thresholds,
    intervalMs: undefined,
    dependsOn,
    createdAt: 0,
    updatedAt: 0,
  } as const;
}

test('H4 whatever becomes of services, the counts, the worst status and the causes are those of a recount', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
      const services = new TenantServices(0);
      steps.forEach((step, at) => {
        const known = services.get(step.name);
        if (step.does === 'put') {
          const spec = makeSpec(step.name, step.needs, at);
          if (known === undefined) services.put(new MonitoredService(spec, undefined, at));
          else services.change(known, at, () => known.become(spec));
        } else if (known === undefined) return;
        else if (step.does === 'remove') services.remove(known, at);
        else if (step.does === 'check') {
          const transition = known.note(step.result);
          if (transition !== undefined) services.moved(known, transition.from, at);
        } else {
          const maintenance = {
            startedAt: at,
            until: 1e9,
            reason: undefined,
            startedBy: undefined,
          };
          services.change(known, at, () => {
            known.maintenance = step.isOn ? maintenance : undefined;
          });
        }

        const counted = [...services].filter(({ maintenance }) => maintenance === undefined);
        const counts = { HEALTHY: 0, DEGRADED: 0, UNHEALTHY: 0, UNKNOWN: 0 };
        for (const { status } of counted) counts[status]++;
        expect(services.counts).toEqual(counts);
        expect(services.status).toBe(
          SERVICE_STATUSES.find((each) => counts[each] > 0) ?? 'UNKNOWN',
        );
        const causes = readCauses(services);
        for (const service of services) {
          const expected = service.status === 'HEALTHY' ? [] : (causes.get(service.name) ?? []);
          expect(services.causesOf(service)).toEqual(expected);
        }
      });
    }),
  );
});
