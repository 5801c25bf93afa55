import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
} from 'graphql';
import type { ConnectionCounters } from './connection-counters.ts';
import { Message } from './message.ts';
import { findResumeVariable } from './resume-variable.ts';
import type { Subscriber } from './subscriber.ts';
import { SubscriptionGroup } from './subscription-group.ts';

export interface SharedSubscriptionsDeps {
  /** Executes an operation on one event, in a form that never changes what it was given. */
  readonly execute: (args: ExecutionArgs) => Promise<ExecutionResult> | ExecutionResult;
  /** Makes the error that clients see. */
  readonly maskError: (error: unknown, message: string) => Error;
  /**
   * Names what a context lets its viewer see: subscriptions whose contexts have the same name may be answered with the same
   * results. `undefined` for one that shares with nobody.
   */
  readonly sharingKey: (context: unknown) => string | undefined;
  readonly counters: ConnectionCounters;
}

/** Runs subscriptions, those who ask for the same together. */
export class SharedSubscriptions {
  readonly #deps: SharedSubscriptionsDeps;
  /** Of each document, by operation, variables and rights. */
  readonly #groups = new WeakMap<DocumentNode, Map<string, SubscriptionGroup>>();
  readonly #resumeVariables = new WeakMap<DocumentNode, { readonly name: string | undefined }>();

  constructor(deps: SharedSubscriptionsDeps) {
    this.#deps = deps;
  }

  /**
   * Subscribes to a validated operation.
   * @returns `subscriber`, or the errors because of which there is nothing to subscribe to
   */
  async subscribe(
    args: ExecutionArgs,
    subscriber: Subscriber,
  ): Promise<Subscriber | ExecutionResult> {
    const source = await createSourceEventStream(args);
    if (!(Symbol.asyncIterator in source)) return source;
    this.#groupOf(args).add(subscriber, source[Symbol.asyncIterator]());
    return subscriber;
  }

  #groupOf(args: ExecutionArgs): SubscriptionGroup {
    const { document, contextValue } = args;
    const rights = this.#deps.sharingKey(contextValue);
    if (rights === undefined) return this.#makeGroup(args, () => undefined);
    let ofDocument = this.#groups.get(document);
    if (ofDocument === undefined) {
      ofDocument = new Map();
      this.#groups.set(document, ofDocument);
    }
    const groups = ofDocument;
    const key = this.#keyOf(args, rights);
    let group = groups.get(key);
    if (group === undefined) {
      group = this.#makeGroup(args, () => groups.delete(key));
      groups.set(key, group);
    }
    return group;
  }

  #makeGroup(args: ExecutionArgs, onEmpty: () => void): SubscriptionGroup {
    const { counters } = this.#deps;
    const explain = (error: unknown) => new Message({ errors: [this.#mask(error)] });
    const own = { ...args };
    counters.groups++;
    return new SubscriptionGroup({
      explain,
      onEmpty: () => {
        counters.groups--;
        onEmpty();
      },
      onFellBehind: () => counters.fellBehindTotal++,
      resolve: async (value) => {
        // What is cached by context, such as loaders and rights, must not outlive the event it was read for.
        const contextValue: unknown = Object.create(Object(own.contextValue));
        try {
          const result = await this.#deps.execute({ ...own, rootValue: value, contextValue });
          if (result.errors === undefined) return new Message(result);
          return new Message({
            ...result,
            errors: result.errors.map((error) => this.#mask(error)),
          });
        } catch (error) {
          return explain(error);
        }
      },
    });
  }

  #keyOf({ document, operationName, variableValues }: ExecutionArgs, rights: string): string {
    let resume = this.#resumeVariables.get(document);
    if (resume === undefined) {
      resume = { name: findResumeVariable(document) };
      this.#resumeVariables.set(document, resume);
    }
    const variables = Object.entries(variableValues ?? {}).filter(([name]) => name !== resume.name);
    return JSON.stringify([rights, operationName ?? null, variables.sort()]);
  }

  #mask(error: unknown): GraphQLError {
    const { message } = Object(error) as { readonly message?: unknown };
    const masked = this.#deps.maskError(error, String(message));
    return masked instanceof GraphQLError ? masked : new GraphQLError(masked.message);
  }
}
