import { types } from 'node:util';
import { formatPath, NotFoundError, ValidationError } from '../lib/domain-error.ts';
import { GETTER } from '../lib/intrinsics.ts';
import { nearestName } from '../lib/nearest-name.ts';
import { cutText } from '../lib/preview.ts';
import { typeName } from '../lib/type-name.ts';
import { hasPositions, type Part, partsOf, type Step } from './variable-parts.ts';

/** How many steps a path may have. */
export const MOST_STEPS = 100;

/** What a path leads to. */
export interface Found {
  readonly value: unknown;
  /** What each step led to, in order; none for the empty path. */
  readonly parts: readonly Part[];
  /** What each of those is a part of: the root first. */
  readonly wholes: readonly unknown[];
}

/**
 * Goes from a root value along a path, and runs nothing of the value.
 * @param name of the root, for messages
 * @throws NotFoundError when a step leads nowhere: it says what is there instead
 * @throws ValidationError when the path has more than 100 steps
 */
export function walkPath(root: unknown, name: string, path: readonly Step[]): Found {
  if (path.length > MOST_STEPS) {
    const message = `A path has ${MOST_STEPS} steps at most; this one has ${path.length}.`;
    throw new ValidationError([{ path: ['path'], message }]);
  }
  const parts: Part[] = [];
  const wholes: unknown[] = [];
  let value = root;
  for (const [at, step] of path.entries()) {
    const part = partsOf(value).find(step);
    if (part === undefined) {
      const whole = nameOfPath(name, path.slice(0, at));
      const id = nameOfPath(name, path.slice(0, at + 1));
      throw new NotFoundError('variable', id, describeParts(value, whole, step));
    }
    wholes.push(value);
    parts.push(part);
    value = part.value;
  }
  return { value, parts, wholes };
}

/** A path as people read it: `inputs.article.tags[0]`. */
export function nameOfPath(name: string, path: readonly Step[]): string {
  const shown = path.map((step) => (typeof step === 'string' ? cutText(step, 100) : step));
  return cutText(formatPath([name, ...shown]), 1000);
}

/** A type as part of a sentence. */
export function describeType(value: unknown): string {
  if (value === GETTER) return 'a getter, which is not run';
  if (types.isProxy(value)) return 'a proxy, which is not looked into';
  const name = typeName(value);
  if (name === 'null' || name === 'undefined') return name;
  return `${/^[aeio]/i.test(name) ? 'an' : 'a'} ${name}`;
}

/** The most names that a step is compared with. */
const MOST_COMPARED = 1000;
const MOST_LISTED = 10;

function describeParts(value: unknown, whole: string, step: Step): string {
  const parts = partsOf(value);
  const count = parts.count();
  const what = `"${whole}" is ${describeType(value)}`;
  if (value === GETTER || types.isProxy(value)) return `${what}.`;
  if (count === 0) return `${what} and has no parts.`;
  if (hasPositions(value)) return `${what}; its positions go from 0 to ${count - 1}.`;
  const names = parts.slice(0, MOST_COMPARED).map((part) => part.name);
  const nearest = nearestName(String(step), names);
  if (nearest !== undefined) return `Did you mean "${nearest}"?`;
  const listed = names.slice(0, MOST_LISTED).map((each) => cutText(each, 100));
  return `${what} with ${listed.join(', ')}${count > listed.length ? ` and ${count - listed.length} more` : ''}.`;
}
