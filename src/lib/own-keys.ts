/** Lists that are kept have at least so many keys: shorter ones are made again as quickly. */
const FEW_KEYS = 100;

/**
 * Lists the keys of objects. JavaScript can list them only all at once, some 0.3 s for a million: so each object's are listed
 * once, and none any more when `most` keys have been listed in all. For one answer; it holds the objects that it was asked of.
 */
export class OwnKeys {
  #left: number;
  #lists: Map<object, readonly string[]> | undefined = undefined;

  constructor(most: number) {
    this.#left = most;
  }

  /** Those of its own that are enumerable, in order; `undefined` when too many have been listed before. No proxy. */
  list(object: object): readonly string[] | undefined {
    const known = this.#lists?.get(object);
    if (known !== undefined) return known;
    if (this.#left <= 0) return undefined;
    const keys = Object.keys(object);
    // An object costs something though it has no keys that are listed.
    this.#left -= 1 + keys.length;
    if (keys.length >= FEW_KEYS) {
      this.#lists ??= new Map();
      this.#lists.set(object, keys);
    }
    return keys;
  }
}
