/** One fault of a value that was handed in. */
export interface Issue {
  /** Where in the value, outermost key first. Empty for the value as a whole. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * An error that a caller can expect and act on. Its `code` is stable and is what programs branch on;
 * its message names the thing concerned and says what to do.
 */
export abstract class DomainError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Writes a path as people read it: `files[2].name`. The empty path is `input`. */
export function formatPath(path: readonly (string | number)[]): string {
  if (path.length === 0) return 'input';
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : at === 0 ? key : `.${key}`))
    .join('');
}

/** The message of anything that was thrown; JavaScript lets any value be thrown. */
export function messageOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return String(thrown.message || thrown.name);
    if (typeof thrown !== 'object' || thrown === null) return String(thrown);
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    // It fights back: a getter that throws, a proxy, a cycle.
    return `[${typeof thrown} that can't be shown]`;
  }
}

/** A thing that was named does not exist. */
export class NotFoundError extends DomainError {
  readonly code = 'NOT_FOUND';
  /** What kind of thing: `Job`, `Flow` … */
  readonly kind: string;
  readonly id: string;

  constructor(kind: string, id: string, advice = '') {
    super(`There is no ${kind} "${id}".${advice === '' ? '' : ` ${advice}`}`);
    this.kind = kind;
    this.id = id;
  }
}

/** A value that was handed in is not as it must be. `issues` lists every fault. */
export class ValidationError extends DomainError {
  readonly code = 'VALIDATION_FAILED';
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[]) {
    super(issues.map(({ path, message }) => `${formatPath(path)}: ${message}`).join('; '));
    this.issues = issues;
  }
}

/** The viewer lacks the right for what was asked. */
export class ForbiddenError extends DomainError {
  readonly code = 'FORBIDDEN';

  /** @param scope what they lack, as far as it is known */
  constructor(what: string, scope?: string) {
    const lacking = scope === undefined ? '' : `: it needs the scope \`${scope}\``;
    super(
      `You have no right to use "${what}" here${lacking}. Ask whoever runs this server for it.`,
    );
  }
}

/** An operation would cost more than the server gives. */
export class TooCostlyError extends DomainError {
  readonly code = 'TOO_COSTLY';
}

/** Somebody did not prove who they are: with nothing, or with what is not (or no longer) valid. */
export class UnauthenticatedError extends DomainError {
  readonly code = 'UNAUTHENTICATED';
}
