import type { SubscribePayload } from 'graphql-ws/client';
import { type CancelTimer, systemClock } from '../lib/clock.ts';

/** So much of the time that is left passes before a new token is asked for. */
const PART = 0.8;

/** It is never asked for more often, in milliseconds. */
const LEAST_WAIT_MS = 1000;

/** The operation by which a connection goes on with a new token. */
export const RENEW = `mutation RenewConnection($input: RenewConnectionInput!) {
  renewConnection(input: $input) { ... on RenewConnectionPayload { expiresAt } }
}`;

interface AnswerSink {
  next(result: { readonly data?: unknown }): void;
  error(): void;
  complete(): void;
}

/** Sends an operation over the present connection, and answers how to leave it; does nothing when there is none. */
type Send = (payload: SubscribePayload, sink: AnswerSink) => (() => void) | undefined;

/**
 * Shows the server a new token before the one that a connection was opened with expires, as often as that takes. It may
 * fail: then the server closes the connection when the time has come, and the client comes back with a new token.
 */
export class Renewal {
  readonly #ask: () => string | Promise<string>;
  readonly #send: Send;
  #cancelTimer: CancelTimer = () => undefined;
  #leave: (() => void) | undefined;
  /** What has to be added to our clock for it to show what the server's does, in milliseconds. */
  #skewMs = 0;
  /** Counts connections, so that what was asked for one is not sent over the next. */
  #turn = 0;

  constructor(ask: () => string | Promise<string>, send: Send) {
    this.#ask = ask;
    this.#send = send;
  }

  /**
   * There is a connection.
   * @param payload what the server said when it let the client in: until when, if there is an end
   */
  begin(payload: unknown): void {
    this.stop();
    const now = systemClock.now();
    this.#skewMs = (readTime(payload, 'serverTime') ?? now) - now;
    this.#await(readTime(payload, 'expiresAt'), 0);
  }

  /** There is no connection any more. */
  stop(): void {
    this.#turn++;
    this.#cancelTimer();
    this.#leave?.();
    this.#leave = undefined;
  }

  #await(expiresAt: number | undefined, before: number): void {
    if (expiresAt === undefined || expiresAt <= before) return; // no newer one is to be had
    const waitMs = Math.max(LEAST_WAIT_MS, (expiresAt - systemClock.now() - this.#skewMs) * PART);
    const turn = this.#turn;
    this.#cancelTimer = systemClock.setTimer(waitMs, () => {
      this.#renew(turn, expiresAt).catch(() => undefined);
    });
  }

  async #renew(turn: number, before: number): Promise<void> {
    const token = await this.#ask();
    if (turn !== this.#turn) return;
    const variables = { input: { token } };
    this.#leave = this.#send(
      { query: RENEW, variables },
      {
        next: ({ data }) => {
          if (turn !== this.#turn) return;
          const { renewConnection } = Object(data) as { renewConnection?: unknown };
          this.#await(readTime(renewConnection, 'expiresAt'), before);
        },
        error: () => undefined,
        complete: () => undefined,
      },
    );
  }
}

/** A time that somebody said, in milliseconds since the Unix epoch. */
function readTime(said: unknown, name: 'expiresAt' | 'serverTime'): number | undefined {
  const { [name]: time } = Object(said) as Record<string, unknown>;
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}
