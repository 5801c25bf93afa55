/** A duration as people say it: `850 ms`, `12 s`, `3 min`, `2 h`. */
export function showDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}

/** A routine of a job, with what it belongs to. */
export function nameRoutine(
  routineId: string,
  { jobId, flowId }: { readonly jobId: string; readonly flowId: string },
): string {
  return `routine "${routineId}" in job ${jobId} of flow "${flowId}"`;
}

/** `1 job`, `2 jobs`. */
export function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
