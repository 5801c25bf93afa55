import { describe, expect, it } from 'vitest';
import { CONDITION_NAMES } from '../../src/alerts/condition-names.ts';
import { readAlertRule } from '../../src/alerts/read-alert-rule.ts';
import { ValidationError } from '../../src/lib/domain-error.ts';

function issuesOf(read: () => unknown) {
  try {
    read();
  } catch (error) {
    if (error instanceof ValidationError) {
      return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    }
    throw error;
  }
  throw new Error('Nothing is wrong with it.');
}

describe('M10 reading an alert rule', () => {
  it('fills in the defaults of its kind', () => {
    expect(readAlertRule({ name: 'a', kind: 'QUEUE_PRESSURE' })).toEqual({
      name: 'a',
      severity: 'WARNING',
      isEnabled: true,
      forMs: 0,
      coolDownMs: 60_000,
      settings: { kind: 'QUEUE_PRESSURE', level: 'CRITICAL' },
    });
    const settings = (kind: string) => readAlertRule({ name: 'a', kind }).settings;
    expect(settings('ROUTINE_ERROR_RATE')).toMatchObject({
      windowMs: 60_000,
      minExecutions: 10,
      errorRate: 0.1,
    });
    expect(settings('JOB_FAILURES')).toMatchObject({ windowMs: 300_000, minFailures: 1 });
    expect(settings('SERVICE_STATUS')).toMatchObject({ statuses: ['UNHEALTHY'] });
  });

  it('tells everything that is wrong with it at once', () => {
    const input = {
      name: '-a',
      kind: 'QUEUE_PRESSURE',
      leve: 'LOW',
      windowMs: 5,
      forMs: -1,
      condition: 'usag > 1',
    };
    expect(issuesOf(() => readAlertRule(input))).toEqual([
      expect.stringMatching(/^name: Give 1–100 letters/),
      expect.stringMatching(/^forMs: Give a whole number from 0/),
      expect.stringMatching(/^leve: .* Did you mean "level"\?$/),
      expect.stringMatching(/^windowMs: A rule of kind QUEUE_PRESSURE has no such field/),
      'condition: Unknown name "usag". Did you mean "usage"? (line 1, column 1)',
    ]);
    expect(issuesOf(() => readAlertRule({ kind: 'X', forMs: 'a' }))).toEqual([
      expect.stringMatching(/^kind: Give one of QUEUE_PRESSURE, /),
      expect.stringMatching(/^name: /),
      expect.stringMatching(/^forMs: /),
    ]);
    for (const input of [undefined, null, 'a', []]) {
      expect(issuesOf(() => readAlertRule(input))).toEqual([': Give an object.']);
    }
  });

  it('takes over what is left out of a change, and the default for what is null', () => {
    const base = readAlertRule({
      name: 'a',
      kind: 'SERVICE_STATUS',
      serviceId: 'payments',
      statuses: ['DEGRADED'],
      condition: 'isFlapping',
      forMs: 5,
    });
    expect(readAlertRule({ statuses: null, condition: null, severity: 'INFO' }, base)).toEqual({
      ...base,
      severity: 'INFO',
      condition: undefined,
      settings: { kind: 'SERVICE_STATUS', serviceId: 'payments', statuses: ['UNHEALTHY'] },
    });
    expect(readAlertRule({}, base)).toEqual(base);
    expect(issuesOf(() => readAlertRule({ name: 'b', kind: 'SERVICE_STATUS' }, base))).toEqual([
      'name: The name of a rule never changes. Make another rule.',
    ]);
  });

  it('takes a condition over every name of its kind', () => {
    for (const [kind, names] of Object.entries(CONDITION_NAMES)) {
      const condition = Object.keys(names).join(' and ');
      expect(readAlertRule({ name: 'a', kind, condition }).condition).toBe(condition);
    }
  });

  it('is not fooled by keys of objects', () => {
    const input: unknown = JSON.parse(
      '{"name":"a","kind":"JOB_FAILURES","__proto__":{"minFailures":3},"constructor":1}',
    );
    expect(issuesOf(() => readAlertRule(input))).toEqual([
      expect.stringMatching(/^__proto__: /),
      expect.stringMatching(/^constructor: /),
    ]);
  });
});
