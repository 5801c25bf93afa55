/**
 * Whether plain data is nested more deeply than so many levels; a number or text has none. Looks no deeper than that, so that
 * what is nested without measure, or holds itself, does no harm.
 */
export function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const key in value) {
    if (isDeeperThan(levels - 1, (value as Readonly<Record<string, unknown>>)[key])) return true;
  }
  return false;
}
