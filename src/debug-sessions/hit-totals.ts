import type { BreakpointProgress } from '../debugger/breakpoint.ts';
import type { BreakpointBook } from './breakpoint-book.ts';
import type { BreakpointStore } from './breakpoint-store.ts';
import type { BreakpointHits, KeptBreakpoint } from './kept-breakpoint.ts';

export interface HitTotalsDeps {
  readonly book: BreakpointBook;
  readonly store: BreakpointStore;
  /** Told of what could not be stored. */
  readonly onFailure: (error: unknown) => void;
}

type Progress = Readonly<Record<string, BreakpointProgress>>;

/** Sums up what becomes of breakpoints in all jobs. The totals are stored soon, those of the same moment together. */
export interface HitTotals {
  /** Adds what became of the breakpoints of a job since it was noted last. */
  note(jobId: string, before: Progress, now: Progress): void;
  /** Is kept when what was noted so far is stored, or was tried to be. */
  flush(): Promise<void>;
}

export function createHitTotals({ book, store, onFailure }: HitTotalsDeps): HitTotals {
  /** As they are to be stored. */
  const changed = new Map<string, BreakpointHits>();
  let writing: Promise<void> | undefined;

  const write = async () => {
    while (changed.size > 0) {
      const hits = [...changed.values()];
      changed.clear();
      try {
        await store.noteHits(hits);
      } catch (error) {
        // To be stored with what is noted next, unless there is newer.
        for (const each of hits) if (!changed.has(each.id)) changed.set(each.id, each);
        onFailure(error);
        return;
      }
    }
  };

  const flush = () => {
    writing ??= Promise.resolve()
      .then(write)
      .finally(() => {
        writing = undefined;
      });
    return writing;
  };

  return {
    note(jobId, before, now) {
      for (const [id, progress] of Object.entries(now)) {
        const breakpoint = book.get(id);
        if (breakpoint === undefined) continue;
        const known = before[id];
        const more = Math.max(0, progress.hitCount - (known?.hitCount ?? 0));
        if (more === 0 && progress.lastError === known?.lastError) continue;
        const { lastHitAt, lastHitActivationId, lastError } = progress;
        const last = more === 0 ? {} : { lastHitAt, lastHitActivationId, lastHitJobId: jobId };
        const hitCount = breakpoint.hitCount + more;
        const counted = { ...breakpoint, ...last, hitCount, lastError };
        book.put(counted);
        changed.set(id, toHits(counted));
      }
      if (changed.size > 0) void flush();
    },
    flush,
  };
}

function toHits(kept: KeptBreakpoint): BreakpointHits {
  const { id, hitCount, lastHitAt, lastHitJobId, lastHitActivationId, lastError } = kept;
  return { id, hitCount, lastHitAt, lastHitJobId, lastHitActivationId, lastError };
}
