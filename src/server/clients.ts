interface Held {
  sockets: number;
  subscriptions: number;
}

/** How much one client may have at once. */
export interface ClientLimits {
  readonly maxSocketsPerClient: number;
  readonly maxSubscriptionsPerClient: number;
}

/** Gives back what was taken. Safe to call more than once. */
export type GiveBack = () => void;

/**
 * Counts what each client has. A client is a network address: all who come through the same proxy are one, and so are those
 * whose address is not known.
 */
export class Clients {
  readonly #limits: ClientLimits;
  readonly #held = new Map<string | undefined, Held>();

  constructor(limits: ClientLimits) {
    this.#limits = limits;
  }

  /** How many clients have something. */
  get size(): number {
    return this.#held.size;
  }

  /** Counts one more socket of a client; `undefined` when it may have no more. */
  takeSocket(address: string | undefined): GiveBack | undefined {
    return this.#take(address, 'sockets', this.#limits.maxSocketsPerClient);
  }

  /** Counts one more subscription of a client; `undefined` when it may have no more. */
  takeSubscription(address: string | undefined): GiveBack | undefined {
    return this.#take(address, 'subscriptions', this.#limits.maxSubscriptionsPerClient);
  }

  #take(address: string | undefined, kind: keyof Held, limit: number): GiveBack | undefined {
    const held = this.#held.get(address) ?? { sockets: 0, subscriptions: 0 };
    if (held[kind] >= limit) return undefined;
    this.#held.set(address, held);
    held[kind]++;
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      held[kind]--;
      if (held.sockets === 0 && held.subscriptions === 0) this.#held.delete(address);
    };
  }
}
