import { describe, expect, test } from 'vitest';
import { createHealthMetricsStore } from '../../src/health/health-metrics-store.ts';
import { HealthTally } from '../../src/health/health-tally.ts';
import type { KeptTransition, ServiceDefinition } from '../../src/health/service.ts';
import {
  createServiceStore,
  type KeptService,
  type KeptState,
} from '../../src/health/service-store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/ids.ts';
import { type Database, StorageUnavailableError } from '../../src/storage/database.ts';
import { createWriteBehind } from '../../src/storage/write-behind.ts';
import { forEachDatabase } from '../support/databases.ts';

const AT = Date.UTC(2026, 4, 10);

/** Text that databases are known to have trouble with. */
const ODD = 'nul \0, half a pair \ud800, private \ue000, "quotes", 日本';

const DEFINITION: ServiceDefinition = {
  name: 'shop/payments',
  description: ODD,
  url: 'https://shop.example/health',
  method: 'GET',
  headers: { authorization: 's3cr3t-header' },
  intervalMs: 1_000,
  extendedInterval: false,
  timeoutMs: 5_000,
  expectedStatus: ['200-299', '404'],
  conditions: ["body.status == 'ok'"],
  degradedAboveMs: undefined,
  maxBodyBytes: 65_536,
  tls: { verify: false },
  dependsOn: ['database'],
  failureThreshold: 3,
  successThreshold: 2,
  windowSize: 20,
  flapThreshold: 6,
};

function makeService(change: Partial<KeptService> = {}): KeptService {
  return {
    tenant: 'default',
    name: DEFINITION.name,
    kind: 'HTTP',
    definition: DEFINITION,
    description: undefined,
    expectedIntervalMs: undefined,
    createdAt: AT,
    updatedAt: AT + 1,
    idempotencyKey: undefined,
    ...change,
  };
}

const EXPLANATION = {
  rule: 'FAILURES_IN_A_ROW',
  text: `3 checks in a row failed: ${ODD}`,
  threshold: 3,
  observed: 3,
  result: {
    status: 'UNHEALTHY',
    at: AT,
    responseTimeMs: 1.5,
    httpStatus: 503,
    failure: 'HTTP_STATUS',
    error: 'HTTP 503',
  },
} as const;

function makeState(change: Partial<KeptState> = {}): KeptState {
  return {
    tenant: 'default',
    name: DEFINITION.name,
    status: 'UNHEALTHY',
    since: AT,
    explanation: EXPLANATION,
    maintenance: undefined,
    ...change,
  };
}

function makeTransition(change: Partial<KeptTransition> = {}): KeptTransition {
  return {
    id: newId(),
    tenant: 'default',
    service: DEFINITION.name,
    from: 'HEALTHY',
    to: 'UNHEALTHY',
    at: AT,
    explanation: EXPLANATION,
    ...change,
  };
}

const MAINTENANCE = {
  startedAt: AT,
  until: AT + 60_000,
  reason: ODD,
  startedBy: 'ann',
} as const;

const PAGE = { limit: 100, fromEnd: false };

/** A store over a buffer that writes only when somebody asks for it. */
function makeStore(database: Database) {
  const writeBehind = createWriteBehind(database, { intervalMs: 3_600_000, closeTimeoutMs: 500 });
  return { store: createServiceStore(database, writeBehind, systemClock), writeBehind };
}

async function countRows(database: Database) {
  const count = async (
    table: 'services' | 'service_states' | 'service_transitions' | 'service_metrics',
  ) => (await database.reads.selectFrom(table).selectAll().execute()).length;
  return {
    services: await count('services'),
    states: await count('service_states'),
    transitions: await count('service_transitions'),
    metrics: await count('service_metrics'),
  };
}

describe('H6 services that are kept', () => {
  forEachDatabase(({ open }) => {
    test('come back as they were, of each tenant and kind', async () => {
      const database = await open();
      const { store, writeBehind } = makeStore(database);
      const services = [
        makeService({ idempotencyKey: 'once' }),
        makeService({ tenant: 'other', idempotencyKey: 'once' }),
        makeService({
          name: 'agent:crawler',
          kind: 'AGENT',
          definition: undefined,
          description: ODD,
          expectedIntervalMs: 1_500,
        }),
        makeService({ name: ODD, tenant: ODD }),
      ];
      for (const service of services) await store.put(service);
      await store.putState(makeState({ maintenance: MAINTENANCE }));
      await store.putState(makeState({ tenant: 'other', explanation: undefined }));
      const loaded = await store.loadAll();
      expect(loaded.services).toHaveLength(4);
      expect(loaded.services).toEqual(expect.arrayContaining(services));
      expect(loaded.states).toEqual([
        makeState({ maintenance: MAINTENANCE }),
        makeState({ tenant: 'other', explanation: undefined }),
      ]);
      await writeBehind.close();
    });

    test('take the place of those of the same name', async () => {
      const database = await open();
      const { store, writeBehind } = makeStore(database);
      await store.put(makeService());
      await store.put(makeService({ tenant: 'other' }));
      const changed = makeService({
        definition: { ...DEFINITION, intervalMs: 500 },
        updatedAt: AT + 9,
      });
      await store.put(changed);
      expect((await store.loadAll()).services).toEqual([changed, makeService({ tenant: 'other' })]);
      await writeBehind.close();
    });

    test('that are new take nothing over from one of that name that was configured', async () => {
      const database = await open();
      const { store, writeBehind } = makeStore(database);
      store.noteTransition(makeState(), makeTransition());
      await store.putState(makeState({ maintenance: MAINTENANCE }));
      await writeBehind.flush();
      await store.add(makeService());
      const { services, states } = await store.loadAll();
      expect({ services, states }).toEqual({ services: [makeService()], states: [] });
      expect(await store.countTransitions(makeService().tenant, undefined)).toBe(0);
      await writeBehind.close();
    });

    test('have an idempotency key of their own within their tenant', async () => {
      const database = await open();
      const { store, writeBehind } = makeStore(database);
      await store.put(makeService({ idempotencyKey: 'once' }));
      await expect(
        store.put(makeService({ name: 'another', idempotencyKey: 'once' })),
      ).rejects.toThrow();
      await store.put(makeService({ tenant: 'other', idempotencyKey: 'once' }));
      expect((await store.loadAll()).services).toHaveLength(2);
      await writeBehind.close();
    });

    test('leave nothing when they are removed, not even what waited to be written', async () => {
      const database = await open();
      const { store, writeBehind } = makeStore(database);
      const metrics = createHealthMetricsStore(database);
      for (const [tenant, name] of [
        ['default', DEFINITION.name],
        ['other', DEFINITION.name],
        ['default', 'another'],
      ] as const) {
        await store.put(makeService({ tenant, name }));
        const row = { tenant, service: name, resolution: 'DAY', startAt: AT } as const;
        await metrics.putRows([{ ...row, tally: new HealthTally() }], 5_000);
        store.noteTransition(
          makeState({ tenant, name }),
          makeTransition({ tenant, service: name }),
        );
      }
      const removing = store.remove('default', DEFINITION.name);
      // Told by a check that ended just now.
      store.noteTransition(makeState(), makeTransition());
      await removing;
      await writeBehind.flush();
      expect(await countRows(database)).toEqual({
        services: 2,
        states: 2,
        transitions: 2,
        metrics: 2,
      });
      expect(await store.countTransitions('default', DEFINITION.name)).toBe(0);
      expect(await store.countTransitions('other', DEFINITION.name)).toBe(1);

      await store.put(makeService({ createdAt: AT + 5 }));
      store.noteTransition(makeState({ status: 'HEALTHY' }), makeTransition({ to: 'HEALTHY' }));
      const again = await store.listTransitions('default', { ...PAGE, service: DEFINITION.name });
      expect(again.map(({ to }) => to)).toEqual(['HEALTHY']);
      await writeBehind.close();
    });

    test('are removed with however many transitions', async () => {
      const database = await open();
      const { store, writeBehind } = makeStore(database);
      for (let count = 0; count < 2_500; count++)
        store.noteTransition(makeState(), makeTransition());
      await store.remove('default', DEFINITION.name);
      expect(await countRows(database)).toMatchObject({ states: 0, transitions: 0 });
      await writeBehind.close();
    });

    test('are not removed, and that is said, when the database is gone', async () => {
      const database = await open();
      const { store, writeBehind } = makeStore(database);
      await database.close();
      await expect(store.remove('default', 'any')).rejects.toThrow(StorageUnavailableError);
      await expect(store.put(makeService())).rejects.toThrow(StorageUnavailableError);
      await expect(store.putState(makeState())).rejects.toThrow(StorageUnavailableError);
      expect(() => store.noteTransition(makeState(), makeTransition())).not.toThrow();
      await writeBehind.close();
    });
  });
});

describe('H3 transitions that are kept', () => {
  forEachDatabase(({ open }) => {
    test('are read at once, newest first, with their explanations', async () => {
      const database = await open();
      const { store, writeBehind } = makeStore(database);
      const first = makeTransition({ service: ODD, tenant: ODD });
      const second = makeTransition({ service: ODD, tenant: ODD, from: 'UNKNOWN', at: AT + 1 });
      for (const each of [first, second]) {
        store.noteTransition(makeState({ tenant: ODD, name: ODD }), each);
      }
      expect(await store.listTransitions(ODD, PAGE)).toEqual([second, first]);
      expect((await store.loadAll()).states).toEqual([makeState({ tenant: ODD, name: ODD })]);
      await writeBehind.close();
    });

    test('are read in pages from both ends, of one service or of all of a tenant', async () => {
      const database = await open();
      const { store, writeBehind } = makeStore(database);
      const note = (tenant: string, service: string) => {
        const transition = makeTransition({ tenant, service });
        store.noteTransition(makeState({ tenant, name: service }), transition);
        return transition;
      };
      const all: KeptTransition[] = [];
      for (let count = 0; count < 10; count++) {
        all.unshift(note('default', count % 2 === 0 ? 'a' : 'b'));
        note('other', 'a');
      }
      const ids = async (query: Partial<Parameters<typeof store.listTransitions>[1]>) =>
        (await store.listTransitions('default', { limit: 3, fromEnd: false, ...query })).map(
          ({ id }) => all.findIndex((each) => each.id === id),
        );
      const idAt = (at: number) => all.at(at)?.id;
      expect(await ids({})).toEqual([0, 1, 2]);
      expect(await ids({ after: idAt(2) })).toEqual([3, 4, 5]);
      expect(await ids({ after: idAt(8) })).toEqual([9]);
      expect(await ids({ fromEnd: true })).toEqual([7, 8, 9]);
      expect(await ids({ fromEnd: true, before: idAt(7) })).toEqual([4, 5, 6]);
      expect(await ids({ after: idAt(1), before: idAt(4) })).toEqual([2, 3]);
      expect(await ids({ service: 'b' })).toEqual([0, 2, 4]);
      expect(await ids({ service: 'b', after: idAt(4) })).toEqual([6, 8]);
      expect(await ids({ service: 'a', fromEnd: true, before: idAt(5) })).toEqual([1, 3]);
      expect(await store.countTransitions('default', undefined)).toBe(10);
      expect(await store.countTransitions('default', 'a')).toBe(5);
      expect(await store.countTransitions('none', undefined)).toBe(0);
      await writeBehind.close();
    });

    test('are not taken back by a maintenance that is stored a little later', async () => {
      const database = await open();
      const { store, writeBehind } = makeStore(database);
      const seen = makeState();
      store.noteTransition(makeState({ status: 'DEGRADED' }), makeTransition({ to: 'DEGRADED' }));
      await writeBehind.flush();
      await store.putState({ ...seen, maintenance: MAINTENANCE });
      expect((await store.loadAll()).states).toEqual([
        makeState({ status: 'DEGRADED', maintenance: MAINTENANCE }),
      ]);
      await writeBehind.close();
    });

    test('do not take back the maintenance that was stored meanwhile', async () => {
      const database = await open();
      const { store, writeBehind } = makeStore(database);
      store.noteTransition(makeState({ status: 'DEGRADED' }), makeTransition({ to: 'DEGRADED' }));
      await store.putState(makeState({ status: 'DEGRADED', maintenance: MAINTENANCE }));
      store.noteTransition(makeState(), makeTransition());
      await writeBehind.flush();
      expect((await store.loadAll()).states).toEqual([makeState({ maintenance: MAINTENANCE })]);
      await writeBehind.close();
    });
  });
});
