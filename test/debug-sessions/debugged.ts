import { defineFlow } from 'millrace/engine';
import type { App } from '../../src/app.ts';
import type { DebugSession } from '../../src/debug-sessions/debug-session.ts';
import type { DebugRequest } from '../../src/debugger/debug-request.ts';
import { emits, passes, range } from '../engine/parts.ts';

/** source → middle → out, `count` numbers from 0; the one in the middle may be called otherwise. */
export function numbers(
  count = 3,
  id = 'numbers',
  see?: (item: number) => unknown,
  name = 'middle',
) {
  return defineFlow({ id }, (f) => {
    const source = f.add('source', emits(range(count)));
    const middle = f.add(name, passes<number>(see));
    f.connect(source.events.item, middle.slots.item);
    return { out: middle.events.item };
  });
}

/** Before each number comes to `middle`. */
export const AT_MIDDLE = { kind: 'ROUTINE', routineId: 'middle' } as const;

/** The session of a job as soon as it is as wanted. */
export async function inStatus(
  app: App,
  jobId: string,
  status: DebugSession['status'],
): Promise<DebugSession> {
  for (;;) {
    const [session] = await app.createContext().debug.findMany([jobId]);
    if (session?.status === status) return session;
    await new Promise((keep) => setImmediate(keep));
  }
}

/** Starts a job, and answers its id. */
export async function start({ jobs }: App, flowId: string, debug?: DebugRequest): Promise<string> {
  return (await jobs.start({ flowId, input: undefined, debug })).id;
}

/** The numbers that a job put out. */
export async function outputOf({ services }: App, jobId: string): Promise<unknown> {
  const [outputs] = await services.records.readOutputs([jobId]);
  return Object.values(outputs ?? {})[0]?.values;
}
