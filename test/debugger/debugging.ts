import type { Activation, JobRun } from 'millrace/engine';
import type { Breakpoint } from '../../src/debugger/breakpoint.ts';
import type { DebugStart } from '../../src/debugger/debug-host.ts';
import { JobDebugger, type JobDebuggerListener } from '../../src/debugger/job-debugger.ts';

/** A breakpoint with what is left out filled in. */
export function breakpoint(given: Partial<Breakpoint> & Pick<Breakpoint, 'kind'>): Breakpoint {
  return {
    id: `${given.kind}-${given.routineId ?? 'any'}`,
    routineId: undefined,
    slot: undefined,
    event: undefined,
    pressureLevel: undefined,
    condition: undefined,
    hitCondition: undefined,
    logMessage: undefined,
    isEnabled: true,
    isOnce: false,
    after: undefined,
    ...given,
  };
}

/** What a debugger told. */
export class Told implements JobDebuggerListener {
  readonly hits: Parameters<JobDebuggerListener['breakpointHit']>[0][] = [];
  readonly lines: Parameters<JobDebuggerListener['logged']>[0][] = [];
  changes = 0;
  changed(): void {
    this.changes++;
  }
  breakpointHit(hit: Told['hits'][number]): void {
    this.hits.push(hit);
  }
  logged(line: Told['lines'][number]): void {
    this.lines.push(line);
  }
}

/** Debugs a job that was just made. */
export function debug(
  job: JobRun,
  breakpoints: readonly Breakpoint[] = [],
  start: Partial<DebugStart> = {},
  told = new Told(),
): JobDebugger & { readonly told: Told } {
  const all = { breakpoints, stopsAtEntry: false, before: undefined, ...start };
  return Object.assign(new JobDebugger(job, all, told, () => 0), { told });
}

/** What is held at a stop: `middle#2 BEFORE`. */
export function heldIn({ held }: JobDebugger): readonly string[] {
  return held.map(({ routineId, activationId, phase }: Activation) => {
    return `${routineId}#${activationId} ${phase}`;
  });
}
