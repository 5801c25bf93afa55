import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/domain-error.ts';
import { cutText } from '../lib/preview.ts';
import { type AgentWord, problemOfAgent, statusOfAgent } from './agent-status.ts';
import { failedOutcome } from './check-loop.ts';
import { writeDetails } from './details.ts';
import type { Outcome, Probe } from './probe.ts';

/** The longest message that is kept, in characters. */
const LONGEST_MESSAGE = 2_000;

/** What a function tells of an agent that it was asked about. */
export interface AgentReading extends AgentWord {
  /** For people: what is wrong. */
  readonly message?: string | undefined;
  /** Plain data, shown as it is but for secrets; at most 16,384 characters of JSON. */
  readonly details?: unknown;
}

/** An agent that is asked how it is by a function. */
export interface PulledAgent {
  /** Listed as `agent:<name>`. */
  readonly name: string;
  readonly description?: string | undefined;
  /** Default: `default`. */
  readonly tenant?: string | undefined;
  /** How often it is asked, in milliseconds: 50–86,400,000. Default 5,000. */
  readonly intervalMs?: number | undefined;
  /** How long it may take, in milliseconds: 1–600,000. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  /** Asks. What it throws makes the agent UNHEALTHY. @param signal aborted when nobody waits for the answer any more */
  readonly read: (signal: AbortSignal) => AgentReading | Promise<AgentReading>;
}

/** Looks at something by calling a function. While a call is not settled it is not called again: that is a timeout as well. */
export function createFunctionProbe(
  read: PulledAgent['read'],
  { timeoutMs, clock }: { readonly timeoutMs: number; readonly clock: Clock },
): Probe {
  let giveUp: ((reason: string) => void) | undefined;
  let isCalled = false;
  const timeout = (tookMs: number): Outcome => ({
    ...failedOutcome('Request timeout', tookMs),
    failure: 'TIMEOUT',
  });
  return {
    check() {
      if (isCalled) return Promise.resolve(timeout(0));
      isCalled = true;
      const startMs = clock.monotonicMs();
      const controller = new AbortController();
      const tookMs = () => clock.monotonicMs() - startMs;
      return new Promise<Outcome>((answer) => {
        const end = (outcome: Outcome) => {
          cancelTimer();
          giveUp = undefined;
          answer(outcome);
        };
        const fail = (error: string) =>
          end(failedOutcome(cutText(error, LONGEST_MESSAGE), tookMs()));
        giveUp = (reason) => {
          controller.abort(new Error(reason));
          fail(reason);
        };
        const cancelTimer = clock.setTimer(timeoutMs, () => {
          controller.abort(new Error('Request timeout'));
          end(timeout(tookMs()));
        });
        // In a promise, so that what it throws at once counts as well.
        Promise.resolve()
          .then(() => read(controller.signal))
          .then((reading) => {
            isCalled = false; // first: who is answered may ask again at once
            end(outcomeOf(reading, tookMs()));
          })
          .catch((error: unknown) => {
            isCalled = false;
            fail(messageOf(error));
          });
      });
    },
    close() {
      giveUp?.('The check was ended.');
    },
  };
}

function outcomeOf(reading: AgentReading, responseTimeMs: number): Outcome {
  const error = problemOfAgent(reading);
  return {
    status: statusOfAgent(reading),
    responseTimeMs,
    httpStatus: undefined,
    failure: error === undefined ? undefined : 'REPORTED',
    // It is what a program said: it may be no text at all.
    error: error === undefined ? undefined : cutText(messageOf(error), LONGEST_MESSAGE),
    details: writeDetails(reading.details),
  };
}
