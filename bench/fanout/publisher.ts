import { type AddressInfo, createServer, type Server } from 'node:net';
import { monotonicMs } from '../load/clock.ts';

/**
 * How many messages may be under way: published, and not yet at every subscriber. Enough that no contender ever waits for
 * the load; few enough that none has to drop any, whatever its buffers are.
 */
const MAX_UNDER_WAY = 16;

/** For how long no subscriber may get anything while messages are under way. */
const STALL_MS = 20_000;

/** What publishing took. */
export interface Published {
  readonly count: number;
  /** From the first message published to the last one received, in milliseconds. */
  readonly tookMs: number;
  /** Processor time of the whole process meanwhile, in microseconds. */
  readonly cpuMicros: number;
  /** When each was published, by `monotonicMs`. */
  readonly publishedAt: readonly number[];
}

/**
 * Publishes for each contender in the same way: at most one message a turn of the event loop, and no more than
 * `MAX_UNDER_WAY` messages' worth of frames that the load has not acknowledged. It knows of no contender more than the
 * function that publishes.
 */
export class Publisher {
  readonly #publish: (sequence: number) => void;
  readonly #server: Server;
  #sequence = 0;
  #subscribers = 0;
  /** How many frames the load has received, and how many of them before this publishing. */
  #received = 0;
  #before = 0;
  #wakeUp: () => void = () => undefined;

  constructor(publish: (sequence: number) => void) {
    this.#publish = publish;
    this.#server = createServer((socket) => {
      let rest = '';
      socket.setEncoding('latin1').on('data', (text: string) => {
        const lines = `${rest}${text}`.split('\n');
        rest = lines.pop() ?? '';
        const newest = lines.at(-1);
        if (newest === undefined) return;
        this.#received = Number(newest);
        this.#wakeUp();
      });
    });
  }

  /** Listens for acknowledgements. Answers the port. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port; // it listens on TCP
  }

  /**
   * Sends single messages until one has come to as many as are expected: the protocol does not tell when a subscription
   * is open.
   */
  async meet(subscribers: number): Promise<void> {
    this.#subscribers = subscribers;
    for (let tries = 0; tries < 20; tries++) {
      this.#before = this.#received;
      this.#publish(++this.#sequence);
      const endMs = monotonicMs() + 500;
      while (this.#missing(1) > 0 && monotonicMs() < endMs) await this.#progress(100);
      if (this.#missing(1) === 0) return;
      await this.#settled();
    }
    throw new Error(`Not all of ${subscribers} subscribers get messages.`);
  }

  /** Publishes as fast as it may until the time is over, and waits until all has arrived. */
  publishFor(durationMs: number): Promise<Published> {
    return this.#measure(async (publish) => {
      const endMs = monotonicMs() + durationMs;
      while (monotonicMs() < endMs) {
        const count = publish();
        await new Promise<void>((resolve) => setImmediate(resolve));
        const mostMissing = (MAX_UNDER_WAY - 1) * this.#subscribers;
        while (this.#missing(count) > mostMissing) await this.#nextProgress(count);
      }
    });
  }

  /** Publishes at a steady rate, and waits until all has arrived. */
  publishSteadily(count: number, everyMs: number): Promise<Published> {
    return this.#measure(async (publish) => {
      const startMs = monotonicMs();
      for (let done = 0; done < count; done++) {
        const waitMs = startMs + done * everyMs - monotonicMs();
        await new Promise<void>((resolve) => setTimeout(resolve, waitMs));
        publish();
      }
    });
  }

  async #measure(run: (publish: () => number) => Promise<void>): Promise<Published> {
    this.#before = this.#received;
    const publishedAt: number[] = [];
    const cpu = process.cpuUsage();
    const startMs = monotonicMs();
    await run(() => {
      const count = publishedAt.push(monotonicMs());
      this.#publish(++this.#sequence);
      return count;
    });
    const count = publishedAt.length;
    while (this.#missing(count) > 0) await this.#nextProgress(count);
    const tookMs = monotonicMs() - startMs;
    const { user, system } = process.cpuUsage(cpu);
    return { count, tookMs, cpuMicros: user + system, publishedAt };
  }

  /** How many frames of the first `count` messages have not arrived. */
  #missing(count: number): number {
    return count * this.#subscribers - (this.#received - this.#before);
  }

  async #nextProgress(count: number): Promise<void> {
    if (await this.#progress(STALL_MS)) return;
    throw new Error(`${this.#missing(count)} frames of ${count} messages never arrived.`);
  }

  /** Waits for the next acknowledgement. Answers whether one came in time. */
  #progress(limitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), limitMs);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  /** Waits until nothing arrives any more. */
  async #settled(): Promise<void> {
    while (await this.#progress(500));
  }
}
