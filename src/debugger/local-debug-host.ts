import { EngineClosedError } from '../engine/index.ts';
import { DomainError } from '../lib/domain-error.ts';
import { checkValue } from './check-value.ts';
import type { DebugHost, DebugReading } from './debug-host.ts';
import type { DebuggedJob } from './debugged-job.ts';

/** Evaluations that go on side by side share the event loop with everything else. */
const MOST_EVALUATIONS = 8;

/** Too many expressions are being worked out at once. */
export class TooManyEvaluationsError extends DomainError {
  readonly code = 'TOO_MANY_EVALUATIONS';

  constructor() {
    super(`${MOST_EVALUATIONS} expressions are being worked out already. Try again in a moment.`);
  }
}

/** The jobs that run in this process. */
export interface DebuggableJobs {
  /** `IDLE` for one that runs and is not debugged; `undefined` for one that does not run here. */
  find(jobId: string): DebuggedJob | 'IDLE' | undefined;
  /** One that is debugged from now on. @throws NotFoundError when it does not run here */
  require(jobId: string): DebuggedJob;
  /** Is kept when the job is stored as it is now, if it can be. */
  save(jobId: string): Promise<void>;
}

const IDLE: DebugReading = { status: 'RUNNING', stop: undefined, frames: [], progress: {} };

/** Debugs jobs that run in this process. What is edited is stored before it is answered. */
export function createLocalDebugHost({ find, require, save }: DebuggableJobs): DebugHost {
  let evaluations = 0;
  /** @param value what is put in the job */
  const edit = async <Result>(
    jobId: string,
    value: unknown,
    change: (job: DebuggedJob) => Result,
  ) => {
    checkValue(value);
    const job = require(jobId);
    // It may be in its last checkpoint already.
    if (job.debugger.isDetached) throw new EngineClosedError();
    const result = change(job);
    await save(jobId);
    return result;
  };
  return {
    async read(jobId) {
      const found = find(jobId);
      return found === 'IDLE' ? IDLE : found?.read();
    },
    async setBreakpoints(jobId, breakpoints) {
      require(jobId).debugger.setBreakpoints(breakpoints);
    },
    async continue(jobId, step) {
      require(jobId).debugger.continue(step);
    },
    readItems: async (jobId, of, range) => require(jobId).items.read(of, range),
    readItem: async (jobId, itemId) => require(jobId).items.readOne(itemId),
    readScopes: async (jobId, where) => require(jobId).variables.readScopes(where),
    readVariable: async (jobId, query) => require(jobId).variables.read(query),
    readChildren: async (jobId, query, range) =>
      require(jobId).variables.readChildren(query, range),
    setVariable: (jobId, query, value) =>
      edit(jobId, value, ({ variables }) => variables.set(query, value)),
    replaceItem: (jobId, itemId, value) =>
      edit(jobId, value, ({ items }) => items.replace(itemId, value)),
    dropItem: (jobId, itemId) => edit(jobId, undefined, ({ items }) => items.drop(itemId)),
    injectItem: (jobId, slot, value, isFirst) =>
      edit(jobId, value, ({ items }) => items.inject(slot, value, isFirst)),
    async evaluate(jobId, expression, where) {
      const job = require(jobId);
      if (evaluations >= MOST_EVALUATIONS) throw new TooManyEvaluationsError();
      evaluations++;
      try {
        return await job.evaluate(expression, where);
      } finally {
        evaluations--;
      }
    },
    complete: async (jobId, text, position, where) =>
      require(jobId).complete(text, position, where),
  };
}
