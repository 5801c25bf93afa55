import { describe, expect, test } from 'vitest';
import type { App, AppOptions } from '../../src/app.ts';
import { createContext } from '../../src/graphql/context.ts';
import { answer, ask, openApp, refusal } from '../api/api.ts';
import {
  AddServiceDocument,
  type AddServiceInput,
  CheckServiceNowDocument,
  EndMaintenanceDocument,
  GetClusterHealthDocument,
  GetDependentsDocument,
  GetServiceDocument,
  GetServiceHistoryDocument,
  GetServiceNodesDocument,
  ListAuditEntriesDocument,
  ListServicesDocument,
  ListTransitionsDocument,
  RemoveServiceDocument,
  ReportAgentStatusDocument,
  ReportAndSeeDocument,
  StartMaintenanceDocument,
  UpdateServiceDocument,
} from '../generated/operations.ts';
import { until } from '../support/manual-clock.ts';
import { serveHttp } from './bad-servers.ts';
import { openTarget } from './target.ts';

const open = (health: AppOptions['health'] = {}) =>
  openApp({ flows: [], health: { parts: false, ...health } });

/** So that it is checked when it is added, and then when somebody asks; the first result counts. */
const RARELY = {
  intervalMs: 86_400_000,
  extendedInterval: true,
  failureThreshold: 1,
  successThreshold: 1,
} as const;

async function add(app: App, input: AddServiceInput) {
  const { addService } = await ask(app, AddServiceDocument, { input: { ...RARELY, ...input } });
  if (addService.__typename !== 'AddServicePayload') throw new Error(JSON.stringify(addService));
  return addService.service;
}

async function serviceOf(app: App, id: string) {
  const { service } = await ask(app, GetServiceDocument, { id });
  if (service === null || service === undefined) throw new Error(`No service ${id}.`);
  return service;
}

async function check(app: App, serviceId: string) {
  const input = { serviceId };
  const { checkServiceNow } = await ask(app, CheckServiceNowDocument, { input });
  if (checkServiceNow.__typename !== 'CheckServiceNowPayload') {
    throw new Error(JSON.stringify(checkServiceNow));
  }
  return checkServiceNow;
}

/** A service that was checked once. */
async function addChecked(app: App, input: AddServiceInput) {
  await add(app, input);
  await until(() => app.health.require(input.name).checkCount > 0);
}

const report = (app: App, name: string, health: string) =>
  ask(app, ReportAgentStatusDocument, { input: { name, health } });

const namesOf = (services: readonly { readonly name: string }[]) =>
  services.map(({ name }) => name);

const ofViewer = (
  app: App,
  scopes: readonly ('read' | 'control' | 'ingest')[],
  tenant = 'default',
) => createContext(app.services, { tenant, scopes: new Set(scopes), subject: 'ann' });

describe('services', () => {
  test('H1 H6 a service is added with what was said of it, and the defaults for the rest', async () => {
    const app = await open();
    const target = await openTarget();
    const service = await add(app, {
      name: 'payments',
      url: `${target.url}?api_key=s3cr3t-query&page=1`,
      description: 'Takes the money.',
      method: 'HEAD',
      headers: [
        { name: 'X-Custom', value: 's3cr3t-header' },
        { name: 'Accept', value: 'application/json' },
      ],
      expectedStatus: ['200-299', '404'],
      degradedAboveMs: 500,
    });
    expect(service).toMatchObject({
      id: 'Service:payments',
      name: 'payments',
      kind: 'HTTP',
      origin: 'API',
      description: 'Takes the money.',
      thresholds: { failureThreshold: 1, successThreshold: 1, windowSize: 20, flapThreshold: 6 },
      maintenance: null,
      check: {
        method: 'HEAD',
        headers: [
          { name: 'X-Custom', value: '***' },
          { name: 'Accept', value: 'application/json' },
        ],
        intervalMs: 86_400_000,
        extendedInterval: true,
        timeoutMs: 5000,
        expectedStatus: ['200-299', '404'],
        conditions: [],
        degradedAboveMs: 500,
        tls: null,
      },
    });
    expect(service.check?.url).toBe(`${target.url}?api_key=***&page=1`);
    expect(JSON.stringify(service)).not.toContain('s3cr3t');
    for (const id of ['payments', 'Service:payments']) {
      expect((await serviceOf(app, id)).id).toBe('Service:payments');
    }
  });

  test('H6 what is left out of an update stays, and what is null has its default again', async () => {
    const app = await open();
    const { url } = await openTarget();
    await add(app, { name: 'payments', url, description: 'Old.', timeoutMs: 100 });
    const input = { serviceId: 'payments', timeoutMs: null, degradedAboveMs: 50, dependsOn: ['x'] };
    const { updateService } = await ask(app, UpdateServiceDocument, { input });
    expect(updateService).toMatchObject({
      __typename: 'UpdateServicePayload',
      service: { description: 'Old.', check: { timeoutMs: 5000, degradedAboveMs: 50, url } },
    });
    const gone = { serviceId: 'payments', description: null, dependsOn: null };
    await ask(app, UpdateServiceDocument, { input: gone });
    expect(await serviceOf(app, 'payments')).toMatchObject({ description: null });
    expect(app.health.require('payments').dependsOn).toEqual([]);
  });

  test('H6 a service that was removed is gone, with its history', async () => {
    const app = await open();
    const { url } = await openTarget();
    await addChecked(app, { name: 'payments', url });
    const { removeService } = await ask(app, RemoveServiceDocument, {
      input: { serviceId: 'Service:payments' },
    });
    expect(removeService).toEqual({
      __typename: 'RemoveServicePayload',
      removedServiceId: 'Service:payments',
    });
    expect(await refusal(app, GetServiceDocument, { id: 'payments' })).toMatchObject({
      code: 'NOT_FOUND',
    });
    const { serviceTransitions } = await ask(app, ListTransitionsDocument, {});
    expect(serviceTransitions).toMatchObject({ totalCount: 0, nodes: [] });
  });

  test('H6 the same idempotency key answers the service that was added first', async () => {
    const app = await open();
    const { url } = await openTarget();
    const first = await add(app, { name: 'payments', url, idempotencyKey: 'k' });
    const again = await add(app, { name: 'payments', url, idempotencyKey: 'k' });
    expect(again.createdAt).toBe(first.createdAt);
    const { addService } = await ask(app, AddServiceDocument, {
      input: { name: 'other', url, idempotencyKey: 'k' },
    });
    expect(addService).toMatchObject({
      __typename: 'ServiceExistsError',
      code: 'SERVICE_EXISTS',
      existingServiceId: 'Service:payments',
    });
  });

  test('faults of an input are told where the client wrote them, all at once', async () => {
    const app = await open();
    const { addService } = await ask(app, AddServiceDocument, {
      input: {
        name: 'a b',
        url: 'ftp://x',
        intervalMs: 20,
        headers: [
          { name: 'Accept', value: 'a' },
          { name: 'X-Bad', value: 'line\nbreak' },
        ],
        conditions: ['true', 'body.('],
        dependsOn: ['Service:b', 'agent:c'],
      },
    });
    expect(addService).toMatchObject({ __typename: 'ValidationError', code: 'VALIDATION_FAILED' });
    const issues = 'issues' in addService ? addService.issues : [];
    expect(issues.map(({ path }) => path.join('.')).toSorted()).toEqual([
      'input.conditions.1',
      'input.headers.1',
      'input.intervalMs',
      'input.name',
      'input.url',
    ]);
    const twice = await ask(app, AddServiceDocument, {
      input: {
        name: 'a',
        url: 'http://x',
        headers: [
          { name: 'A', value: '1' },
          { name: 'A', value: '2' },
        ],
      },
    });
    expect(twice.addService).toMatchObject({
      issues: [{ path: ['input', 'headers', '1', 'name'], message: 'Is there twice.' }],
    });
    const other = { serviceId: 'Job:payments' };
    const { updateService } = await ask(app, UpdateServiceDocument, { input: other });
    expect(updateService).toMatchObject({ issues: [{ path: ['input', 'serviceId'] }] });
  });

  test('what can be expected to go wrong is answered as that', async () => {
    const { url } = await openTarget();
    const app = await open({ services: [{ name: 'fixed', url, ...RARELY }] });
    await add(app, { name: 'database', url });
    await add(app, { name: 'shop', url, dependsOn: ['database'] });
    await report(app, 'crawler', 'healthy');
    const { addService } = await ask(app, AddServiceDocument, { input: { name: 'shop', url } });
    expect(addService).toMatchObject({ code: 'SERVICE_EXISTS', existingServiceId: 'Service:shop' });
    const fixed = { input: { serviceId: 'fixed' } };
    const { updateService } = await ask(app, UpdateServiceDocument, fixed);
    expect(updateService).toMatchObject({ __typename: 'ServiceFixedError', code: 'SERVICE_FIXED' });
    const removed = await ask(app, RemoveServiceDocument, { input: { serviceId: 'database' } });
    expect(removed.removeService).toMatchObject({
      code: 'SERVICE_NEEDED',
      neededByIds: ['Service:shop'],
    });
    const checked = await ask(app, CheckServiceNowDocument, {
      input: { serviceId: 'agent:crawler' },
    });
    expect(checked.checkServiceNow).toMatchObject({ code: 'NOT_CHECKABLE' });
    const ended = await ask(app, EndMaintenanceDocument, { input: { serviceId: 'shop' } });
    expect(ended.endMaintenance).toMatchObject({ code: 'NOT_IN_MAINTENANCE' });
    const nobody = await ask(app, CheckServiceNowDocument, { input: { serviceId: 'shopp' } });
    expect(nobody.checkServiceNow).toMatchObject({
      code: 'NOT_FOUND',
      message: 'There is no Service "shopp". Did you mean "shop"?',
    });
  });

  test('H4 lists are filtered, ordered by name or the worst first, and read page by page', async () => {
    const app = await open();
    const all = { ann: 'healthy', bob: 'bad', cid: 'degraded', dan: 'bad', eve: 'healthy' };
    for (const [name, health] of Object.entries(all)) await report(app, name, health);
    const list = async (variables: object) => {
      const { services } = await ask(app, ListServicesDocument, variables);
      return { ...services, names: namesOf(services.nodes).map((name) => name.slice(6)) };
    };
    expect((await list({})).names).toEqual(['ann', 'bob', 'cid', 'dan', 'eve']);
    const worst = { orderBy: { field: 'STATUS' } };
    expect((await list(worst)).names).toEqual(['bob', 'dan', 'cid', 'ann', 'eve']);
    const first = await list({ ...worst, first: 2 });
    expect(first).toMatchObject({ totalCount: 5, pageInfo: { hasNextPage: true } });
    const next = await list({ ...worst, first: 2, after: first.pageInfo.endCursor });
    expect([first.names, next.names]).toEqual([
      ['bob', 'dan'],
      ['cid', 'ann'],
    ]);
    expect((await list({ last: 1 })).names).toEqual(['eve']);
    expect((await list({ filter: { statuses: ['UNHEALTHY', 'DEGRADED'] } })).names).toEqual([
      'bob',
      'cid',
      'dan',
    ]);
    expect((await list({ filter: { text: 'AN' } })).names).toEqual(['ann', 'dan']);
    expect((await list({ filter: { kinds: ['HTTP'] } })).names).toEqual([]);
    expect((await list({ filter: { isInMaintenance: true } })).names).toEqual([]);
    const cursor = { after: first.pageInfo.endCursor };
    expect(await refusal(app, ListServicesDocument, cursor)).toMatchObject({
      code: 'VALIDATION_FAILED',
    });
  });

  test('parts of the server are services of the tenant default', async () => {
    const app = await open({ parts: true });
    const { services } = await ask(app, ListServicesDocument, { filter: { kinds: ['PART'] } });
    expect(namesOf(services.nodes)).toContain('millrace:database');
    for (const id of ['millrace:database', 'Service:millrace:database']) {
      expect(await serviceOf(app, id)).toMatchObject({
        id: 'Service:millrace:database',
        origin: 'SERVER',
        check: null,
      });
    }
  });
});

describe('checks', () => {
  test('H2 H7 a check on demand answers what it found, with secrets in it masked', async () => {
    const app = await open();
    const target = await openTarget();
    target.body = { version: 7, database: { password: 's3cr3t-body' } };
    await addChecked(app, { name: 'payments', url: target.url });
    const good = await check(app, 'payments');
    expect(good).toMatchObject({
      result: { status: 'HEALTHY', httpStatus: 200, failure: null, error: null },
      service: { status: 'HEALTHY' },
    });
    expect(good.result.details).toEqual({ version: 7, database: { password: '***' } });
    expect(good.result.responseTimeMs).toBeGreaterThan(0);
    target.status = 503;
    expect(await check(app, 'Service:payments')).toMatchObject({
      result: { status: 'UNHEALTHY', httpStatus: 503, failure: 'HTTP_STATUS', error: 'HTTP 503' },
      service: { status: 'UNHEALTHY' },
    });
    const service = await serviceOf(app, 'payments');
    expect(service).toMatchObject({
      status: 'UNHEALTHY',
      lastResult: { error: 'HTTP 503', details: { version: 7, database: { password: '***' } } },
      explanation: {
        rule: 'FAILURES_IN_A_ROW',
        threshold: 1,
        observed: 1,
        result: { status: 'UNHEALTHY', error: 'HTTP 503', details: null },
      },
      window: { count: 3, failedCount: 1, changeCount: 1 },
    });
    expect(service.explanation?.text).toContain('HTTP 503');
  });

  test('H2 a body that is no JSON, though it says so, is no details and no fault', async () => {
    const app = await open();
    const { url } = await serveHttp((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"half":');
    });
    await addChecked(app, { name: 'payments', url });
    expect((await serviceOf(app, 'payments')).lastResult).toMatchObject({
      status: 'HEALTHY',
      error: null,
      details: null,
    });
  });

  test('H8 each change of status is listed with its explanation, newest first', async () => {
    const app = await open();
    const target = await openTarget();
    await addChecked(app, { name: 'payments', url: target.url });
    target.status = 500;
    await check(app, 'payments');
    target.status = 200;
    await check(app, 'payments');
    await report(app, 'crawler', 'healthy');
    const list = async (variables: object) =>
      (await ask(app, ListTransitionsDocument, variables)).serviceTransitions;
    await expect.poll(async () => (await list({})).totalCount).toBe(4);
    const ofPayments = { filter: { serviceId: 'Service:payments' } };
    const { nodes, totalCount } = await list(ofPayments);
    expect(totalCount).toBe(3);
    expect(nodes.map(({ from, to, explanation }) => [from, to, explanation.rule])).toEqual([
      ['UNHEALTHY', 'HEALTHY', 'SUCCESSES_IN_A_ROW'],
      ['HEALTHY', 'UNHEALTHY', 'FAILURES_IN_A_ROW'],
      ['UNKNOWN', 'HEALTHY', 'FIRST_RESULT'],
    ]);
    expect(nodes[0]).toMatchObject({
      serviceId: 'Service:payments',
      service: { name: 'payments' },
    });
    const first = await list({ ...ofPayments, first: 2 });
    expect(first.pageInfo.hasNextPage).toBe(true);
    const rest = await list({ ...ofPayments, first: 2, after: first.pageInfo.endCursor });
    expect([...first.nodes, ...rest.nodes]).toEqual(nodes);
    expect((await list({ filter: { serviceId: 'agent:crawler' } })).totalCount).toBe(1);
    expect((await list({ filter: { serviceId: 'nobody' } })).nodes).toEqual([]);
  });

  test('what became of a service is told in all, and by minute', async () => {
    const app = await open();
    const target = await openTarget();
    await addChecked(app, { name: 'payments', url: target.url });
    await check(app, 'payments');
    target.status = 500;
    await check(app, 'payments');
    const variables = { id: 'payments', bucket: 'MINUTE' } as const;
    const { service } = await ask(app, GetServiceHistoryDocument, variables);
    expect(service?.health).toMatchObject({ checkCount: 3, failedCount: 1 });
    expect(service?.health.responseTimes.count).toBe(3);
    expect(service?.health.uptime).toBeGreaterThanOrEqual(0);
    expect(service?.healthSeries).toHaveLength(60);
    const checks = service?.healthSeries.reduce((sum, { checkCount }) => sum + checkCount, 0);
    expect(checks).toBe(3);
    const range = { since: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' };
    const backwards = await refusal(app, GetServiceHistoryDocument, { ...variables, ...range });
    expect(backwards).toMatchObject({ code: 'VALIDATION_FAILED', issues: [{ path: ['since'] }] });
  });
});

test('H5 an agent that reports is a service, by both ways to write its id', async () => {
  const app = await open();
  const input = {
    name: 'crawler',
    status: 'running',
    health: 'degraded',
    message: 'The queue is long.',
    details: { queue: 12, token: 's3cr3t-token' },
    expectedIntervalMs: 60_000,
    description: 'Reads the web.',
  };
  expect(await ask(app, ReportAgentStatusDocument, { input })).toMatchObject({
    reportAgentStatus: { serviceId: 'Service:agent:crawler' },
  });
  for (const id of ['agent:crawler', 'Service:agent:crawler']) {
    expect(await serviceOf(app, id)).toMatchObject({
      id: 'Service:agent:crawler',
      kind: 'AGENT',
      origin: 'REPORT',
      status: 'DEGRADED',
      description: 'Reads the web.',
      intervalMs: 60_000,
      check: null,
      lastResult: { failure: 'REPORTED', details: { queue: 12, token: '***' } },
    });
  }
  const ids = ['Service:agent:crawler'];
  expect(await ask(app, GetServiceNodesDocument, { ids })).toEqual({
    nodes: [{ id: 'Service:agent:crawler', name: 'agent:crawler', status: 'DEGRADED' }],
  });
  const nothing = { name: 'crawler' };
  expect(await ask(app, ReportAgentStatusDocument, { input: nothing })).toMatchObject({
    reportAgentStatus: { code: 'VALIDATION_FAILED', issues: [{ path: ['input', 'status'] }] },
  });
  const { reportAgentStatus } = await ask(app, ReportAgentStatusDocument, {
    input: { name: 'no name', health: 'healthy' },
  });
  expect(reportAgentStatus).toMatchObject({ issues: [{ path: ['input', 'name'] }] });
});

test('H5 O7 who may only report sees the id, and not the service', async () => {
  const app = await open();
  const input = { name: 'crawler', health: 'healthy' };
  const agent = ofViewer(app, ['ingest']);
  const { data } = await answer(app, ReportAgentStatusDocument, { input }, agent);
  expect(data?.reportAgentStatus).toMatchObject({ serviceId: 'Service:agent:crawler' });
  const seen = await answer(
    app,
    ReportAndSeeDocument,
    { input: { ...input, health: 'bad' } },
    ofViewer(app, ['ingest']),
  );
  expect(seen.data?.reportAgentStatus).toMatchObject({ code: 'FORBIDDEN' });
  expect(app.health.require('agent:crawler').status).toBe('HEALTHY');
});

test('H4 the cluster is as bad as the worst, and tells causes from what they affect', async () => {
  const app = await open();
  const target = await openTarget();
  target.status = 500;
  await addChecked(app, { name: 'database', url: target.url });
  for (const name of ['shop', 'mail']) {
    await addChecked(app, { name, url: target.url, dependsOn: ['Service:database', 'missing'] });
  }
  await report(app, 'crawler', 'healthy');
  const { clusterHealth } = await ask(app, GetClusterHealthDocument, {});
  expect(clusterHealth).toMatchObject({
    status: 'UNHEALTHY',
    counts: { unhealthy: 3, degraded: 0, unknown: 0, healthy: 1 },
    maintenanceCount: 0,
    serviceCount: 4,
    causes: [{ name: 'database' }],
    affected: [
      { name: 'mail', causedBy: [{ name: 'database' }] },
      { name: 'shop', causedBy: [{ name: 'database' }] },
    ],
  });
  expect(clusterHealth.summary).toContain('database');
  const { clusterHealth: short } = await ask(app, GetClusterHealthDocument, { first: 1 });
  expect(namesOf(short.affected)).toEqual(['mail']);
  expect(await serviceOf(app, 'database')).toMatchObject({
    dependsOn: [],
    dependents: [{ name: 'mail' }, { name: 'shop' }],
    causedBy: [],
  });
  expect(await serviceOf(app, 'shop')).toMatchObject({
    dependsOn: [{ name: 'database' }],
    dependents: [],
  });
  const { services } = await ask(app, GetDependentsDocument, { first: 1 });
  const dependents = services.nodes.map((each) => [each.name, namesOf(each.dependents)]);
  expect(dependents).toEqual([
    ['agent:crawler', []],
    ['database', ['mail']],
    ['mail', []],
    ['shop', []],
  ]);
});

test('a service in maintenance does not count until that ends', async () => {
  const app = await open();
  await report(app, 'crawler', 'bad');
  const input = { serviceId: 'agent:crawler', until: '2999-01-01T00:00:00Z' };
  expect(await ask(app, StartMaintenanceDocument, { input })).toMatchObject({
    startMaintenance: { code: 'VALIDATION_FAILED', issues: [{ path: ['input', 'until'] }] },
  });
  const soon = new Date(Date.now() + 60_000).toISOString();
  const started = await answer(
    app,
    StartMaintenanceDocument,
    { input: { ...input, until: soon, reason: 'A new disk.' } },
    ofViewer(app, ['control', 'read']),
  );
  expect(started.data?.startMaintenance).toMatchObject({
    service: { maintenance: { until: soon, reason: 'A new disk.', startedBy: 'ann' } },
  });
  const cluster = async () => (await ask(app, GetClusterHealthDocument, {})).clusterHealth;
  expect(await cluster()).toMatchObject({ status: 'UNKNOWN', maintenanceCount: 1, causes: [] });
  const { services } = await ask(app, ListServicesDocument, { filter: { isInMaintenance: true } });
  expect(namesOf(services.nodes)).toEqual(['agent:crawler']);
  expect(
    await ask(app, EndMaintenanceDocument, { input: { serviceId: 'Service:agent:crawler' } }),
  ).toMatchObject({ endMaintenance: { service: { maintenance: null } } });
  expect(await cluster()).toMatchObject({ status: 'UNHEALTHY', maintenanceCount: 0 });
});

test('O7 the audit log names the service, and shows no secret of it', async () => {
  const app = await open();
  const { url } = await openTarget();
  const headers = [
    { name: 'X-Custom', value: 's3cr3t-custom' },
    { name: 'Authorization', value: 's3cr3t-login' },
  ];
  const tls = { key: 's3cr3t-key', cert: 'no certificate' };
  await ask(app, AddServiceDocument, { input: { name: 'payments', url, headers, ...RARELY } });
  await ask(app, AddServiceDocument, { input: { name: 'payments', url, tls } });
  await report(app, 'crawler', 'healthy'); // not written
  await report(app, 'no name', 'healthy');
  for (const serviceId of ['agent:crawler', 'Service:agent:crawler']) {
    await ask(app, RemoveServiceDocument, { input: { serviceId } });
  }
  await ask(app, UpdateServiceDocument, {
    input: { serviceId: 'payments', headers: [{ name: 'X-Other', value: 's3cr3t-other' }] },
  });
  const { auditEntries } = await ask(app, ListAuditEntriesDocument, {});
  expect(JSON.stringify(auditEntries)).not.toContain('s3cr3t');
  expect(auditEntries.nodes.map(({ operation, targetId }) => [operation, targetId])).toEqual([
    ['updateService', 'Service:payments'],
    ['removeService', 'Service:agent:crawler'],
    ['removeService', 'Service:agent:crawler'],
    ['reportAgentStatus', 'Service:agent:no name'],
    ['addService', 'Service:payments'],
    ['addService', 'Service:payments'],
  ]);
  expect(auditEntries.nodes.at(-1)?.arguments).toMatchObject({
    input: {
      headers: [
        { name: 'X-Custom', value: '***' },
        { name: 'Authorization', value: '***' },
      ],
    },
  });
});

test('O7 many services times what they need cost what that may be', async () => {
  const app = await openApp({
    flows: [],
    health: { parts: false },
    limits: { complexity: 5000, depth: 10, breadth: 1000 },
  });
  const { data } = await answer(app, GetDependentsDocument, { first: 1 });
  expect(data?.services.nodes).toEqual([]);
  const { errors } = await answer(app, GetDependentsDocument, {});
  expect(errors?.[0]?.message).toContain('cost');
});
