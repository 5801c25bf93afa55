import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Dependent, findCycle, readCauses } from '../../src/health/dependencies.ts';
import type { ServiceStatus } from '../../src/health/service.ts';

const service = (name: string, status: ServiceStatus, ...dependsOn: string[]): Dependent => ({
  name,
  status,
  dependsOn,
});

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/** Some services of all that are named; circles and names of none included. */
const anyServices: fc.Arbitrary<Dependent[]> = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...NAMES),
    status: fc.constantFrom<ServiceStatus>('HEALTHY', 'UNHEALTHY', 'UNHEALTHY', 'DEGRADED'),
    dependsOn: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 3 }),
  }),
  { selector: ({ name }) => name, maxLength: NAMES.length },
);

/** All that each needs, directly or not: pairs are joined until no new one comes of it. */
function closeOver(services: readonly Dependent[]): Map<string, Set<string>> {
  const names = new Set(services.map(({ name }) => name));
  const needs = new Map(services.map((each) => [each.name, new Set(each.dependsOn)]));
  const size = () => [...needs.values()].reduce((sum, set) => sum + set.size, 0);
  for (let before = -1; before !== size(); ) {
    before = size();
    for (const set of needs.values()) {
      for (const each of [...set]) for (const further of needs.get(each) ?? []) set.add(further);
    }
  }
  for (const set of needs.values()) for (const each of set) if (!names.has(each)) set.delete(each);
  return needs;
}

/** A chain in which each needs the next one; the last is `c0`. */
function chain(length: number, status: (at: number) => ServiceStatus): Dependent[] {
  return Array.from({ length }, (_, at) =>
    service(`c${at}`, status(at), ...(at === 0 ? [] : [`c${at - 1}`])),
  ).reverse();
}

describe('findCycle', () => {
  const of = (needs: Readonly<Record<string, readonly string[]>>) => (name: string) => needs[name];

  test('tells the shortest way from a service back to itself', () => {
    const needs = of({ b: ['c', 'd'], c: ['e'], d: ['a'], e: ['a'] });
    expect(findCycle('a', ['b'], needs)).toEqual(['a', 'b', 'd', 'a']);
    expect(findCycle('a', ['a'], needs)).toEqual(['a', 'a']);
  });

  test('takes what the service is to need, not what it needs now', () => {
    expect(findCycle('a', ['c'], of({ a: ['b'], b: ['a'] }))).toBeUndefined();
  });

  test('passes over names of none, and circles that the service is no part of', () => {
    expect(findCycle('a', ['b', 'none'], of({ b: ['c'], c: ['b', 'none'] }))).toBeUndefined();
  });

  test('finds a cycle just when there is one, and it is one', () => {
    fc.assert(
      fc.property(anyServices, (services) => {
        const byName = new Map(services.map((each) => [each.name, each.dependsOn]));
        const needs = closeOver(services);
        for (const { name, dependsOn } of services) {
          const cycle = findCycle(name, dependsOn, (each) => byName.get(each));
          expect(cycle !== undefined).toBe(needs.get(name)?.has(name));
          if (cycle === undefined) continue;
          expect(cycle.length).toBeGreaterThanOrEqual(2);
          expect([cycle[0], cycle.at(-1)]).toEqual([name, name]);
          expect(new Set(cycle).size).toBe(cycle.length - 1);
          for (const [at, each] of cycle.slice(1).entries()) {
            expect(byName.get(cycle[at] ?? '')).toContain(each);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('goes down a chain of 10,000', () => {
    const byName = new Map(
      chain(10_000, () => 'HEALTHY').map((each) => [each.name, each.dependsOn]),
    );
    const cycle = findCycle('c0', ['c9999'], (name) => (name === 'c0' ? [] : byName.get(name)));
    expect(cycle).toHaveLength(10_001);
  });
});

describe('readCauses', () => {
  test('puts a service down to what is down at the root, however far away', () => {
    const services = [
      service('shop', 'UNHEALTHY', 'payments', 'search'),
      service('payments', 'UNHEALTHY', 'cards'),
      service('cards', 'HEALTHY', 'db'),
      service('search', 'UNHEALTHY', 'none'),
      service('db', 'UNHEALTHY', 'disk'),
      service('disk', 'DEGRADED'),
    ];
    expect(Object.fromEntries(readCauses(services))).toEqual({
      shop: ['db', 'search'],
      payments: ['db'],
      cards: ['db'],
    });
  });

  test('says nothing while nothing is down', () => {
    const services = [service('a', 'DEGRADED', 'b'), service('b', 'UNKNOWN')];
    expect(readCauses(services).size).toBe(0);
  });

  test('agrees with the rule said plainly, for any services', () => {
    fc.assert(
      fc.property(anyServices, (services) => {
        const needs = closeOver(services);
        const byName = new Map(services.map((each) => [each.name, each]));
        const isDown = (name: string) => byName.get(name)?.status === 'UNHEALTHY';
        const needsOf = (name: string) => [...(needs.get(name) ?? [])];
        const causes = readCauses(services);
        for (const { name } of services) {
          const roots = needsOf(name).filter((each) => isDown(each) && !needsOf(each).some(isDown));
          expect(causes.get(name) ?? []).toEqual(roots.sort());
        }
        for (const each of causes.values()) expect(each).not.toHaveLength(0);
      }),
      { numRuns: 500 },
    );
  });

  test('reads a chain of 10,000 services that are all down, and 10,000 that need one', () => {
    const long = readCauses(chain(10_000, () => 'UNHEALTHY'));
    expect(long.size).toBe(9999);
    expect(long.get('c9999')).toEqual(['c0']);

    const many = Array.from({ length: 10_000 }, (_, at) => service(`s${at}`, 'UNHEALTHY', 'db'));
    const wide = readCauses([...many, service('db', 'UNHEALTHY')]);
    expect(wide.size).toBe(10_000);
    expect(wide.get('s5000')).toEqual(['db']);
  });

  test('tells the first 100 causes by name, so that thousands may need thousands', () => {
    const roots = Array.from({ length: 2_000 }, (_, at) => `root${String(at).padStart(4, '0')}`);
    const hubs = Array.from({ length: 40 }, (_, at) =>
      service(`hub${at}`, 'DEGRADED', ...roots.slice(at * 50, at * 50 + 50)),
    );
    const causes = readCauses([
      ...roots.map((name) => service(name, 'UNHEALTHY')),
      ...hubs,
      service('all', 'UNHEALTHY', ...hubs.map(({ name }) => name)),
      ...roots.map((_, at) => service(`leaf${at}`, 'UNHEALTHY', 'all')),
    ]);
    expect(causes.get('hub39')).toEqual(roots.slice(-50));
    for (const name of ['all', 'leaf0', 'leaf1999']) {
      expect(causes.get(name)).toEqual(roots.slice(0, 100));
    }
  });
});
