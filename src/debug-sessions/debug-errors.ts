import { DomainError } from '../lib/domain-error.ts';

/** Expressions are not evaluated on this server. */
export class EvaluationOffError extends DomainError {
  readonly code = 'EVALUATION_OFF';

  constructor() {
    super(
      'This server evaluates no expressions besides those of breakpoints. Start it with MILLRACE_EVALUATION=on.',
    );
  }
}

/** An idempotency key was used before, for something else. */
export class KeyConflictError extends DomainError {
  readonly code = 'IDEMPOTENCY_CONFLICT';

  /** @param use what it was used for, and how that differs */
  constructor(key: string, use: string) {
    super(`The idempotency key "${key}" was used for ${use}. Use a new key.`);
  }
}
