/** Announces messages by topic to all who listen. */
export interface PubSub<Topics> {
  /** Tells every listener of the topic, in the order they came. Never throws. */
  publish<T extends keyof Topics>(topic: T, message: Topics[T]): void;
  /** Listens until the answer is called. A listener returns at once; what it throws goes to `onListenerError`. */
  subscribe<T extends keyof Topics>(topic: T, listener: (message: Topics[T]) => void): () => void;
  /** How many listen to the topic now. */
  listenerCount(topic: keyof Topics): number;
}

/** Announces within this process. It buffers nothing: each listener keeps what it needs, within bounds of its own. */
export function createMemoryPubSub<Topics>(
  onListenerError: (error: unknown) => void,
): PubSub<Topics> {
  const listeners = new Map<keyof Topics, Set<(message: never) => void>>();
  return {
    publish(topic, message) {
      for (const listener of [...(listeners.get(topic) ?? [])]) {
        try {
          listener(message as never); // `subscribe` put it under the topic of its own message type
        } catch (error) {
          onListenerError(error);
        }
      }
    },
    subscribe(topic, listener) {
      const ofTopic = listeners.get(topic) ?? new Set();
      listeners.set(topic, ofTopic);
      // A wrapper of its own, so that one function subscribed twice is told twice and leaves one at a time.
      const own: typeof listener = (message) => listener(message);
      ofTopic.add(own);
      return () => {
        ofTopic.delete(own);
      };
    },
    listenerCount: (topic) => listeners.get(topic)?.size ?? 0,
  };
}
