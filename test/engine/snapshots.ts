import {
  createEngine,
  defineFlow,
  type EngineOptions,
  type JobObserver,
  type JobRun,
} from 'millrace/engine';
import { emitsAtOnce, type Gate, passes, range } from './parts.ts';

/** What of a job can be seen of one that is to be like it. */
export interface Moving {
  readonly engineOptions?: EngineOptions;
  readonly observers?: readonly JobObserver[];
}

/** Kills the process a job runs in, as far as the job can tell, and goes on with it in another. */
export function killAndRestore(
  job: JobRun,
  { engineOptions, observers = [] }: Moving = {},
): JobRun {
  const snapshot = structuredClone(job.capture());
  if (!job.isEnding) job.cancel();
  return createEngine(engineOptions).restore(job.flow, snapshot, { id: job.id, observers });
}

/** A flow whose middle routine sees each of five items and waits at the gate before it puts it out. */
export function gatedFlow(gate: Gate, seen: number[] = []) {
  return defineFlow({ id: 'gated' }, (f) => {
    const source = f.add('source', emitsAtOnce(range(5)));
    const middle = f.add(
      'middle',
      passes<number>((item) => {
        seen.push(item);
        return gate.pass();
      }),
    );
    f.connect(source.events.item, middle.slots.item);
    return { items: middle.events.item };
  });
}
