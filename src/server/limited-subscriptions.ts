import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import type { Clients } from './clients.ts';
import type { ConnectionCounters } from './connection-counters.ts';
import { QueueSubscriber } from './queue-subscriber.ts';
import type { ConnectionInfo } from './server.ts';
import type { SharedSubscriptions } from './shared-subscriptions.ts';
import type { Subscriber } from './subscriber.ts';

/** Code of the error with which a subscription is refused whose client has as many as it may. */
export const TOO_MANY_SUBSCRIPTIONS = 'TOO_MANY_SUBSCRIPTIONS';

/** Subscribes clients, each to so many at once as it may. */
export class LimitedSubscriptions {
  readonly #subscriptions: SharedSubscriptions;
  readonly #clients: Clients;
  readonly #counters: ConnectionCounters;

  constructor(subscriptions: SharedSubscriptions, clients: Clients, counters: ConnectionCounters) {
    this.#subscriptions = subscriptions;
    this.#clients = clients;
    this.#counters = counters;
  }

  /** As {@link SharedSubscriptions.subscribe}; `subscriber` is ended when nothing comes of it. */
  async subscribe(
    args: ExecutionArgs,
    { address }: ConnectionInfo,
    subscriber: Subscriber = new QueueSubscriber(this.#counters),
  ): Promise<Subscriber | ExecutionResult> {
    const giveBack = this.#clients.takeSubscription(address);
    if (giveBack === undefined) {
      subscriber.end();
      return { errors: [refusal()] };
    }
    this.#counters.subscriptions++;
    subscriber.onLeft(() => {
      this.#counters.subscriptions--;
      giveBack();
    });
    let result: Subscriber | ExecutionResult | undefined;
    try {
      result = await this.#subscriptions.subscribe(args, subscriber);
      return result;
    } finally {
      if (result !== subscriber) subscriber.end();
    }
  }
}

function refusal(): GraphQLError {
  const message =
    'Your network address has as many subscriptions as it may. End some, or try again later.';
  const extensions = { code: TOO_MANY_SUBSCRIPTIONS, http: { status: 429 } };
  return new GraphQLError(message, { extensions });
}
