import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import { UnauthenticatedError } from '../../lib/domain-error.ts';
import type { ConnectionCounters } from '../figures/connection-counters.ts';
import { type Clients, clientName } from '../identity/clients.ts';
import type { ConnectionInfo } from '../server.ts';
import { Frames, Message } from './message.ts';
import { QueueSubscriber } from './queue-subscriber.ts';
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

  /**
   * As {@link SharedSubscriptions.subscribe}; `subscriber` is ended when nothing comes of it.
   * @param subscriber default: one to be read from, which ends when its client is not to be heard any more
   */
  async subscribe(
    args: ExecutionArgs,
    connection: ConnectionInfo,
    subscriber: Subscriber = this.#queueFor(connection),
  ): Promise<Subscriber | ExecutionResult> {
    const giveBack = this.#clients.takeSubscription(clientName(connection));
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

  #queueFor(connection: ConnectionInfo): QueueSubscriber {
    const subscriber = new QueueSubscriber(this.#counters);
    const stopListening = connection.onExpelled((problem) => {
      subscriber.endWith(new Frames([new Message({ errors: [expulsion(problem)] })]));
    });
    subscriber.onLeft(stopListening);
    return subscriber;
  }
}

function refusal(): GraphQLError {
  const message =
    'Your key or your network address has as many subscriptions as it may. End some, or try again later.';
  const extensions = { code: TOO_MANY_SUBSCRIPTIONS, http: { status: 429 } };
  return new GraphQLError(message, { extensions });
}

/** What is told last to a client that is not to be heard any more, where no close code can say so. */
export function expulsion(problem: string): GraphQLError {
  const { code, message } = new UnauthenticatedError(`${problem}. Subscribe again with a new one.`);
  return new GraphQLError(message, { extensions: { code } });
}
