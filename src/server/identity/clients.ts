import type { ConnectionInfo } from '../server.ts';
import { networkOf } from './network-of.ts';

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
 * Names whom the limits of one client hold for: who it is, where that is known; else its network, so that all of a tenant who
 * come through the same proxy are one.
 */
export function clientName({ identity, address }: Pick<ConnectionInfo, 'identity' | 'address'>) {
  const { tenant, subject } = identity;
  return JSON.stringify(
    subject === undefined ? [tenant, null, networkOf(address)] : [tenant, subject],
  );
}

/** Counts what each client has, by its name. */
export class Clients {
  readonly #limits: ClientLimits;
  readonly #held = new Map<string, Held>();

  constructor(limits: ClientLimits) {
    this.#limits = limits;
  }

  /** How many clients have something. */
  get size(): number {
    return this.#held.size;
  }

  /** Counts one more socket of a client; `undefined` when it may have no more. */
  takeSocket(name: string): GiveBack | undefined {
    return this.#take(name, 'sockets', this.#limits.maxSocketsPerClient);
  }

  /** Counts one more subscription of a client; `undefined` when it may have no more. */
  takeSubscription(name: string): GiveBack | undefined {
    return this.#take(name, 'subscriptions', this.#limits.maxSubscriptionsPerClient);
  }

  #take(name: string, kind: keyof Held, limit: number): GiveBack | undefined {
    const held = this.#held.get(name) ?? { sockets: 0, subscriptions: 0 };
    if (held[kind] >= limit) return undefined;
    this.#held.set(name, held);
    held[kind]++;
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      held[kind]--;
      if (held.sockets === 0 && held.subscriptions === 0) this.#held.delete(name);
    };
  }
}
