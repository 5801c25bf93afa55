import type { SourcedRule } from './rule-run.ts';

/** The rules of all tenants. */
export class RuleBook {
  readonly #tenants = new Map<string, Map<string, SourcedRule>>();

  get(tenant: string, name: string): SourcedRule | undefined {
    return this.#tenants.get(tenant)?.get(name);
  }

  /** In the order of their names. */
  list(tenant: string): readonly SourcedRule[] {
    const rules = [...(this.#tenants.get(tenant)?.values() ?? [])];
    return rules.sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** The one that was made with an idempotency key. */
  findByKey(tenant: string, key: string): SourcedRule | undefined {
    return this.list(tenant).find(({ idempotencyKey }) => idempotencyKey === key);
  }

  *all(): Generator<SourcedRule> {
    for (const rules of this.#tenants.values()) yield* rules.values();
  }

  put(rule: SourcedRule): void {
    const rules = this.#tenants.get(rule.tenant) ?? new Map<string, SourcedRule>();
    this.#tenants.set(rule.tenant, rules);
    rules.set(rule.name, rule);
  }

  remove(tenant: string, name: string): void {
    this.#tenants.get(tenant)?.delete(name);
  }
}
