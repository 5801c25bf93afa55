import { type BackOff, backOffDelayMs } from '../lib/back-off.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/domain-error.ts';
import { isKeptWithin } from '../lib/within.ts';
import { UncertainCommitError, type Unit, type UnitOutcome, type WriteLane } from './backend.ts';
import { StorageUnavailableError, type WriteResult } from './database.ts';
import type { StorageHealth } from './storage-health.ts';

/** The parts that writes go through. */
export interface GroupCommitParts {
  readonly lane: WriteLane;
  readonly health: StorageHealth;
  readonly clock: Clock;
  /** Why the database can't be used now; `undefined` for an error that is the statement's own. */
  readonly explain: (error: unknown) => string | undefined;
  /** Finds out whether the database can be used, while there is nothing to write. */
  readonly probe: () => Promise<void>;
  /** With more characters than this in the units that wait, those with a deadline are refused. Default 32,000,000. */
  readonly maxWaitingCharacters?: number;
}

interface Entry {
  readonly unit: Unit;
  readonly characters: number;
  /** Settling twice does no harm: the first counts. */
  readonly resolve: (results: readonly WriteResult[]) => void;
  readonly reject: (error: unknown) => void;
  readonly cancelDeadline: () => void;
  /** It is being committed, or no answer came when it was: true for good then. */
  mayBeStored: boolean;
}

/** A group holds up nobody for long, and is held in memory twice while it is handed over. */
const MAX_GROUP_UNITS = 256;
const MAX_GROUP_CHARACTERS = 8_000_000;
const MAX_WAITING_CHARACTERS = 32_000_000;

const BACK_OFF: BackOff = { delayMs: 50, backoff: 'exponential', maxDelayMs: 2_000, jitter: 0.3 };

/**
 * Turns units of work into few commits.
 *
 * A unit waits in `#waiting`, in the order it was asked for, until it is settled: its group was committed, it was found
 * to be at fault itself, or its deadline is over. One loop works as long as something waits or the database is not
 * ready. It takes units from the front as a group and hands them to the lane; units asked for meanwhile make the next
 * group. A group that fails
 * - because the database can't be used: waits with back-off, and is then made again from the front;
 * - because of a unit: is run again at once, each unit by itself within the one transaction, so that only the faulty
 *   ones fail.
 */
export class GroupCommit {
  readonly #parts: GroupCommitParts;
  /** In order; a unit is in it until it is settled, the group under way included. */
  readonly #waiting = new Set<Entry>();
  /** Those of `#waiting`, together. */
  #waitingCharacters = 0;
  #loop: Promise<void> | undefined;
  #state: 'open' | 'closing' | 'closed' = 'open';
  /** Ends the wait between two tries. */
  #endWait: (() => void) | undefined;

  constructor(parts: GroupCommitParts) {
    this.#parts = parts;
    parts.health.onChange(({ isReady }) => {
      if (!isReady) this.#start();
    });
  }

  /** See `Database.write`. */
  write(unit: Unit, deadlineMs: number | undefined): Promise<readonly WriteResult[]> {
    const { clock, maxWaitingCharacters = MAX_WAITING_CHARACTERS } = this.#parts;
    return new Promise((resolve, reject) => {
      if (this.#state !== 'open') {
        reject(new StorageUnavailableError('The database is closed.'));
        return;
      }
      if (deadlineMs !== undefined && this.#waitingCharacters > maxWaitingCharacters) {
        reject(this.#refuse('Too many changes wait for the database. Try again later.'));
        return;
      }
      const cancelDeadline =
        deadlineMs === undefined
          ? () => undefined
          : clock.setTimer(deadlineMs, () => this.#giveUp(entry, `${deadlineMs} ms are over.`));
      const characters = sizeOf(unit);
      const entry: Entry = {
        unit,
        characters,
        resolve,
        reject,
        cancelDeadline,
        mayBeStored: false,
      };
      this.#waiting.add(entry);
      this.#waitingCharacters += characters;
      this.#start();
    });
  }

  /** Takes no more, and is kept when all is settled or the limit, in milliseconds, is over; then it gives up. */
  async close(limitMs: number): Promise<void> {
    if (this.#state === 'open') this.#state = 'closing';
    if (this.#waiting.size === 0) this.#endWait?.();
    await isKeptWithin(this.#rest(), limitMs, this.#parts.clock);
    this.#state = 'closed';
    this.#endWait?.();
    for (const entry of this.#waiting) this.#giveUp(entry, 'The database was closed.');
  }

  #giveUp(entry: Entry, reason: string): void {
    this.#remove(entry);
    entry.reject(this.#refuse(reason, entry.mayBeStored));
  }

  #refuse(reason: string, mayBeStored = false): StorageUnavailableError {
    const { problem } = this.#parts.health.status;
    const what = `The change ${mayBeStored ? 'may have been' : 'was not'} stored: ${reason}`;
    const message = problem === undefined ? what : `${what} ${problem}`;
    return new StorageUnavailableError(message, { mayBeStored });
  }

  /** One that was given up while its group was under way is removed again when the group is settled. */
  #remove(entry: Entry): void {
    if (this.#waiting.delete(entry)) this.#waitingCharacters -= entry.characters;
    entry.cancelDeadline();
  }

  /** Is kept when the loop has ended. One that ends while something comes in is followed by another. */
  async #rest(): Promise<void> {
    while (this.#loop !== undefined) await this.#loop;
  }

  get #hasWork(): boolean {
    if (this.#state === 'closed') return false;
    const isReady = this.#parts.health.status.isReady;
    return this.#waiting.size > 0 || (!isReady && this.#state === 'open');
  }

  #start(): void {
    this.#loop ??= this.#work().finally(() => {
      this.#loop = undefined;
      if (this.#hasWork) this.#start();
    });
  }

  async #work(): Promise<void> {
    const { health, explain, probe, lane } = this.#parts;
    // What is asked for in the same turn goes together.
    await Promise.resolve();
    let tries = 0;
    while (this.#hasWork) {
      try {
        if (this.#waiting.size > 0) {
          await lane.ready();
          // Those whose deadline is over by now are in no group, so they are certainly not stored.
          await this.#commit(this.#nextGroup());
        } else await probe();
        health.pass();
        tries = 0;
      } catch (error) {
        health.fail(explain(error) ?? messageOf(error));
        tries += 1;
        if (this.#hasWork) await this.#wait(backOffDelayMs(BACK_OFF, tries));
      }
    }
  }

  #nextGroup(): readonly Entry[] {
    const group: Entry[] = [];
    let characters = 0;
    for (const entry of this.#waiting) {
      characters += entry.characters;
      if (group.length > 0 && characters > MAX_GROUP_CHARACTERS) break;
      group.push(entry);
      if (group.length === MAX_GROUP_UNITS) break;
    }
    return group;
  }

  /** @throws when the database can't be used now; the group still waits then */
  async #commit(group: readonly Entry[]): Promise<void> {
    if (group.length === 0) return;
    let outcomes: readonly UnitOutcome[];
    try {
      outcomes = await this.#handOver(group, false);
    } catch (error) {
      if (this.#parts.explain(error) !== undefined) throw error;
      outcomes = group.length === 1 ? [{ error }] : await this.#commitApart(group);
    }
    group.forEach((entry, at) => {
      this.#remove(entry);
      const outcome = outcomes[at];
      if (outcome?.results !== undefined) entry.resolve(outcome.results);
      else entry.reject(outcome?.error);
    });
  }

  async #commitApart(group: readonly Entry[]): Promise<readonly UnitOutcome[]> {
    try {
      return await this.#handOver(group, true);
    } catch (error) {
      if (this.#parts.explain(error) !== undefined) throw error;
      return group.map(() => ({ error }));
    }
  }

  async #handOver(group: readonly Entry[], isIsolated: boolean): Promise<readonly UnitOutcome[]> {
    const certain = group.filter(({ mayBeStored }) => !mayBeStored);
    for (const entry of certain) entry.mayBeStored = true;
    try {
      const units = group.map(({ unit }) => unit);
      return await this.#parts.lane.commit(units, isIsolated);
    } catch (error) {
      if (!(error instanceof UncertainCommitError)) {
        for (const entry of certain) entry.mayBeStored = false;
      }
      throw error;
    }
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.clock.setTimer(delayMs, () => this.#endWait?.());
      this.#endWait = () => {
        this.#endWait = undefined;
        cancel();
        resolve();
      };
    });
  }
}

function sizeOf(unit: Unit): number {
  let characters = 0;
  for (const { parameters } of unit) {
    for (const value of parameters) characters += typeof value === 'string' ? value.length : 8;
  }
  return characters;
}
