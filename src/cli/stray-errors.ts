/**
 * Keeps the process going when code of a flow fails outside what the engine can see: a promise that nobody waits for
 * is rejected, or a timer's callback throws. Such an error belongs to one flow; ending the process would end the jobs
 * of all others. It is told to `report`.
 */
export function outliveStrayErrors(report: (error: unknown) => void): void {
  process.on('unhandledRejection', report);
  process.on('uncaughtException', report);
}
