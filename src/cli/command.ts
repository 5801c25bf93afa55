/** How the command line ends, for the shell: 0 done, 1 it went wrong, 2 it was called wrongly, 130 interrupted. */
export type ExitCode = number;

/** One command of the command line. */
export interface Command {
  /** What `--help` prints. */
  readonly help: string;
  /** Runs with the arguments after the command's name. @throws UsageError when they are not as they must be */
  run(args: string[]): Promise<ExitCode>;
}

/** The command line was used wrongly. The message says how it is used rightly. */
export class UsageError extends Error {}

/** Whether an error is one of `parseArgs` about the arguments, which says what is wrong in words for people. */
export function isUsageFault(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS_');
}
