import type { CancelTimer, Clock } from './clock.ts';
import { type StateSink, type StateStream, stateStream } from './state-stream.ts';

/** What tells a feed which keys have changed. */
export interface KeySource {
  /** Names it, with all that decides which keys are told. */
  readonly topic: string;
  /** Tells of each change, until the answer is called. `end` ends all streams. */
  listen(note: (key: string) => void, end: () => void): () => void;
}

/** Streams of keys that changed. Those of the same topic and rate share one listener and one timer. */
export interface KeyFeeds {
  /**
   * A stream of keys that change, each at most `rateHz` times a second. A key that waits to be read is not put in again:
   * who reads it looks up what it stands for then, and so sees the latest. It listens at once, and has to be told by
   * `begin` which keys there are.
   */
  open(source: KeySource, rateHz: number): StateStream<string>;
  /** Whether a key changed of which streams of that topic and rate are told in a moment. */
  isDue(source: KeySource, rateHz: number, key: string): boolean;
}

/** Makes feeds that are freed with the last of their streams. */
export function createKeyFeeds(clock: Clock): KeyFeeds {
  const feeds = new Map<string, KeyFeed>();
  const topicOf = ({ topic }: KeySource, rateHz: number) => `${topic}@${rateHz}`;
  return {
    isDue: (source, rateHz, key) => feeds.get(topicOf(source, rateHz))?.isDue(key) ?? false,
    open(source, rateHz) {
      const topic = topicOf(source, rateHz);
      let feed = feeds.get(topic);
      if (feed === undefined) {
        const made = new KeyFeed(source, 1000 / rateHz, clock, () => {
          if (feeds.get(topic) === made) feeds.delete(topic);
        });
        feeds.set(topic, made);
        feed = made;
      }
      const own = feed;
      return stateStream<string>({
        topic,
        keyOf: (key) => key,
        listen: (sink) => own.add(sink),
        placeNow: () => own.place,
      });
    },
  };
}

class KeyFeed {
  readonly #source: KeySource;
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #onFree: () => void;
  readonly #sinks = new Set<StateSink<string>>();
  readonly #changed = new Set<string>();
  #cancelTimer: CancelTimer | undefined;
  #stopListening: (() => void) | undefined;
  /** How often changes were told. */
  place = 0;

  constructor(source: KeySource, intervalMs: number, clock: Clock, onFree: () => void) {
    this.#source = source;
    this.#intervalMs = intervalMs;
    this.#clock = clock;
    this.#onFree = onFree;
  }

  add(sink: StateSink<string>): () => void {
    this.#sinks.add(sink);
    this.#stopListening ??= this.#source.listen(
      (key) => {
        this.#changed.add(key);
        if (this.#cancelTimer === undefined) this.#tell();
      },
      () => {
        for (const each of [...this.#sinks]) each.end();
      },
    );
    this.#arm(); // what is told first counts
    return () => {
      this.#sinks.delete(sink);
      if (this.#sinks.size > 0) return;
      this.#stopListening?.();
      this.#cancelTimer?.();
      this.#stopListening = undefined;
      this.#cancelTimer = undefined;
      this.#onFree();
    };
  }

  isDue(key: string): boolean {
    return this.#changed.has(key);
  }

  #arm(): void {
    this.#cancelTimer ??= this.#clock.setTimer(this.#intervalMs, () => {
      this.#cancelTimer = undefined;
      this.#tell();
    });
  }

  #tell(): void {
    if (this.#changed.size === 0) return;
    const keys = [...this.#changed];
    this.#changed.clear();
    this.place++;
    for (const sink of [...this.#sinks]) for (const key of keys) sink.push(key, this.place);
    this.#arm();
  }
}
