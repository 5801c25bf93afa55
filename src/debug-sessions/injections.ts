import { createHash } from 'node:crypto';
import { KeyConflictError } from './debug-errors.ts';

/** Remembers, for each job, what was put in it at its present stop under an idempotency key. */
export interface Injections<Result> {
  /**
   * Puts something in, or answers what was put in under the same key before. Not to be called twice at once for a job.
   * @param wanted what is put in: plain JSON
   * @throws KeyConflictError when something else was
   */
  once(
    at: { readonly jobId: string; readonly stopNumber: number; readonly key: string },
    wanted: unknown,
    inject: () => Promise<Result>,
  ): Promise<Result>;
  forget(jobId: string): void;
}

interface Done<Result> {
  readonly digest: string;
  readonly result: Result;
}

export function createInjections<Result extends { readonly itemId: string }>(): Injections<Result> {
  const stops = new Map<string, { stopNumber: number; byKey: Map<string, Done<Result>> }>();
  return {
    async once({ jobId, stopNumber, key }, wanted, inject) {
      let stop = stops.get(jobId);
      if (stop?.stopNumber !== stopNumber) stop = { stopNumber, byKey: new Map() };
      stops.set(jobId, stop);
      const digest = createHash('sha256').update(JSON.stringify(wanted)).digest('base64');
      const done = stop.byKey.get(key);
      if (done === undefined) {
        const result = await inject();
        stop.byKey.set(key, { digest, result });
        return result;
      }
      if (done.digest === digest) return done.result;
      throw new KeyConflictError(key, `item ${done.result.itemId}, which is another`);
    },
    forget: (jobId) => void stops.delete(jobId),
  };
}
