import { z } from 'zod';
import { compileExpression } from '../expression/expression.ts';
import { ExpressionError } from '../expression/expression-error.ts';
import { SERVICE_STATUSES } from '../health/service.ts';
import { type Issue, ValidationError } from '../lib/domain-error.ts';
import { nearestName } from '../lib/nearest-name.ts';
import { THING_NAME } from '../lib/thing-name.ts';
import {
  ALERT_RULE_KINDS,
  ALERT_SEVERITIES,
  type AlertRuleDefinition,
  type AlertRuleKind,
  type AlertRuleSettings,
} from './alert-rule.ts';
import { CONDITION_NAMES } from './condition-names.ts';

const DAY_MS = 86_400_000;

const oneOf = (values: readonly string[]) => `Give one of ${values.join(', ')}.`;

function choice<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, { error: oneOf(values) });
}

function text(least: number, most: number) {
  const error = `Give a text of ${least}–${most} characters.`;
  return z.string({ error }).min(least, { error }).max(most, { error });
}

function whole(least: number, most: number) {
  const error = `Give a whole number from ${least} to ${most}.`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

const NAME_ERROR =
  'Give 1–100 letters, digits, ".", "_", "/" or "-", of which the first is a letter or a digit.';
const name = z.string({ error: NAME_ERROR }).regex(THING_NAME, { error: NAME_ERROR });

const RATE_ERROR = 'Give a share above 0, up to 1.';

const COMMON = {
  name,
  description: text(1, 500).optional(),
  severity: choice(ALERT_SEVERITIES).default('WARNING'),
  isEnabled: z.boolean({ error: 'Give true or false.' }).default(true),
  condition: text(1, 10_000).optional(),
  forMs: whole(0, DAY_MS).default(0),
  coolDownMs: whole(0, 7 * DAY_MS).default(60_000),
};

const flowId = text(1, 200).optional();
const routineId = text(1, 200).optional();

const STATUSES = choice(SERVICE_STATUSES as [string, ...string[]]); // there are some
const STATUSES_ERROR = `Give a list of ${SERVICE_STATUSES.join(', ')}.`;

const SETTINGS = {
  QUEUE_PRESSURE: {
    flowId,
    routineId,
    slot: text(1, 200).optional(),
    level: choice(['LOW', 'MEDIUM', 'HIGH', 'CRITICAL']).default('CRITICAL'),
  },
  ROUTINE_ERROR_RATE: {
    flowId,
    routineId,
    windowMs: whole(1_000, 3_600_000).default(60_000),
    minExecutions: whole(1, 1_000_000).default(10),
    errorRate: z
      .number({ error: RATE_ERROR })
      .gt(0, { error: RATE_ERROR })
      .max(1, { error: RATE_ERROR })
      .default(0.1),
  },
  JOB_FAILURES: {
    flowId,
    windowMs: whole(1_000, DAY_MS).default(300_000),
    minFailures: whole(1, 1_000).default(1),
  },
  SERVICE_STATUS: {
    serviceId: text(1, 200).optional(),
    statuses: z
      .array(STATUSES, { error: STATUSES_ERROR })
      .min(1, { error: STATUSES_ERROR })
      .transform((statuses) => [...new Set(statuses)])
      .default(['UNHEALTHY']),
  },
} satisfies Record<AlertRuleKind, z.ZodRawShape>;

const kindSchema = choice(ALERT_RULE_KINDS);

interface Fields extends Readonly<Record<string, unknown>> {
  readonly kind?: unknown;
  readonly condition?: unknown;
}

/**
 * Reads a rule from outside: of the configuration, or of somebody who adds or changes one. What is null counts as left
 * out.
 *
 * @param base the rule that is changed: what is left out stays as it is there, what is null is taken away
 * @throws ValidationError with everything that is wrong with it; the first key of each path is the field
 */
export function readAlertRule(input: unknown, base?: AlertRuleDefinition): AlertRuleDefinition {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new ValidationError([{ path: [], message: 'Give an object.' }]);
  }
  const fields = merge(input as Fields, base); // an object is values by name
  const kind = kindSchema.safeParse(fields.kind);
  if (!kind.success) {
    const common = z.looseObject(COMMON).safeParse(fields);
    throw new ValidationError([...issuesOf(kind, ['kind']), ...issuesOf(common)]);
  }
  const shape = { ...COMMON, ...SETTINGS[kind.data] };
  const parsed = z.looseObject(shape).safeParse(fields);
  const issues = [
    ...issuesOf(parsed),
    ...fixedFields(input as Fields, base),
    ...unknownFields(fields, [...Object.keys(shape), 'kind'], kind.data),
    ...conditionIssues(fields.condition, kind.data),
  ];
  if (issues.length > 0 || !parsed.success) throw new ValidationError(issues);
  const { data } = parsed;
  const settings = Object.fromEntries(
    Object.keys(SETTINGS[kind.data]).map((key) => [key, (data as Fields)[key]]),
  );
  return {
    name: data.name,
    description: data.description,
    severity: data.severity,
    isEnabled: data.isEnabled,
    condition: data.condition,
    forMs: data.forMs,
    coolDownMs: data.coolDownMs,
    settings: { kind: kind.data, ...settings } as AlertRuleSettings, // the schema of its kind says so
  };
}

/** The fields of what is given over those of what is changed. `tenant` is none of a rule itself. */
function merge(input: Fields, base: AlertRuleDefinition | undefined): Fields {
  const { settings, ...common } = base ?? {};
  const merged = new Map<string, unknown>(Object.entries({ ...settings, ...common }));
  for (const [key, value] of Object.entries(input)) {
    if (value === undefined || key === 'tenant') continue;
    if (value !== null) merged.set(key, value);
    else if (key !== 'name' && key !== 'kind') merged.delete(key);
  }
  return Object.fromEntries([...merged].filter(([, value]) => value !== undefined));
}

/** What says what a rule is can't be changed. */
function fixedFields(input: Fields, base: AlertRuleDefinition | undefined): Issue[] {
  if (base === undefined) return [];
  const before = { name: base.name, kind: base.settings.kind };
  return (['name', 'kind'] as const).flatMap((key) => {
    const isSame = input[key] === undefined || input[key] === null || input[key] === before[key];
    const message = `The ${key} of a rule never changes. Make another rule.`;
    return isSame ? [] : [{ path: [key], message }];
  });
}

function unknownFields(fields: Fields, known: readonly string[], kind: AlertRuleKind): Issue[] {
  return Object.keys(fields)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const nearest = nearestName(key, known);
      const advice =
        nearest === undefined ? `It may have: ${known.join(', ')}.` : `Did you mean "${nearest}"?`;
      return { path: [key], message: `A rule of kind ${kind} has no such field. ${advice}` };
    });
}

function conditionIssues(condition: unknown, kind: AlertRuleKind): Issue[] {
  if (typeof condition !== 'string' || condition === '') return [];
  try {
    compileExpression(condition, Object.keys(CONDITION_NAMES[kind]));
    return [];
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const { message, line, column } = error;
    return [{ path: ['condition'], message: `${message} (line ${line}, column ${column})` }];
  }
}

function issuesOf(
  { error }: { readonly error?: z.ZodError | undefined },
  before: Issue['path'] = [],
): Issue[] {
  return (error?.issues ?? []).map(({ path, message }) => ({
    path: [...before, ...path.map((key) => (typeof key === 'symbol' ? String(key) : key))],
    message,
  }));
}
