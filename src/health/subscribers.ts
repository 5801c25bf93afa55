import type { ServiceChange, ServiceSubscriber } from './health.ts';

/** Those of the library who are told of changes of status. */
export interface Subscribers {
  /** Tells it of changes from now on, until the answer is called. */
  add(subscriber: ServiceSubscriber): () => void;
  /** Tells all; waits for none, and never throws. */
  tell(change: ServiceChange): void;
}

/** @param onError is handed what subscribers throw */
export function createSubscribers(onError: (error: unknown) => void): Subscribers {
  const mailboxes = new Set<Mailbox>();
  return {
    add(subscriber) {
      const mailbox = new Mailbox(subscriber, onError);
      mailboxes.add(mailbox);
      return () => {
        mailboxes.delete(mailbox);
        mailbox.clear();
      };
    },
    tell(change) {
      for (const mailbox of mailboxes) mailbox.put(change);
    },
  };
}

/**
 * What waits for one subscriber: of each service one change, from the status it was last told of to the present one. So a
 * subscriber that is slow, or never answers, keeps as much memory as there are services.
 */
class Mailbox {
  readonly #subscriber: ServiceSubscriber;
  readonly #onError: (error: unknown) => void;
  readonly #waiting = new Map<string, ServiceChange>();
  #isBusy = false;

  constructor(subscriber: ServiceSubscriber, onError: (error: unknown) => void) {
    this.#subscriber = subscriber;
    this.#onError = onError;
  }

  put(change: ServiceChange): void {
    const key = JSON.stringify([change.tenant, change.service]);
    const before = this.#waiting.get(key);
    if (before === undefined) this.#waiting.set(key, change);
    else if (before.from === change.to) this.#waiting.delete(key);
    else this.#waiting.set(key, { ...change, from: before.from });
    if (!this.#isBusy) void this.#empty();
  }

  clear(): void {
    this.#waiting.clear();
  }

  async #empty(): Promise<void> {
    this.#isBusy = true;
    await undefined; // so that nobody runs inside of what made the change
    for (const [key, change] of this.#waiting) {
      this.#waiting.delete(key);
      try {
        await this.#subscriber(change);
      } catch (error) {
        this.#onError(error);
      }
    }
    this.#isBusy = false;
  }
}
