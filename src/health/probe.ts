import type { CheckFailure, ServiceStatus } from './service.ts';

/** What one look at a service found. When that was is added by who asked. */
export interface Outcome {
  readonly status: ServiceStatus;
  /** From the beginning of the check to the end of the answer, or to when it was given up. */
  readonly responseTimeMs: number;
  readonly httpStatus: number | undefined;
  /** There unless the status is HEALTHY, or UNKNOWN by the service's own word. */
  readonly failure: CheckFailure | undefined;
  readonly error: string | undefined;
  /** JSON text, at most 16,384 characters. */
  readonly details: string | undefined;
}

/** A way to look at one service. */
export interface Probe {
  /**
   * Looks once, and answers within the time limit of the probe whatever the service does. Never rejects. Not to be called
   * again before it has answered.
   */
  check(): Promise<Outcome>;
  /** Ends what goes on, which answers soon, and lets go of its connections. Calling it again does nothing. */
  close(): void;
}
