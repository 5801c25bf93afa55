/** Whose items a promise of their delivery tells of. */
export interface DeliveryOwner {
  /** Called at most once for each promise, when somebody begins to wait for it. */
  codeAwaits(): void;
}

// One for all promises: a closure for each would cost as much as the promise. Its caller reads the result at once.
let keepOfNewest: () => void = () => undefined;
const handOverKeep = (keep: () => void): void => {
  keepOfNewest = keep;
};

/**
 * What `emit` answers when an item has to wait outside a full slot: kept once none of its activation's items waits
 * there any more, never broken. It knows whether anybody waits for it, which tells code that stands still from code
 * that works on.
 *
 * It sees this because `await`, `Promise.all` and `return` take a shortcut only for promises whose constructor is
 * `Promise` itself: of any other they call `then`, in a microtask of its own.
 */
export class DeliveryPromise extends Promise<void> {
  /** Whether `then` was called before it was kept. */
  isAwaited = false;
  #isKept = false;
  readonly #owner: DeliveryOwner;
  readonly #keep: () => void;

  constructor(owner: DeliveryOwner) {
    super(handOverKeep);
    this.#owner = owner;
    this.#keep = keepOfNewest;
  }

  /** What is derived from it is an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  override then<Kept = void, Broken = never>(
    // biome-ignore lint/suspicious/noConfusingVoidType: as `Promise<void>` declares it
    onKept?: ((value: void) => Kept | PromiseLike<Kept>) | null,
    onBroken?: ((reason: unknown) => Broken | PromiseLike<Broken>) | null,
  ): Promise<Kept | Broken> {
    if (!this.isAwaited && !this.#isKept) {
      this.isAwaited = true;
      this.#owner.codeAwaits();
    }
    return super.then(onKept, onBroken);
  }

  /** Keeps it. */
  resolve(): void {
    this.#isKept = true;
    this.#keep();
  }
}
