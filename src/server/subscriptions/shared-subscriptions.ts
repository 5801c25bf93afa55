import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  getOperationAST,
} from 'graphql';
import type { ConnectionCounters } from '../figures/connection-counters.ts';
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
   * Subscribes to a validated operation. Never fails.
   * @returns `subscriber`, or the errors because of which there is nothing to subscribe to
   */
  async subscribe(
    args: ExecutionArgs,
    subscriber: Subscriber,
  ): Promise<Subscriber | ExecutionResult> {
    try {
      const key = this.#keyOf(args); // which may fail: before there is a source to be left
      const source = await createSourceEventStream(args);
      if (!(Symbol.asyncIterator in source)) return source;
      this.#groupOf(args, key).add(subscriber, source[Symbol.asyncIterator]());
      return subscriber;
    } catch (error) {
      return { errors: [this.#mask(error)] };
    }
  }

  #groupOf(args: ExecutionArgs, key: string | undefined): SubscriptionGroup {
    const { document } = args;
    if (key === undefined) return this.#makeGroup(args, () => undefined);
    let ofDocument = this.#groups.get(document);
    if (ofDocument === undefined) {
      ofDocument = new Map();
      this.#groups.set(document, ofDocument);
    }
    const groups = ofDocument;
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

  /** Of what was sent as variables only those count that the operation declares. */
  #keyOf({ document, operationName, variableValues, contextValue }: ExecutionArgs) {
    const rights = this.#deps.sharingKey(contextValue);
    if (rights === undefined) return undefined;
    let resume = this.#resumeVariables.get(document);
    if (resume === undefined) {
      resume = { name: findResumeVariable(document) };
      this.#resumeVariables.set(document, resume);
    }
    const given = variableValues ?? {};
    const declared = getOperationAST(document, operationName)?.variableDefinitions ?? [];
    const variables = declared
      .map(({ variable }) => variable.name.value)
      .filter((name) => name !== resume.name && Object.hasOwn(given, name))
      .map((name) => [name, given[name]]);
    return JSON.stringify([rights, operationName ?? null, variables]);
  }

  #mask(error: unknown): GraphQLError {
    const { message } = Object(error) as { readonly message?: unknown };
    const masked = this.#deps.maskError(error, String(message));
    return masked instanceof GraphQLError ? masked : new GraphQLError(masked.message);
  }
}
