import { type Logger, pino } from 'pino';

/** A logger that keeps all that is written, from the lowest level on. */
export function keepLog(): { readonly logger: Logger; readonly text: () => string } {
  let written = '';
  const write = (line: string) => {
    written += line;
  };
  return { logger: pino({ level: 'trace' }, { write }), text: () => written };
}

/** The error that a promise is rejected with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error & { code?: unknown }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error('It was kept, and should have been rejected.');
}

/** All that a log could show of an error, causes included. */
export function writeOut(error: unknown): string {
  const { logger, text } = keepLog();
  logger.error({ err: error, ...Object(error) }, String(error));
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? text() : text() + writeOut(cause);
}
