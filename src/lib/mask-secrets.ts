import { types } from 'node:util';
import { elementOf, entriesOf, GETTER, hasReadableStack, mapGet, valuesOf } from './intrinsics.ts';
import {
  isCount,
  isNameOfPair,
  isNameOfSecret,
  isSecretName,
  isValueOfPair,
  MASK,
} from './secret-names.ts';

/** Deeper than this nothing is shown. */
const MOST_LEVELS = 200;

/**
 * A configuration as it may be shown: `***` in place of what is secret. What has no secret in it is not copied, but shared;
 * nothing of the value is run.
 *
 * Secret is what `secrets` names, by paths such as `auth.token`; a list on the way stands for each of its elements. Where a
 * path comes to a getter, a proxy or a text before its end, that is masked. Secret is also what stands under a name that
 * tells so (`password`, `apiKey`), unless it is a boolean, a count such as `maxTokens`, or has parts of which `secrets` names
 * some.
 */
export function maskSecrets(config: unknown, secrets: readonly string[] = []): unknown {
  const named = new NamedSecrets();
  for (const secret of secrets) named.add(config, secret.split('.'));
  return new Masker(named).mask(config, 0);
}

/** What the author of a routine said is secret. By object, as the same may be reached by several ways. */
class NamedSecrets {
  /** Secrets that have parts, and what can't be looked into for a secret. */
  readonly #objects = new Set<object>();
  readonly #keys = new Map<object, Set<string>>();
  /** Where a secret lies below. */
  readonly #ways = new Map<object, Set<string>>();

  isSecret(value: unknown): boolean {
    return isObject(value) && this.#objects.has(value);
  }

  isSecretKey(holder: object, key: string): boolean {
    return this.#keys.get(holder)?.has(key) === true;
  }

  /** Whether the secrets under a key are known, so that its name has nothing to add. */
  isWay(holder: object, key: string): boolean {
    return this.#ways.get(holder)?.has(key) === true;
  }

  /** `level` counts lists inside one another. */
  add(
    holder: unknown,
    [key, ...rest]: readonly string[],
    inside = new Set<object>(),
    level = 0,
  ): void {
    if (!isObject(holder) || key === undefined || inside.has(holder)) return;
    if (types.isProxy(holder) || level > MOST_LEVELS) {
      this.#objects.add(holder);
      return;
    }
    if (Array.isArray(holder) || types.isSet(holder)) {
      inside.add(holder);
      const elements = Array.isArray(holder) ? elementsOf(holder) : keyless(holder);
      for (const [, element] of elements) {
        this.add(element, [key, ...rest], inside, level + 1);
      }
      return;
    }
    const value = types.isMap(holder) ? mapGet(holder, key) : readOwn(holder, key);
    if (rest.length === 0 || value === GETTER || typeof value === 'string') {
      addTo(this.#keys, holder, key);
      if (isObject(value)) this.#objects.add(value);
    } else if (isObject(value)) {
      addTo(this.#ways, holder, key);
      this.add(value, rest);
    }
  }
}

class Masker {
  readonly #named: NamedSecrets;
  /** What became of each object. While it is looked at: the copy it gets if there is a secret in it, for cycles. */
  readonly #masked = new Map<object, object>();

  constructor(named: NamedSecrets) {
    this.#named = named;
  }

  mask(value: unknown, level: number): unknown {
    if (!isObject(value)) return value;
    if (this.#named.isSecret(value) || level > MOST_LEVELS) return MASK;
    const known = this.#masked.get(value);
    if (known !== undefined) return known;
    if (types.isProxy(value) || typeof value === 'function' || ArrayBuffer.isView(value)) {
      return value;
    }
    if (types.isBoxedPrimitive(value)) return value;
    const copier = copierOf(value);
    this.#masked.set(value, copier.copy);
    const changes = this.#maskParts(value, copier, level + 1);
    if (changes.size === 0) {
      this.#masked.set(value, value);
      return value;
    }
    let at = 0;
    for (const [key, part] of copier.parts()) {
      copier.put(key, changes.has(at) ? changes.get(at) : part);
      at++;
    }
    return copier.copy;
  }

  /** What takes the place of parts, by their position. */
  #maskParts(whole: object, { parts, hasKeys }: Copier, level: number): Map<number, unknown> {
    const changes = new Map<number, unknown>();
    const isSecret = hasKeys ? this.#findSecretKeys(whole, parts) : () => false;
    let at = 0;
    for (const [key, part] of parts()) {
      const masked = isSecret(key, part) ? MASK : this.mask(part, level);
      if (masked !== part) changes.set(at, masked);
      at++;
    }
    return changes;
  }

  #findSecretKeys(whole: object, parts: Copier['parts']): (key: unknown, part: unknown) => boolean {
    let isPairSecret = false;
    for (const [key, part] of parts()) {
      if (typeof key === 'string' && isNameOfPair(key) && isNameOfSecret(part)) isPairSecret = true;
    }
    return (key, part) =>
      typeof key === 'string' &&
      (this.#named.isSecretKey(whole, key) ||
        (!this.#named.isWay(whole, key) && looksSecret(key, part)) ||
        (isPairSecret && isValueOfPair(key)));
  }
}

/** Whether what stands under a key is taken for a secret for that alone. */
export function looksSecret(key: string, value: unknown): boolean {
  if (value === undefined || value === null || typeof value === 'boolean') return false;
  return isSecretName(key) && !(typeof value === 'number' && isCount(key, value));
}

/** How an object is read, and copied if need be. */
interface Copier {
  /** Keys or positions, with what is there; `GETTER` for what is not to be read. */
  readonly parts: () => Iterable<readonly [key: unknown, part: unknown]>;
  /** Whether the keys are names. */
  readonly hasKeys: boolean;
  /** Empty at first. */
  readonly copy: object;
  readonly put: (key: unknown, part: unknown) => void;
}

function copierOf(whole: object): Copier {
  if (Array.isArray(whole)) {
    const copy: unknown[] = [];
    copy.length = whole.length;
    return {
      parts: () => elementsOf(whole),
      hasKeys: false,
      copy,
      put: (key, part) => putProperty(copy, Number(key), part),
    };
  }
  if (types.isMap(whole)) {
    const copy = new Map<unknown, unknown>();
    return {
      parts: () => entriesOf(whole),
      hasKeys: true,
      copy,
      put: (key, part) => copy.set(key, part),
    };
  }
  if (types.isSet(whole)) {
    const copy = new Set<unknown>();
    return { parts: () => keyless(whole), hasKeys: false, copy, put: (_, part) => copy.add(part) };
  }
  const copy: object = Object.create(Object.getPrototypeOf(whole));
  return {
    parts: () => propertiesOf(whole),
    hasKeys: true,
    copy,
    put: (key, part) => {
      const name = String(key);
      putProperty(copy, name, part, Object.prototype.propertyIsEnumerable.call(whole, name));
    },
  };
}

/** A getter of the original becomes a text: run on a copy, it would see what is masked, or show what is not. */
function putProperty(of: object, key: string | number, part: unknown, enumerable = true): void {
  const value = part === GETTER ? '[getter]' : part;
  Object.defineProperty(of, key, { value, enumerable, configurable: true, writable: true });
}

/** A list that is longer may be nearly empty. */
const LONG_LIST = 10_000;

/** The elements that are there; of short lists what is not there as well. */
function* elementsOf(list: readonly unknown[]): Iterable<readonly [number, unknown]> {
  if (list.length <= LONG_LIST) {
    for (let at = 0; at < list.length; at++) yield [at, elementOf(list, at)];
    return;
  }
  for (const key of Object.getOwnPropertyNames(list)) {
    const at = Number(key);
    if (String(at) === key && at < list.length) yield [at, elementOf(list, at)];
  }
}

function* keyless(set: ReadonlySet<unknown>): Iterable<readonly [undefined, unknown]> {
  for (const value of valuesOf(set)) yield [undefined, value];
}

function* propertiesOf(object: object): Iterable<readonly [string, unknown]> {
  for (const key of Object.getOwnPropertyNames(object)) yield [key, readOwn(object, key)];
}

function readOwn(object: object, key: string): unknown {
  if (key === 'stack' && !hasReadableStack(object)) return GETTER;
  const property = Object.getOwnPropertyDescriptor(object, key);
  return property === undefined || 'value' in property ? property?.value : GETTER;
}

function addTo(keys: Map<object, Set<string>>, holder: object, key: string): void {
  const present = keys.get(holder);
  if (present === undefined) keys.set(holder, new Set([key]));
  else present.add(key);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
