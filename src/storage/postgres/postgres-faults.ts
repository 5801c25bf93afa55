/** The code of an error about a database that another process has. */
export const LOCK_HELD = 'MILLRACE_LOCK_HELD';
/** The code of an error about a database that another process had since. */
export const OWNER_CHANGED = 'MILLRACE_OWNER_CHANGED';

const UNREACHABLE = (place: string) =>
  `${place} can't be reached. See that it runs and that this machine can connect to it.`;
const BUSY = (place: string) =>
  `${place} is too busy to take more. Give it more connections, memory or time.`;
const REFUSED = (place: string) =>
  `${place} refuses this user or database. See to its user, password and database name.`;
const CONFLICT = (place: string) =>
  `A change got in the way of another one in ${place}; it is tried again.`;
const DAMAGED = (place: string) =>
  `The database of ${place} is damaged. Look at its log, and put a backup in its place.`;

/**
 * What error codes mean for a database that worked before: why it can't be used now, and what to do. What is not in the
 * table is the statement's own fault. Codes of PostgreSQL count by their first two characters, their class, where the
 * whole code is not listed.
 */
const PROBLEMS: Readonly<Record<string, (place: string) => string>> = {
  // Of sockets and of the resolver, as Node names them.
  ECONNREFUSED: UNREACHABLE,
  ECONNRESET: UNREACHABLE,
  ECONNABORTED: UNREACHABLE,
  EPIPE: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ENETDOWN: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  ENOENT: UNREACHABLE,
  // Of PostgreSQL: https://www.postgresql.org/docs/current/errcodes-appendix.html
  '08000': UNREACHABLE,
  '08001': UNREACHABLE,
  '08003': UNREACHABLE,
  '08004': REFUSED,
  '08006': UNREACHABLE,
  '57P01': UNREACHABLE,
  '57P02': UNREACHABLE,
  '57P03': UNREACHABLE,
  '57P04': REFUSED,
  '57P05': UNREACHABLE,
  '57014': BUSY,
  '28': REFUSED,
  '3D000': REFUSED,
  '25006': (place) => `${place} is read-only, as a standby is. Connect to the primary.`,
  '25P03': UNREACHABLE,
  '53': BUSY,
  '53100': (place) => `The disk of ${place} is full. Free space on it.`,
  '40001': CONFLICT,
  '40P01': CONFLICT,
  '55P03': CONFLICT,
  '58': (place) => `The disk of ${place} can't be read or written. Look at its log.`,
  XX001: DAMAGED,
  XX002: DAMAGED,
  [LOCK_HELD]: (place) => `Another Millrace has taken over ${place}. Stop one of the two.`,
  [OWNER_CHANGED]: (place) =>
    `Another Millrace ran on ${place} while this one was cut off from it. Stop this one and start it again.`,
};

/** What the driver says without a code when an answer takes too long. */
const LATE = /^Query read timeout|^timeout exceeded when trying to connect/;
/** What it says when a connection is lost, or can't be made. */
const LOST =
  /^Connection terminated|^Client has encountered a connection error|^Client was closed|^timeout expired|^The server does not support SSL|^Cannot use a pool after/;

/** Why a database can't be used now, and what to do; `undefined` for an error that is the statement's own. */
export function explainPostgresFault(error: unknown, place: string): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === undefined) {
    if (LATE.test(error.message)) return BUSY(place);
    return LOST.test(error.message) ? UNREACHABLE(place) : undefined;
  }
  return (PROBLEMS[code] ?? PROBLEMS[code.length === 5 ? code.slice(0, 2) : ''])?.(place);
}

/** The code that a search ends with when the server gives it up. */
const CANCELLED = '57014';

/** The same for a search. One that took too long, or found no connection, says nothing of the database. */
export function explainPostgresScanFault(error: unknown, place: string): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const isCancelled = 'code' in error && error.code === CANCELLED;
  if (isCancelled || error.message.startsWith('Query read timeout')) {
    return `The search took too long for ${place}; narrow it.`;
  }
  if (error.message.startsWith('timeout exceeded when trying to connect')) {
    return `Too many searches wait for ${place}. Try again later.`;
  }
  return explainPostgresFault(error, place);
}

/** Whether a database that can't be opened may be open to us in a moment: it starts, or another process just ended. */
export function isPostgresWorthWaiting(error: unknown): boolean {
  const problem = explainPostgresFault(error, '');
  return problem !== undefined && problem !== REFUSED('') && problem !== DAMAGED('');
}

/** Whether an error tells that another process had the database since. */
export function isOwnerChanged(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === OWNER_CHANGED;
}
