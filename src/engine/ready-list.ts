import { Deque } from '../lib/deque.ts';
import type { RoutineRun } from './routine-run.ts';

/** The routines of a job that may be able to run, in the order in which they get their turn. */
export class ReadyList {
  readonly #routines = new Deque<RoutineRun>();
  readonly #requestWork: () => void;
  /** The list is being worked off, or that was asked for: what comes on it needs no request of its own. */
  #isAttended = false;

  /** @param requestWork asks for the list to be worked off, soon */
  constructor(requestWork: () => void) {
    this.#requestWork = requestWork;
  }

  /** Something changed for a routine: it gets a turn, unless it is on the list or runs all it may run already. */
  wake(routine: RoutineRun): void {
    if (routine.isReady || routine.running >= routine.definition.concurrency) return;
    routine.isReady = true;
    this.#routines.push(routine);
    this.requestWork();
  }

  /** Asks for work also where no routine was woken: only the work finds out that nothing can move any more. */
  requestWork(): void {
    if (this.#isAttended) return;
    this.#isAttended = true;
    this.#requestWork();
  }

  /** Whoever works the list off says when that begins and ends. */
  beginWork(): void {
    this.#isAttended = true;
  }

  endWork(): void {
    this.#isAttended = false;
  }

  /** Takes the routine whose turn it is. */
  next(): RoutineRun | undefined {
    const routine = this.#routines.shift();
    if (routine !== undefined) routine.isReady = false;
    return routine;
  }

  clear(): void {
    for (const routine of this.#routines.drain()) routine.isReady = false;
  }
}
