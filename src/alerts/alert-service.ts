import type { FlowRegistry } from '../flows/flow-registry.ts';
import type { Clock } from '../lib/clock.ts';
import { type Issue, NotFoundError, ValidationError } from '../lib/domain-error.ts';
import type { Tenanted } from '../lib/tenanted.ts';
import { createTurns } from '../lib/turns.ts';
import { isKeptWithin } from '../lib/within.ts';
import {
  type Alert,
  type AlertFilter,
  type AlertQuery,
  AlertRuleExistsError,
  AlertRuleFixedError,
  TooManyAlertRulesError,
} from './alert.ts';
import type { AlertBook, AlertListener } from './alert-book.ts';
import type { AlertEvaluator } from './alert-evaluator.ts';
import type {
  AlertRule,
  AlertRuleDefinition,
  AlertRuleKind,
  AlertRuleSettings,
  AlertSeverity,
} from './alert-rule.ts';
import type { AlertStore } from './alert-store.ts';
import { checkPlace } from './check-place.ts';
import { readAlertRule } from './read-alert-rule.ts';
import type { RuleBook } from './rule-book.ts';
import type { SourcedRule } from './rule-run.ts';

/** What somebody asks to add or change a rule is to be: the fields of an `AlertRuleConfig`. Not checked yet. */
export type AlertRuleInput = Readonly<Record<string, unknown>>;

/** Which rules to list; what is left out does not matter. */
export interface AlertRuleFilter {
  readonly kinds?: readonly AlertRuleKind[] | undefined;
  readonly severities?: readonly AlertSeverity[] | undefined;
  readonly isEnabled?: boolean | undefined;
}

/** Who has seen an alert, and what they say of it. */
export interface AcknowledgeRequest {
  readonly by: string | undefined;
  /** 1–1,000 characters. */
  readonly comment: string | undefined;
}

/** What one tenant asks of its alerts, and does to them and their rules. */
export interface TenantAlerts {
  /** In the order of names. */
  listRules(filter?: AlertRuleFilter): readonly AlertRule[];
  getRule(name: string): AlertRule | undefined;
  /** @throws NotFoundError */
  requireRule(name: string): AlertRule;
  /**
   * Stored, and looked at once, when it is answered. The same key with the same name answers the rule that was made first.
   * @throws ValidationError, AlertRuleExistsError, TooManyAlertRulesError, StorageUnavailableError
   */
  addRule(input: AlertRuleInput, idempotencyKey?: string): Promise<AlertRule>;
  /**
   * What is left out stays, `null` is taken away. When it looks for something else then, its open alerts are resolved.
   * @throws NotFoundError, ValidationError, AlertRuleFixedError, StorageUnavailableError
   */
  updateRule(name: string, changes: AlertRuleInput): Promise<AlertRule>;
  /** Answers the rule as it was. Its open alerts are resolved, and stay. @throws NotFoundError, AlertRuleFixedError, StorageUnavailableError */
  removeRule(name: string): Promise<AlertRule>;
  /** Newest first. What changed just before counts unless the database can't be written now; so in `count`. */
  list(query: AlertQuery): Promise<readonly Alert[]>;
  count(filter: AlertFilter): Promise<number>;
  /** In the order of the ids. */
  find(ids: readonly string[]): Promise<readonly (Alert | undefined)[]>;
  /** @throws NotFoundError */
  require(id: string): Promise<Alert>;
  /** Stored when it is answered. The last one counts. @throws NotFoundError, ValidationError, StorageUnavailableError */
  acknowledge(id: string, request: AcknowledgeRequest): Promise<Alert>;
}

export interface AlertService extends Tenanted<TenantAlerts> {
  /** Tells of alerts of every tenant as they are raised and resolved, until the answer is called. */
  onAlert(listener: AlertListener): () => void;
}

export interface AlertServiceParts {
  readonly store: AlertStore;
  readonly rules: RuleBook;
  readonly book: AlertBook;
  readonly evaluator: AlertEvaluator;
  readonly flows: Pick<FlowRegistry, 'get' | 'list'>;
  readonly hasService: (tenant: string, name: string) => boolean;
  readonly clock: Clock;
}

/** The most rules of one tenant. */
export const MOST_ALERT_RULES = 200;

const LONGEST_COMMENT = 1_000;

/** How long a reader waits for what changed to be stored, in milliseconds. */
const READ_LIMIT_MS = 1_000;

export function createAlertService(parts: AlertServiceParts): AlertService {
  const { book } = parts;
  const turns = createTurns();
  return {
    onAlert: (listener) => book.onAlert(listener),
    forTenant: (tenant) => ({
      ...serveRules(tenant, parts, (task) => turns.take(tenant, task)),
      ...serveAlerts(tenant, parts),
    }),
  };
}

type RuleFunctions =
  | 'listRules'
  | 'getRule'
  | 'requireRule'
  | 'addRule'
  | 'updateRule'
  | 'removeRule';

function serveRules(
  tenant: string,
  { store, rules, evaluator, flows, hasService, clock }: AlertServiceParts,
  takeTurn: <Result>(task: () => Promise<Result>) => Promise<Result>,
): Pick<TenantAlerts, RuleFunctions> {
  const describe = (rule: SourcedRule): AlertRule => {
    const run = evaluator.find(tenant, rule.name);
    return {
      ...rule,
      problem: run?.problem ?? problemOf(rule),
      openCount: run?.openCount ?? 0,
      suppressedCount: run?.suppressedCount ?? 0,
    };
  };

  const problemOf = ({ settings }: SourcedRule): string | undefined => {
    const [issue] = checkPlace(settings, flows);
    if (issue !== undefined) return issue.message;
    if (settings.kind !== 'SERVICE_STATUS' || settings.serviceId === undefined) return undefined;
    return hasService(tenant, settings.serviceId)
      ? undefined
      : `There is no service "${settings.serviceId}" now.`;
  };

  const find = (name: string): SourcedRule => {
    const rule = rules.get(tenant, name);
    if (rule === undefined) throw new NotFoundError('AlertRule', name);
    return rule;
  };

  /** @throws AlertRuleFixedError */
  const findLive = (name: string, wanted: string): SourcedRule => {
    const rule = find(name);
    if (rule.origin === 'CONFIGURATION') throw new AlertRuleFixedError(name, wanted);
    return rule;
  };

  const read = (input: AlertRuleInput, base?: AlertRuleDefinition): AlertRuleDefinition => {
    const definition = inInput(() => readAlertRule(input, base));
    // A rule whose flow is gone can still be changed otherwise, and disabled.
    if (base !== undefined && isSamePlace(base.settings, definition.settings)) return definition;
    const issues = checkPlace(definition.settings, flows);
    if (issues.length > 0) throw new ValidationError(issues.map(intoInput));
    return definition;
  };

  return {
    listRules: ({ kinds, severities, isEnabled } = {}) =>
      rules
        .list(tenant)
        .filter(
          (rule) =>
            (kinds === undefined || kinds.includes(rule.settings.kind)) &&
            (severities === undefined || severities.includes(rule.severity)) &&
            (isEnabled === undefined || isEnabled === rule.isEnabled),
        )
        .map(describe),
    getRule(name) {
      const rule = rules.get(tenant, name);
      return rule && describe(rule);
    },
    requireRule: (name) => describe(find(name)),
    addRule: (input, idempotencyKey) =>
      takeTurn(async () => {
        const definition = read(input);
        const { name } = definition;
        const made =
          idempotencyKey === undefined ? undefined : rules.findByKey(tenant, idempotencyKey);
        if (made?.name === name) return describe(made);
        if (made !== undefined) {
          const message = `The idempotency key "${idempotencyKey}" was used for alert rule "${made.name}". Use a new key.`;
          throw new AlertRuleExistsError(made.name, message);
        }
        if (rules.get(tenant, name) !== undefined) {
          const message = `There is an alert rule "${name}" already. Take another name, or change that one.`;
          throw new AlertRuleExistsError(name, message);
        }
        if (rules.list(tenant).length >= MOST_ALERT_RULES) {
          throw new TooManyAlertRulesError(MOST_ALERT_RULES);
        }
        const now = clock.now();
        const kept = { ...definition, tenant, createdAt: now, updatedAt: now, idempotencyKey };
        await store.putRule(kept);
        const rule: SourcedRule = { ...kept, origin: 'API' };
        rules.put(rule);
        if (rule.isEnabled) await evaluator.begin(rule);
        return describe(rule);
      }),
    updateRule: (name, changes) =>
      takeTurn(async () => {
        const before = findLive(name, 'changed');
        const definition = read(changes, definitionOf(before));
        const { origin, ...kept } = { ...before, ...definition, updatedAt: clock.now() };
        await store.putRule(kept);
        const rule: SourcedRule = { ...kept, origin };
        rules.put(rule);
        if (!rule.isEnabled) evaluator.remove(tenant, name, 'RULE_DISABLED');
        else if (before.isEnabled && isSameInEffect(before, rule)) evaluator.replace(rule);
        else {
          evaluator.remove(tenant, name, 'RULE_CHANGED');
          await evaluator.begin(rule);
        }
        return describe(rule);
      }),
    removeRule: (name) =>
      takeTurn(async () => {
        const rule = findLive(name, 'removed');
        const removed = describe(rule);
        await store.removeRule(tenant, name);
        rules.remove(tenant, name);
        evaluator.remove(tenant, name, 'RULE_REMOVED');
        return removed;
      }),
  };
}

function serveAlerts(
  tenant: string,
  { store, book, clock }: AlertServiceParts,
): Omit<TenantAlerts, RuleFunctions> {
  /** For a reader: sees to it that what changed is stored, if that is possible soon. */
  const settle = () => isKeptWithin(book.flush(), READ_LIMIT_MS, clock);
  const ofTenant = (alert: Alert | undefined) => (alert?.tenant === tenant ? alert : undefined);
  const find = async (ids: readonly string[]) => {
    const held = new Map(ids.map((id) => [id, ofTenant(book.get(id))]));
    const missing = ids.filter((id) => held.get(id) === undefined);
    const stored = await store.findAlerts(tenant, missing);
    const byId = new Map(missing.map((id, at) => [id, stored[at]]));
    // What the book held may have been stored meanwhile, and is let go of then.
    return ids.map((id) => ofTenant(book.get(id)) ?? byId.get(id) ?? held.get(id));
  };
  const require = async (id: string): Promise<Alert> => {
    const [alert] = await find([id]);
    if (alert === undefined) throw new NotFoundError('Alert', id);
    return alert;
  };
  return {
    async list(query) {
      await settle();
      const alerts = await store.listAlerts(tenant, query);
      return alerts.map((alert) => book.get(alert.id) ?? alert);
    },
    async count(filter) {
      await settle();
      return store.countAlerts(tenant, filter);
    },
    find,
    require,
    async acknowledge(id, { by, comment }) {
      if (comment !== undefined && (comment === '' || comment.length > LONGEST_COMMENT)) {
        const message = `Give 1–${LONGEST_COMMENT} characters, or leave it out.`;
        throw new ValidationError([{ path: ['input', 'comment'], message }]);
      }
      return book.acknowledge(tenant, id, { at: clock.now(), by, comment });
    },
  };
}

/** Whether two states of a rule hold for the same, at the same time. */
export function isSameInEffect(
  one: Pick<AlertRuleDefinition, 'condition' | 'forMs' | 'settings'>,
  other: Pick<AlertRuleDefinition, 'condition' | 'forMs' | 'settings'>,
): boolean {
  const write = ({ condition, forMs, settings }: typeof one) =>
    JSON.stringify([condition ?? null, forMs, settings]);
  return write(one) === write(other);
}

/** Whether two rules of one kind are about the same flow, routine and slot. */
function isSamePlace(one: AlertRuleSettings, other: AlertRuleSettings): boolean {
  const write = (settings: object) =>
    JSON.stringify({ ...settings }, ['flowId', 'routineId', 'slot']);
  return write(one) === write(other);
}

function definitionOf(rule: SourcedRule): AlertRuleDefinition {
  const { name, description, severity, isEnabled, condition, forMs, coolDownMs, settings } = rule;
  return { name, description, severity, isEnabled, condition, forMs, coolDownMs, settings };
}

function intoInput({ path, message }: Issue): Issue {
  return { path: ['input', ...path], message };
}

function inInput<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    throw new ValidationError(error.issues.map(intoInput));
  }
}
