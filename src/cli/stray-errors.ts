import { messageOf } from '../lib/domain-error.ts';

/**
 * Keeps the process going when code of a flow fails outside what the engine can see: a promise that nobody waits for
 * is rejected, or a timer's callback throws. Such an error belongs to one flow; ending the process would end the jobs
 * of all others. It is told to `report`, as text: what was thrown may be anything, and throw again when it is looked at.
 */
export function outliveStrayErrors(report: (error: string) => void): void {
  const tell = (thrown: unknown) => report(textOf(thrown));
  process.on('unhandledRejection', tell);
  process.on('uncaughtException', tell);
}

function textOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error && typeof thrown.stack === 'string') return thrown.stack;
  } catch {
    // A getter or proxy that throws; `messageOf` copes with it.
  }
  return messageOf(thrown);
}
