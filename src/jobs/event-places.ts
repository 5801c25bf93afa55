import type { CursorNames } from './event-cursor.ts';

/** Events that were told and can't be read any more: those after `from` and up to `to`. */
export interface Hole {
  readonly from: number;
  readonly to: number;
  /** How many they are; `undefined` when that can't be known. */
  readonly lostCount: number | undefined;
}

/** One run of the server on a database, which named its events by an epoch of its own. */
export interface EventRun {
  /** From 1, in the order they began. */
  readonly number: number;
  readonly epoch: string;
  /** What its cursors are written with; `undefined` for a run from before there were tenants. */
  readonly cursorKey: string | undefined;
  /** Place of the first event that it told, or would have. */
  readonly firstSequence: number;
  /** Place of the last one; `undefined` while it runs, and when it ended with events that were not stored. */
  readonly lastSequence: number | undefined;
  /** Events up to this one were removed, because they were too many. */
  readonly removedTo: number;
  /** Pairs `[from, to]`, as in `Hole`. */
  readonly holes: readonly (readonly [number, number])[];
  /** Whether it, or a run before, told events of another tenant than those who belong to none. */
  readonly isShared: boolean;
}

/** What a cursor of some run means now. */
export interface LocatedCursor {
  readonly place: number;
  /** Whether nothing was told between what the cursor names and `place`. */
  readonly isCertain: boolean;
}

/** The run that follows those there were. `newestStored` is the place of the newest event that is stored, 0 for none. */
export function nextRun(
  runs: readonly EventRun[],
  newestStored: number,
  { epoch, cursorKey }: CursorNames,
): EventRun {
  const last = runs.at(-1);
  const removedTo = Math.max(0, ...runs.map((run) => run.removedTo));
  const holesTo = Math.max(0, ...runs.flatMap(({ holes }) => holes.map(([, to]) => to)));
  const known = Math.max(newestStored, removedTo, holesTo, (last?.firstSequence ?? 1) - 1);
  // What a run that was killed told, and was not stored, has the one place that is left out.
  const wasKilled = last !== undefined && last.lastSequence === undefined;
  const before = wasKilled ? known + 1 : Math.max(known, last?.lastSequence ?? 0);
  return {
    number: (last?.number ?? 0) + 1,
    epoch,
    cursorKey,
    firstSequence: before + 1,
    lastSequence: undefined,
    removedTo,
    holes: [],
    isShared: last?.isShared ?? false,
  };
}

/**
 * What is known of the places in the order of events: which of them hold nothing any more, and what the cursors of this
 * run and of those before it mean.
 */
export class EventPlaces {
  readonly #runs: readonly EventRun[];
  /** In order. Those that touch are one, unless it is not known how much is missing. */
  #holes: Hole[] = [];
  #removedTo: number;

  /** Takes all runs that are known, the last of which is this one. */
  constructor(runs: readonly EventRun[]) {
    this.#runs = runs;
    this.#removedTo = runs.at(-1)?.removedTo ?? 0;
    for (const [at, { lastSequence, holes }] of runs.entries()) {
      for (const [from, to] of holes) this.noteHole(from, to);
      const next = runs[at + 1];
      if (next === undefined || lastSequence !== undefined) continue;
      const to = next.firstSequence - 1;
      this.#holes.push({ from: to - 1, to, lostCount: undefined });
    }
  }

  /** Events up to this one were removed, because they were too many. */
  get removedTo(): number {
    return this.#removedTo;
  }

  /** The holes of this run. */
  get ownHoles(): EventRun['holes'] {
    const first = this.#runs.at(-1)?.firstSequence ?? 1;
    const own = this.#holes.filter(({ to }) => to >= first);
    // It may go on from one of the run before.
    return own.map(({ from, to }) => [Math.max(from, first - 1), to]);
  }

  /** Events after a place and up to another could not be stored. */
  noteHole(from: number, to: number): void {
    const holes = [...this.#holes, { from, to, lostCount: to - from }];
    this.#holes = [];
    for (const hole of holes.sort((a, b) => a.from - b.from)) {
      const last = this.#holes.at(-1);
      const isNext = last?.to === hole.from && last.lostCount !== undefined;
      if (!isNext || hole.lostCount === undefined) this.#holes.push(hole);
      else this.#holes[this.#holes.length - 1] = joined(last, hole);
    }
  }

  noteRemoved(upTo: number): void {
    if (upTo <= this.#removedTo) return;
    this.#removedTo = upTo;
    this.#holes = this.#holes.filter(({ to }) => to > upTo);
  }

  /** What is missing of the events after a place and up to another, in order. */
  missingBetween(after: number, upTo: number): readonly Hole[] {
    return this.#holes
      .filter(({ from, to }) => to > after && from < upTo)
      .map(({ from, to, lostCount }) => cut({ from, to, lostCount }, after, upTo));
  }

  /** How many events were told after a place and up to another; `undefined` when that can't be known. */
  countBetween(after: number, upTo: number): number | undefined {
    // A run that was killed may have told more than is known of.
    const isUnknown = this.#runs.some(({ lastSequence }, at) => {
      const next = this.#runs[at + 1];
      if (next === undefined || lastSequence !== undefined) return false;
      return next.firstSequence - 1 > after && next.firstSequence - 1 <= upTo;
    });
    return isUnknown ? undefined : upTo - after;
  }

  /** The run of an epoch; `undefined` when it is not known. */
  findRun(epoch: string): EventRun | undefined {
    return this.#runs.find((run) => run.epoch === epoch);
  }

  /** What a cursor of a known run means that names a place. `newest` is the newest place. */
  locate(run: EventRun, sequence: number, newest: number): LocatedCursor {
    const at = this.#runs.indexOf(run);
    const end = (this.#runs[at + 1]?.firstSequence ?? newest + 1) - 1;
    const wasKilled = this.#runs[at + 1] !== undefined && run.lastSequence === undefined;
    const isCertain = sequence <= (wasKilled ? end - 1 : end);
    return { place: isCertain ? sequence : end, isCertain };
  }
}

/** The part of a hole between two places. */
function cut({ from, to, lostCount }: Hole, after: number, upTo: number): Hole {
  const [begin, end] = [Math.max(from, after), Math.min(to, upTo)];
  return { from: begin, to: end, lostCount: lostCount === undefined ? undefined : end - begin };
}

function joined({ from }: Hole, { to }: Hole): Hole {
  return { from, to, lostCount: to - from };
}
