import { messageOf } from '../lib/domain-error.ts';

/** What was thrown, as far as it can be told again. */
export interface ErrorSnapshot {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly stack: string | undefined;
}

/** Stands for what was thrown before a job was restored: it has the same name, message, code and stack, not its class. */
class RestoredError extends Error {
  override readonly name: string;
  readonly code: string | undefined;

  constructor({ name, message, code, stack }: ErrorSnapshot) {
    super(message);
    this.name = name;
    this.code = code;
    if (stack !== undefined) this.stack = stack;
  }
}

/** Writes down what was thrown; JavaScript lets any value be thrown. */
export function captureError(thrown: unknown): ErrorSnapshot {
  const read = (key: 'name' | 'code' | 'stack'): string | undefined => {
    try {
      const value = (thrown as Readonly<Record<string, unknown>> | null | undefined)?.[key];
      return typeof value === 'string' ? value : undefined;
    } catch {
      return undefined; // a getter that throws
    }
  };
  return {
    name: read('name') ?? 'Error',
    message: messageOf(thrown),
    code: read('code'),
    stack: read('stack'),
  };
}

/** An error with the name, message, code and stack that were written down. Its class is not that of the original. */
export function restoreError(snapshot: ErrorSnapshot): Error {
  return new RestoredError(snapshot);
}
