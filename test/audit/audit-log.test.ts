import { describe, expect, test } from 'vitest';
import type { AuditEntry, AuditFilter, AuditPosition } from '../../src/audit/audit-entry.ts';
import { createAuditLog } from '../../src/audit/audit-log.ts';
import { createAuditStore } from '../../src/audit/audit-store.ts';
import { ForbiddenError, NotFoundError } from '../../src/lib/domain-error.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import type { Database } from '../../src/storage/database.ts';
import { forEachDatabase } from '../support/databases.ts';
import { ManualClock } from '../support/manual-clock.ts';

function openLog(database: Database) {
  const clock = new ManualClock();
  const faults: unknown[] = [];
  const logger = { error: (facts: object) => faults.push(facts) };
  const log = createAuditLog({ database, clock, logger });
  return { log, audit: log.forTenant(DEFAULT_TENANT), clock, faults };
}

const ASKED = { operation: 'pauseJob', actor: undefined, address: undefined };
const ALL = { filter: {}, limit: 1_000, fromEnd: false };

const throwing = new Proxy(
  {},
  {
    getOwnPropertyDescriptor() {
      throw new Error('It fights back.');
    },
  },
);

const entry = (at: number, change: Partial<AuditEntry> = {}): AuditEntry => ({
  id: `id-${String(at).padStart(3, '0')}`,
  tenant: DEFAULT_TENANT,
  at: Math.floor(at / 3), // some are of the same millisecond
  operation: 'startJob',
  actor: undefined,
  address: undefined,
  arguments: '{}',
  outcome: 'SUCCEEDED',
  errorCode: undefined,
  errorMessage: undefined,
  target: undefined,
  durationMs: 1.5,
  changes: undefined,
  ...change,
});

describe('the audit log', () => {
  forEachDatabase(({ open }) => {
    test('keeps who asked for what, when, with what, and what came of it', async () => {
      const { audit, clock } = openLog(await open());
      const change = audit.begin({
        operation: 'startJob',
        arguments: { input: { flowId: 'a', input: { password: 'hunter2' } } },
        actor: 'ann',
        address: '192.0.2.7',
      });
      const at = clock.now();
      await clock.advance(250);
      await change.succeeded({ job: { id: 'x1' } });
      const [kept] = await audit.list(ALL);
      expect(kept).toEqual({
        id: expect.any(String),
        tenant: DEFAULT_TENANT,
        at,
        operation: 'startJob',
        actor: 'ann',
        address: '192.0.2.7',
        arguments: '{"input":{"flowId":"a","input":{"password":"***"}}}',
        outcome: 'SUCCEEDED',
        errorCode: undefined,
        errorMessage: undefined,
        target: 'Job:x1',
        durationMs: 250,
        changes: undefined,
      });
      expect(await audit.getMany(['nobody', kept?.id ?? ''])).toEqual([undefined, kept]);
    });

    test('what was asked for is kept as it was then, not as it is when it is done', async () => {
      const { audit } = openLog(await open());
      const given = { input: { jobId: 'Job:1', list: [1] } };
      const change = audit.begin({ ...ASKED, arguments: given });
      given.input.list.push(2);
      given.input.jobId = 'Job:2';
      await change.succeeded(undefined);
      expect(await audit.list(ALL)).toMatchObject([
        { arguments: '{"input":{"jobId":"Job:1","list":[1]}}', target: 'Job:1' },
      ]);
    });

    test('tells refused from failed, and nothing of errors that nobody may see', async () => {
      const { audit } = openLog(await open());
      const begin = () => audit.begin({ ...ASKED, arguments: { input: { jobId: '7' } } });
      await begin().refused(new NotFoundError('Job', 'postgres://u:hunter2@h'));
      await begin().threw(new ForbiddenError('pauseJob'));
      await begin().threw(new TypeError('hunter2 is not a function'));
      await begin().threw('hunter2');
      const entries = await audit.list({ ...ALL, fromEnd: true });
      expect(entries.toReversed()).toMatchObject([
        { outcome: 'REFUSED', errorCode: 'NOT_FOUND', target: 'Job:7' },
        { outcome: 'REFUSED', errorCode: 'FORBIDDEN' },
        {
          outcome: 'FAILED',
          errorCode: 'INTERNAL_SERVER_ERROR',
          errorMessage: 'Unexpected error.',
        },
        { outcome: 'FAILED', errorCode: 'INTERNAL_SERVER_ERROR' },
      ]);
      expect(JSON.stringify(entries)).not.toContain('hunter2');
    });

    test('any text that a client sends can be kept and found again', async () => {
      const { audit, faults } = openLog(await open());
      const jobId = 'Job:\0 \ud800 😀';
      await audit.begin({ ...ASKED, arguments: { input: { jobId } } }).succeeded({});
      await audit
        .begin({ ...ASKED, arguments: { input: { jobId: 'y'.repeat(100_000) } } })
        .refused({ code: 'X', message: 'z'.repeat(1_000_000) });
      expect(faults).toEqual([]);
      const [kept] = await audit.list({ ...ALL, filter: { target: jobId } });
      expect(kept?.target).toBe(jobId);
      const nothing = { operations: ['\0'], actor: '\0' };
      expect(await audit.count(nothing)).toBe(0);
      expect(await audit.list({ ...ALL, filter: nothing, after: { at: 0, id: '\0' } })).toEqual([]);
      expect(await audit.getMany(['\0'])).toEqual([undefined]);
      expect(JSON.parse(kept?.arguments ?? '')).toEqual({ input: { jobId } });
    });

    test('an edit is kept with before and after, secrets masked, and cut', async () => {
      const { audit, faults } = openLog(await open());
      const edit = async (input: object, change: unknown) => {
        const asked = { ...ASKED, operation: 'setVariable', arguments: { input } };
        await audit.begin(asked).succeeded({ change });
        const [kept] = await audit.list(ALL);
        return kept?.changes;
      };
      const shown = (text: string) => ({ text, isTruncated: false });
      const both = { before: shown('{"a":1}'), after: shown('"\0\ud800…"') };
      expect(await edit({ jobId: '1' }, both)).toEqual({
        before: '{"a":1}',
        after: '"\0\ud800…"',
      });
      expect(await edit({ jobId: '1' }, { after: shown('2') })).toEqual({ after: '2' });
      const secret = { before: shown('{"token":"hunter2"}'), after: undefined };
      expect(await edit({ jobId: '1' }, secret)).toEqual({ before: '{"token":"***"}' });
      expect(
        await edit({ path: ['db', 'password'] }, { before: shown('"hunter2"'), after: shown('1') }),
      ).toEqual({ before: '***', after: '***' });
      const long = await edit({}, { before: shown('x'.repeat(1_000_000)), after: shown('') });
      expect(long?.before).toHaveLength(4_097);
      expect(long?.after).toBe('');
      for (const change of [{}, 7, 'x', null, { before: 7, after: { text: 7 } }, throwing]) {
        expect(await edit({ jobId: '1' }, change)).toBeUndefined();
      }
      expect(faults).toEqual([]);
    });

    test('names what was changed: the job, else the breakpoint, else the flow', async () => {
      const { audit } = openLog(await open());
      const targetOf = async (input: object, answer: object = {}) => {
        await audit.begin({ ...ASKED, arguments: { input } }).succeeded(answer);
        return (await audit.list(ALL))[0]?.target;
      };
      expect(await targetOf({ jobId: '1', breakpointId: '2', flowId: '3' })).toBe('Job:1');
      expect(await targetOf({ breakpointId: '2' })).toBe('Breakpoint:2');
      expect(await targetOf({ breakpointId: 'Breakpoint:2', flowId: '3' })).toBe('Breakpoint:2');
      expect(await targetOf({ jobId: null, flowId: 'articles' })).toBe('Flow:articles');
      expect(await targetOf({ flowId: 'articles' }, { job: { id: '4' } })).toBe('Job:4');
      expect(await targetOf({})).toBeUndefined();
    });

    test('names an alert rule that is made by its name, not by the flow that it is about', async () => {
      const { audit } = openLog(await open());
      const input = { name: 'full', flowId: 'articles' };
      const asked = { ...ASKED, operation: 'addAlertRule', arguments: { input } };
      await audit.begin(asked).succeeded({});
      expect(await audit.list(ALL)).toMatchObject([{ target: 'AlertRule:full' }]);
    });

    test('its target is masked and cut, and found by what was sent', async () => {
      const { audit } = openLog(await open());
      const targets = ['Job:password=hunter2', '{"token":"hunter2"}', `Job:${'y'.repeat(2_000)}`];
      for (const jobId of targets) {
        await audit.begin({ ...ASKED, arguments: { input: { jobId } } }).succeeded({});
        const found = { target: jobId };
        expect(await audit.count(found)).toBe(1);
        expect(await audit.list({ ...ALL, filter: found })).toHaveLength(1);
      }
      const kept = (await audit.list(ALL)).map(({ target = '' }) => target);
      expect(kept).toContain('Job:password=***');
      expect(kept.join()).not.toContain('hunter2');
      expect(Math.max(...kept.map(({ length }) => length))).toBe(500);
    });

    test('an entry that can not be written is told in the log of the program, and nothing is thrown', async () => {
      const database = await open();
      const deadlines: unknown[] = [];
      const { audit, faults } = openLog({
        ...database,
        async write(_statements, options) {
          deadlines.push(options?.deadlineMs);
          throw new Error('The disk is full.');
        },
      });
      await audit.begin({ ...ASKED, arguments: { password: 'hunter2' } }).succeeded({});
      expect(faults).toMatchObject([{ audit: { operation: 'pauseJob', outcome: 'SUCCEEDED' } }]);
      expect(deadlines).toEqual([3_000]);
    });

    test('is listed newest first, in pages in both directions, with no gap and no overlap', async () => {
      const store = createAuditStore(await open());
      const names = ['startJob', 'pauseJob', 'cancelJob'];
      const entries = Array.from({ length: 20 }, (_none, at) =>
        entry(at, { operation: names[at % 3] ?? '' }),
      );
      for (const each of entries.toSorted(() => 0.5)) await store.insert(each, 30_000);
      await store.insert(entry(0), 30_000); // a write may be repeated
      const expected = entries.map(({ id }) => id).toReversed();
      for (const [size, filter] of [
        [1, {}],
        [3, { operations: names }],
        [7, { operations: names }],
        [50, {}],
      ] as const) {
        for (const fromEnd of [false, true]) {
          const ids: string[] = [];
          for (let edge: AuditPosition | undefined; ; ) {
            const range = fromEnd ? { before: edge } : { after: edge };
            const page = await store.list(DEFAULT_TENANT, {
              filter,
              limit: size,
              fromEnd,
              ...range,
            });
            if (page.length === 0) break;
            if (fromEnd) ids.unshift(...page.map(({ id }) => id));
            else ids.push(...page.map(({ id }) => id));
            edge = fromEnd ? page[0] : page.at(-1);
          }
          expect(ids).toEqual(expected);
        }
      }
    });

    test.each<[string, AuditFilter, number[]]>([
      ['operations', { operations: ['pauseJob', 'cancelJob', 'pauseJob'] }, [2, 1]],
      ['one operation', { operations: ['pauseJob'] }, [1]],
      ['no operation', { operations: [] }, []],
      ['outcomes', { outcomes: ['REFUSED', 'FAILED'] }, [4, 3]],
      ['actor', { actor: 'ann' }, [3, 1]],
      ['target', { target: 'Job:1' }, [2, 0]],
      ['after', { after: 1 }, [6, 7].toReversed()],
      ['before', { before: 1 }, [2, 1, 0]],
      ['between', { after: 0, before: 2 }, [5, 4, 3]],
      ['all together', { operations: ['startJob'], actor: 'ann', outcomes: ['REFUSED'] }, [3]],
    ])('is filtered by %s', async (_name, filter, expected) => {
      const store = createAuditStore(await open());
      const changes: Partial<AuditEntry>[] = [
        { target: 'Job:1' },
        { operation: 'pauseJob', actor: 'ann' },
        { operation: 'cancelJob', target: 'Job:1' },
        { outcome: 'REFUSED', actor: 'ann' },
        { outcome: 'FAILED' },
        {},
        {},
        {},
      ];
      for (const [at, change] of changes.entries()) await store.insert(entry(at, change), 30_000);
      const listed = await store.list(DEFAULT_TENANT, { filter, limit: 100, fromEnd: false });
      expect(listed.map(({ id }) => Number(id.slice(3)))).toEqual(expected);
      expect(await store.count(DEFAULT_TENANT, filter)).toBe(expected.length);
    });
  });
});
