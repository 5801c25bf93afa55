import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCluster } from '../../src/health/cluster.ts';
import { readCauses } from '../../src/health/dependencies.ts';
import { HealthState } from '../../src/health/health-state.ts';
import type { CheckResult, ServiceReading, ServiceStatus } from '../../src/health/service.ts';
import { bad, good, reading, slow, THRESHOLDS } from './results.ts';

const maintenance = { startedAt: 0, until: 1, reason: undefined, startedBy: undefined };

/** A service that was checked once, with thresholds of 1. */
function checked(name: string, result: CheckResult, more: Partial<ServiceReading> = {}) {
  const state = new HealthState({ ...THRESHOLDS, failureThreshold: 1, successThreshold: 1 });
  state.note(result);
  const { status, explanation } = state;
  return reading(name, { status, explanation, lastResult: result, ...more });
}

const failed = (name: string, error: string, more: Partial<ServiceReading> = {}) =>
  checked(name, { ...bad, error }, more);

const healthy = (count: number) => Array.from({ length: count }, (_, at) => reading(`well-${at}`));

const asItIs = (service: ServiceReading) => service;
const summaryOf = (...services: ServiceReading[]) => readCluster(services, asItIs).summary;

describe('the summary of a cluster', () => {
  test('says that no service is checked', () => {
    expect(summaryOf()).toBe('No service is checked.');
    expect(summaryOf(failed('a', 'HTTP 503', { maintenance }))).toBe(
      'No service is checked. 1 is in maintenance.',
    );
  });

  test('says that all are healthy', () => {
    expect(summaryOf(...healthy(12))).toBe('All 12 services are healthy.');
    expect(summaryOf(...healthy(1))).toBe('The only service is healthy.');
    const resting = [reading('x', { maintenance }), reading('y', { maintenance })];
    expect(summaryOf(...healthy(10), ...resting)).toBe(
      'All 10 services are healthy. 2 more are in maintenance.',
    );
  });

  test('names those that are down with the reason, and counts those that need them', () => {
    const services = [
      ...healthy(7),
      failed('search', 'Request timeout'),
      failed('payments', 'HTTP 503'),
      failed('shop', 'HTTP 500', { causedBy: ['payments', 'search'] }),
      checked('cart', slow, { causedBy: ['payments'] }),
      reading('mail', { status: 'UNKNOWN', causedBy: ['search'] }),
    ];
    expect(summaryOf(...services)).toBe(
      '2 of 12 services are unhealthy: payments (HTTP 503), search (Request timeout). ' +
        '3 others, which depend on them, are not healthy either.',
    );
    expect(summaryOf(failed('a', 'HTTP 503'), failed('b', 'HTTP 503', { causedBy: ['a'] }))).toBe(
      '1 of 2 services is unhealthy: a (HTTP 503). 1 other, which depends on it, is not healthy either.',
    );
  });

  test('tells what is degraded and what is unknown, after what is worse', () => {
    const unknown = reading('mail', { status: 'UNKNOWN' });
    expect(summaryOf(...healthy(11), checked('search', slow))).toBe(
      '1 of 12 services is degraded: search (Took 300 ms, more than 200).',
    );
    expect(summaryOf(unknown)).toBe('Nothing is known of 1 of 1 service: mail.');
    expect(
      summaryOf(
        unknown,
        checked('b', slow),
        checked('a', slow),
        failed('db', 'Connection refused'),
      ),
    ).toBe(
      '1 of 4 services is unhealthy: db (Connection refused). ' +
        '2 are degraded: a (Took 300 ms, more than 200), b (Took 300 ms, more than 200). ' +
        'Nothing is known of 1: mail.',
    );
  });

  test('names five at most', () => {
    const twelve = Array.from({ length: 12 }, (_, at) =>
      failed(`s${String(at).padStart(2, '0')}`, 'HTTP 503'),
    );
    expect(summaryOf(...twelve, checked('slow', slow))).toBe(
      '12 of 13 services are unhealthy: s00 (HTTP 503), s01 (HTTP 503), s02 (HTTP 503), ' +
        's03 (HTTP 503), s04 (HTTP 503) and 7 more. 1 is degraded.',
    );
  });

  test('names what needs a service in maintenance', () => {
    const db = failed('db', 'Connection refused', { maintenance });
    expect(summaryOf(db, failed('payments', 'HTTP 503', { causedBy: ['db'] }))).toBe(
      '1 of 1 service is unhealthy: payments (needs db). 1 more is in maintenance.',
    );
  });

  test('says that one flaps or does not report, and cuts long reasons', () => {
    const state = new HealthState(THRESHOLDS, { status: 'HEALTHY' });
    state.missed('UNHEALTHY', 1, 'No report for 15 seconds.');
    const { status, explanation } = state;
    expect(
      summaryOf(
        reading('agent:crawler', { status, explanation }),
        failed('long', 'x'.repeat(300)),
        checked('mail', slow, { isFlapping: true }),
      ),
    ).toBe(
      `2 of 3 services are unhealthy: agent:crawler (no report), long (${'x'.repeat(100)}…). 1 is degraded: mail (flapping).`,
    );
  });

  test('stays the same while a service that is down begins to answer again', () => {
    const down = failed('payments', 'HTTP 503');
    expect(summaryOf({ ...down, lastResult: good })).toBe(summaryOf(down));
  });
});

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

/** Some services, with their causes as they follow from what they need. */
const anyCluster = fc
  .uniqueArray(
    fc.record({
      name: fc.constantFrom(...NAMES),
      status: fc.constantFrom<ServiceStatus>('HEALTHY', 'DEGRADED', 'UNHEALTHY', 'UNKNOWN'),
      isInMaintenance: fc.boolean(),
      dependsOn: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 }),
    }),
    { selector: ({ name }) => name, maxLength: NAMES.length },
  )
  .map((services) => {
    const causes = readCauses(services);
    return services.map(({ name, status, isInMaintenance, dependsOn }) =>
      reading(name, {
        status,
        dependsOn,
        maintenance: isInMaintenance ? maintenance : undefined,
        causedBy: causes.get(name) ?? [],
      }),
    );
  });

describe('for any services', () => {
  test('the status is the worst of all that are not in maintenance, UNKNOWN when there is none (H4)', () => {
    fc.assert(
      fc.property(anyCluster, (services) => {
        const statuses = services.flatMap((each) => (each.maintenance ? [] : [each.status]));
        const { status } = readCluster(services, asItIs);
        if (statuses.includes('UNHEALTHY')) expect(status).toBe('UNHEALTHY');
        else if (statuses.includes('DEGRADED')) expect(status).toBe('DEGRADED');
        else if (statuses.includes('UNKNOWN')) expect(status).toBe('UNKNOWN');
        else expect(status).toBe(statuses.length === 0 ? 'UNKNOWN' : 'HEALTHY');
      }),
      { numRuns: 500 },
    );
  });

  test('causes and affected together are all that are not healthy, the worst first; the counts add up', () => {
    const severity = ['UNHEALTHY', 'DEGRADED', 'UNKNOWN'];
    fc.assert(
      fc.property(anyCluster, (services) => {
        const { causes, affected, counts, maintenanceCount, totalCount } = readCluster(
          services,
          asItIs,
        );
        const unwell = services.filter((each) => !each.maintenance && each.status !== 'HEALTHY');
        expect(new Set([...causes, ...affected])).toEqual(new Set(unwell));
        expect(causes.length + affected.length).toBe(unwell.length);
        expect(causes.every(({ causedBy }) => causedBy.length === 0)).toBe(true);
        expect(affected.every(({ causedBy }) => causedBy.length > 0)).toBe(true);
        for (const list of [causes, affected]) {
          const keys = list.map((each) => `${severity.indexOf(each.status)} ${each.name}`);
          expect(keys).toEqual([...keys].sort());
        }
        for (const [status, count] of Object.entries(counts)) {
          const those = services.filter((each) => !each.maintenance && each.status === status);
          expect(count).toBe(those.length);
        }
        expect(maintenanceCount).toBe(services.filter((each) => each.maintenance).length);
        expect(totalCount).toBe(services.length);
      }),
      { numRuns: 500 },
    );
  });

  test('the summary accounts for every service that is checked and not healthy, once', () => {
    fc.assert(
      fc.property(anyCluster, (services) => {
        const { summary, causes, affected } = readCluster(services, asItIs);
        const [told] = summary.split(/\d+ (?:more )?(?:is|are) in maintenance/);
        const groups = told?.matchAll(
          /(\d+)(?: of \d+ services?)? (?:is|are) (?:unhealthy|degraded)/g,
        );
        const unknown = told?.match(/known of (\d+)/)?.[1] ?? 0;
        const others = told?.match(/(\d+) others?, which/)?.[1] ?? 0;
        const sum = [...(groups ?? [])].reduce((all, [, count]) => all + Number(count), 0);
        expect(sum + Number(unknown) + Number(others)).toBe(causes.length + affected.length);
      }),
      { numRuns: 500 },
    );
  });
});
