import type { KeepLimits, RetentionOptions } from '../jobs/retention.ts';

const UNITS_MS = { h: 3_600_000, d: 86_400_000 } as const;

/** What can be kept by age and count, by count alone, and by age alone. */
const KINDS = ['jobs', 'traces', 'audit'] as const;
const BY_COUNT = { log: 'logLinesPerJob', events: 'events' } as const;
const BY_AGE = { minutes: 'minutesMs', hours: 'hoursMs', days: 'daysMs' } as const;

/** What is wrong with a text that says what to keep, for people. */
export const KEEP_FORM =
  'must be a list such as "jobs=90d,100000 traces=7d audit=365d minutes=2d hours=60d days=1826d log=10000 events=100000", ' +
  'each kind once, and zero for jobs, traces and audit alone';

/**
 * Reads what is to be kept: `kind=limits`, separated by spaces. Limits are an age (`90d`, `12h`), a count, or both with
 * a comma; each kind once. `jobs=0` keeps none, and so for traces and the audit log; zero of all else is refused.
 * `log` is the lines of the log of one job, `events` the events of all jobs; `minutes`, `hours` and `days` are the metrics of flows.
 * @returns `undefined` when the text says something else
 */
export function readKeepLimits(text: string): RetentionOptions | undefined {
  const limits: Record<string, KeepLimits> = {};
  const metrics: Record<string, number> = {};
  const counts: { logLinesPerJob?: number; events?: number } = {};
  const seen = new Set<string>();
  for (const part of text.split(/\s+/).filter((each) => each !== '')) {
    const [, kind = '', value = ''] = /^([a-z]+)=(.+)$/.exec(part) ?? [];
    const limit = readLimits(value);
    if (limit === undefined || seen.has(kind)) return undefined;
    seen.add(kind);
    if (isOneOf(kind, KINDS)) limits[kind] = limit;
    else if (Object.hasOwn(BY_COUNT, kind) && limit.maxAgeMs === undefined && limit.maxCount !== 0)
      counts[BY_COUNT[kind as keyof typeof BY_COUNT]] = limit.maxCount ?? 0; // one of both is there
    else if (Object.hasOwn(BY_AGE, kind) && limit.maxCount === undefined && limit.maxAgeMs !== 0)
      metrics[BY_AGE[kind as keyof typeof BY_AGE]] = limit.maxAgeMs ?? 0; // one of both is there
    else return undefined;
  }
  return { ...limits, ...counts, metrics };
}

function readLimits(text: string): KeepLimits | undefined {
  const limits: { maxAgeMs?: number; maxCount?: number } = {};
  for (const part of text.split(',')) {
    const [, digits, unit] = /^(\d{1,9})([hd])?$/.exec(part) ?? [];
    const limit = unit === undefined ? 'maxCount' : 'maxAgeMs';
    if (digits === undefined || limits[limit] !== undefined) return undefined;
    if (unit === undefined) limits.maxCount = Number(digits);
    else limits.maxAgeMs = Number(digits) * UNITS_MS[unit as keyof typeof UNITS_MS];
  }
  return limits;
}

function isOneOf<Name extends string>(name: string, names: readonly Name[]): name is Name {
  return (names as readonly string[]).includes(name);
}
