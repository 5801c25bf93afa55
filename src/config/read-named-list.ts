import { isTenant, TENANT_FORM } from '../auth/names.ts';
import { formatPath, ValidationError } from '../lib/domain-error.ts';
import { DEFAULT_TENANT } from '../lib/identity.ts';

/** One of the things that a list of the configuration file names. */
export interface Named<Thing> {
  /** How it is called in faults: `services[3] "payments"`. */
  readonly as: string;
  readonly tenant: string;
  /** As it was written. */
  readonly written: unknown;
  /** As it was read. */
  readonly thing: Thing;
}

/** What was read of a list. What is wrong is left out of it. */
export interface NamedList<Thing> {
  readonly list: readonly Named<Thing>[];
  /** Each a sentence for people, without secrets. */
  readonly faults: readonly string[];
}

/** What does not look like a name may be anything, and is not shown. */
const NAME = /^[\w./:-]{1,100}$/;

/**
 * Reads a list of things that have a name, and perhaps a tenant, which together are unique.
 * @param key what the list is called in the configuration file
 * @param read makes a thing of what is written, without its tenant; throws a `ValidationError` whose messages show no secret
 */
export function readNamedList<Thing>(
  key: string,
  written: unknown,
  read: (written: unknown) => Thing,
): NamedList<Thing> {
  if (written === undefined) return { list: [], faults: [] };
  if (!Array.isArray(written)) return { list: [], faults: [`${key} must be a list.`] };
  const list: Named<Thing>[] = [];
  const faults: string[] = [];
  const places = new Map<string, string>();
  written.forEach((each: unknown, at) => {
    const place = `${key}[${at}]`;
    if (typeof each !== 'object' || each === null || Array.isArray(each)) {
      faults.push(`${place} must be an object.`);
      return;
    }
    const { tenant = DEFAULT_TENANT, ...rest }: Record<string, unknown> = { ...each };
    const { name } = rest;
    const hasName = typeof name === 'string' && NAME.test(name);
    const as = hasName ? `${place} "${name}"` : place;
    const thing = readOne(rest, as, read, faults);
    if (!isTenant(tenant)) {
      faults.push(`${as}: tenant ${TENANT_FORM}.`);
      return;
    }
    const id = JSON.stringify([tenant, name]);
    const first = places.get(id);
    if (hasName && first !== undefined) {
      faults.push(`${as}: it has the name of ${first}.`);
      return;
    }
    places.set(id, place);
    if (thing !== undefined) list.push({ as, tenant, written: each, thing });
  });
  return { list, faults };
}

function readOne<Thing>(
  written: unknown,
  as: string,
  read: (written: unknown) => Thing,
  faults: string[],
): Thing | undefined {
  try {
    return read(written);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    for (const { path, message } of error.issues) {
      const where = path.length === 0 ? '' : `${formatPath(path)}: `;
      faults.push(`${as}: ${where}${message}`);
    }
    return undefined;
  }
}
