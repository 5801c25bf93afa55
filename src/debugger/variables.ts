import { GETTER } from '../lib/intrinsics.ts';
import { OwnKeys } from '../lib/own-keys.ts';
import { type Preview, preview } from '../lib/preview.ts';
import { MASK } from '../lib/secret-names.ts';
import { typeName } from '../lib/type-name.ts';
import type { Range, VariableReading } from './debug-host.ts';
import { isCopyable } from './edit-value.ts';
import { type Part, partsOf, type Step } from './variable-parts.ts';
import { walkPath } from './walk-path.ts';

/** How the parts of a root value are shown. */
export interface ReadOptions {
  /**
   * How they can be changed: `setInPlace` (`IN_PLACE`), `withReplaced` (`BY_COPY`), or not at all. Default `NONE`. The
   * root itself is a matter of who holds it: it is told as one that can't be set.
   */
  readonly editing?: 'IN_PLACE' | 'BY_COPY' | 'NONE';
  /** Whether the root was made by `maskSecrets`. Default false. */
  readonly isMasked?: boolean;
}

/**
 * Reads what a path leads to from a root value. Nothing of the value is run: getters, proxies, iterators and what classes
 * override are left alone.
 * @param name of the root
 * @throws NotFoundError when the path leads nowhere: it says what is there instead
 * @throws ValidationError when the path has more than 100 steps
 */
export function readVariable(
  root: unknown,
  name: string,
  path: readonly Step[],
  options: ReadOptions = {},
): VariableReading {
  const { value, parts, wholes } = walkPath(root, name, path);
  const part = parts.at(-1);
  const canSet = part !== undefined && settable(wholes, options)(part);
  return readPart(value, part?.name ?? name, path, canSet, options);
}

/** How many keys of objects are listed for a page of variables: some 0.2 s. One object's are listed however many it has. */
const MOST_KEYS = 500_000;

/**
 * Reads the parts of what a path leads to, in order, without looking at more of them than asked for, save that maps and
 * sets are walked up to there, and the keys of an object are listed once.
 * @param name of the root
 * @throws NotFoundError when the path leads nowhere: it says what is there instead
 * @throws ValidationError when the path has more than 100 steps, or the parts have more than about half a million keys, so
 * that a smaller page has to be asked for
 */
export function readChildren(
  root: unknown,
  name: string,
  path: readonly Step[],
  { offset, limit }: Range,
  options: ReadOptions = {},
): VariableReading[] {
  const { value, wholes } = walkPath(root, name, path);
  const canSet = settable([...wholes, value], options);
  const parts = partsOf(value).slice(offset, offset + limit);
  const keys = new OwnKeys(MOST_KEYS);
  return parts.map((part) =>
    readPart(part.value, part.name, [...path, part.step], canSet(part), options, keys),
  );
}

const GETTER_SHOWN: Preview = { text: '[getter]', isTruncated: false };

function readPart(
  value: unknown,
  name: string,
  path: readonly Step[],
  isSettable: boolean,
  { isMasked = false }: ReadOptions,
  keys = new OwnKeys(MOST_KEYS),
): VariableReading {
  const isSecret = isMasked && value === MASK;
  const isGetter = value === GETTER;
  return {
    name,
    path,
    type: isGetter ? 'getter' : typeName(value),
    // First, so that the preview finds its keys listed.
    childCount: partsOf(value, keys).count(),
    value: isGetter ? GETTER_SHOWN : preview(value, undefined, keys),
    isSecret,
    canSet: isSettable && !isSecret,
  };
}

/**
 * Which parts of a value can be set.
 * @param wholes what they are inside of, the root first
 */
function settable(
  wholes: readonly unknown[],
  { editing = 'NONE' }: ReadOptions,
): (part: Part) => boolean {
  if (editing === 'IN_PLACE') return (part) => part.isWritable;
  const isEditable = editing === 'BY_COPY' && wholes.every(isCopyable);
  return (part) => isEditable && part.value !== GETTER;
}
