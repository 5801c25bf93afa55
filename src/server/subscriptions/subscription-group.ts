import { setTimeout as sleep, setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { isLiveStream, type LiveStream, type Placed } from '../../lib/live-stream.ts';
import { Frames, type Message } from './message.ts';
import type { Subscribed, Subscriber } from './subscriber.ts';

/** After so long, in milliseconds, sockets and timers get their turn, however much there is to tell. */
const LONGEST_TURN_MS = 5;

/**
 * So many times as long as it took to hand out a state nothing is handed out: what comes meanwhile is merged. So a crowd that
 * watches takes no more than a tenth of the time from those who work.
 */
const REST_FACTOR = 9;
/** Shorter rests are not worth a timer; none is longer. In milliseconds. */
const REST_MS = { least: 10, most: 1000 } as const;

/** So many messages at most are handed to each member at once. */
const MOST_AT_ONCE = 64;

/** What a group makes of the values of its source. */
export interface GroupParts {
  /** Executes the operation for one value. Never fails. */
  readonly resolve: (value: unknown) => Promise<Message>;
  /** What is told when the source fails. */
  readonly explain: (error: unknown) => Message;
  /** Called when nobody is left. */
  readonly onEmpty: () => void;
  /** Called when an event stream ends for one who was too slow. */
  readonly onFellBehind: () => void;
}

/**
 * Subscribers who get the same: same operation, variables and rights.
 *
 * A subscriber is *alone* or a *member*. It begins alone, with a stream of its own, from which it gets the present state, or
 * what has happened since its cursor, as fast as its connection takes it. When there is no more to catch up with it becomes
 * a member: its stream becomes the group's, or is left for the group's, from which it then gets what comes after the same
 * place. The group reads what there is, executes once for each value, and hands the messages to every member.
 *
 * A member whose connection does not take that: of a state stream it is alone again, on a fork of the stream, in which what
 * it can't take is merged; of an event stream it is told that it is too slow, and its operation ends.
 */
export class SubscriptionGroup implements Subscribed {
  readonly #parts: GroupParts;
  /** All, and the streams of those who are alone. */
  readonly #subscribers = new Map<Subscriber, AsyncIterator<unknown> | undefined>();
  readonly #members = new Set<Subscriber>();
  /** There is one as long as there are members. */
  #source: LiveStream<unknown> | undefined;
  #turnSince = performance.now();

  constructor(parts: GroupParts) {
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#subscribers.size === 0;
  }

  /** Takes a subscriber in, with a stream of its own to begin with. */
  add(subscriber: Subscriber, stream: AsyncIterator<unknown>): void {
    if (subscriber.attach(this)) void this.#follow(subscriber, stream);
    else {
      void stream.return?.();
      if (this.isEmpty) this.#parts.onEmpty();
    }
  }

  leave(subscriber: Subscriber): void {
    const stream = this.#subscribers.get(subscriber);
    this.#subscribers.delete(subscriber);
    this.#members.delete(subscriber);
    void stream?.return?.();
    this.#freeSource();
    if (this.isEmpty) this.#parts.onEmpty();
  }

  /** Serves a subscriber who is alone. */
  async #follow(subscriber: Subscriber, stream: AsyncIterator<unknown>): Promise<void> {
    this.#subscribers.set(subscriber, stream);
    try {
      while (!subscriber.hasLeft) {
        if (subscriber.load !== 'FREE') {
          await subscriber.freed();
          continue;
        }
        if (this.#join(subscriber, stream)) return;
        const result = await stream.next();
        if (result.done === true) {
          subscriber.end();
          return;
        }
        subscriber.send(new Frames([await this.#parts.resolve(result.value)]));
        await this.#giveWay();
      }
    } catch (error) {
      subscriber.send(new Frames([this.#parts.explain(error)]));
      subscriber.end();
    }
  }

  /** Makes a subscriber a member, if its stream has no more to tell for now and is one that can be shared. */
  #join(subscriber: Subscriber, stream: AsyncIterator<unknown>): boolean {
    if (!isShareable(stream)) return false;
    const place = stream.caughtUpAt();
    if (place === undefined) return false;
    if (this.#source !== undefined && !canGoOn(stream, this.#source)) return false;
    this.#subscribers.set(subscriber, undefined);
    this.#members.add(subscriber);
    if (this.#source === undefined) {
      this.#source = stream;
      subscriber.from = Number.NEGATIVE_INFINITY;
      void this.#serve(stream);
    } else {
      subscriber.from = place;
      void stream.return();
    }
    return true;
  }

  /** Serves the members, from one source, until it ends or all have left. */
  async #serve(source: LiveStream<unknown>): Promise<void> {
    try {
      for (;;) {
        const result = await source.next();
        if (this.#source !== source) return;
        if (result.done === true) break;
        const first = { value: result.value, place: source.place };
        const values = [first, ...(source.takeWaiting?.(MOST_AT_ONCE - 1) ?? [])];
        const messages = await this.#resolveAll(values);
        if (this.#source !== source) return;
        const frames = new Frames(messages.map(({ value }) => value));
        const startMs = performance.now();
        const lowest = Math.min(...messages.map(({ place }) => place));
        let isHeavy = false;
        for (const member of this.#members) {
          const own = member.from < lowest ? frames : framesAfter(member.from, messages);
          if (!this.#deliver(member, own, source)) isHeavy = true;
        }
        if (source.kind === 'state') await rest(REST_FACTOR * (performance.now() - startMs));
        await this.#giveWay(isHeavy);
      }
      for (const member of this.#members) member.end();
    } catch (error) {
      const frames = new Frames([this.#parts.explain(error)]);
      for (const member of this.#members) {
        member.send(frames);
        member.end();
      }
    }
  }

  async #resolveAll(values: readonly Placed<unknown>[]): Promise<readonly Placed<Message>[]> {
    const messages: Placed<Message>[] = [];
    for (const { value, place } of values) {
      messages.push({ value: await this.#parts.resolve(value), place });
    }
    return messages;
  }

  /** @returns whether the member can take more at once */
  #deliver(member: Subscriber, frames: Frames, source: LiveStream<unknown>): boolean {
    if (frames.messages.length === 0) return true;
    member.send(frames);
    const { load } = member;
    if (load === 'FREE') return true;
    if (source.kind === 'state') {
      this.#members.delete(member);
      void this.#follow(member, source.fork());
      this.#freeSource();
    } else if (load === 'BEHIND') {
      this.#members.delete(member);
      void this.#cutOff(member, source.fallBehind?.());
      this.#freeSource();
    }
    return false;
  }

  async #cutOff(subscriber: Subscriber, last: unknown): Promise<void> {
    this.#parts.onFellBehind();
    if (last !== undefined) subscriber.send(new Frames([await this.#parts.resolve(last)]));
    subscriber.end();
  }

  #freeSource(): void {
    if (this.#members.size > 0) return;
    void this.#source?.return();
    this.#source = undefined;
  }

  /** @param isHeavy whether somebody has not taken all: so that who is fast enough can, however much comes at once */
  async #giveWay(isHeavy = false): Promise<void> {
    if (!isHeavy && performance.now() - this.#turnSince < LONGEST_TURN_MS) return;
    await turnOfTheLoop();
    this.#turnSince = performance.now();
  }
}

async function rest(wantedMs: number): Promise<void> {
  if (wantedMs < REST_MS.least) return;
  await sleep(Math.min(wantedMs, REST_MS.most), undefined, { ref: false });
}

/** Those of the messages whose places come after a certain one. */
function framesAfter(from: number, messages: readonly Placed<Message>[]): Frames {
  return new Frames(messages.filter(({ place }) => place > from).map(({ value }) => value));
}

/** Whether one who has read a stream up to now may go on with another. */
function canGoOn(stream: LiveStream<unknown>, source: LiveStream<unknown>): boolean {
  if (stream.topic !== source.topic) return false;
  return stream.tellsChanges !== true || stream.place === source.place;
}

function isShareable(stream: AsyncIterator<unknown>): stream is LiveStream<unknown> {
  return Symbol.asyncIterator in stream && isLiveStream(stream as AsyncIterable<unknown>);
}
