import type { DebugHost, Evaluation, Where } from '../debugger/debug-host.ts';
import { TooManyEvaluationsError } from '../debugger/local-debug-host.ts';
import { DomainError } from '../lib/domain-error.ts';
import { createTurns } from '../lib/turns.ts';
import { EvaluationOffError } from './debug-errors.ts';
import type { Watch } from './debug-session.ts';
import type { SessionBook } from './session-book.ts';

/** What a watch came to at the present stop. */
export interface WatchReading {
  readonly watch: Watch;
  /** `undefined` when it could not be worked out. */
  readonly evaluation: Pick<Evaluation, 'type' | 'preview'> | undefined;
  /** Why it could not. */
  readonly problem: string | undefined;
}

export interface WatchBoardDeps {
  readonly host: Pick<DebugHost, 'read' | 'evaluate'>;
  readonly sessions: SessionBook;
  readonly isEvaluationOn: boolean;
}

/**
 * What watches come to. They are worked out once a stop, for all who read them: when that is first asked for, one after
 * another in the whole server, in the activation that stopped the job. So reading them never takes more than one of the
 * places that there are for evaluations.
 */
export interface WatchBoard {
  /** At the present stop, in the order the watches were added. Empty without a stop. */
  read(jobId: string): Promise<readonly WatchReading[]>;
  /** What was worked out may be something else now: it is worked out anew when it is asked for next. */
  forget(jobId: string): void;
}

/** The watches of a job at one stop. */
interface Entry {
  readonly watches: readonly Watch[];
  /** Which stop it is, and where in the job. */
  readonly place: string;
  readonly readings: Promise<readonly WatchReading[]>;
}

export function createWatchBoard({ host, sessions, isEvaluationOn }: WatchBoardDeps): WatchBoard {
  const entries = new Map<string, Entry>();
  const turns = createTurns();

  const evaluate = async (jobId: string, watch: Watch, where: Where) => {
    if (!isEvaluationOn) throw new EvaluationOffError();
    const { type, preview } = await host.evaluate(jobId, watch.expression, where);
    return { type, preview };
  };

  /** @param isStale whether somebody may have to be told something else by now */
  const workOut = async (
    jobId: string,
    watches: readonly Watch[],
    where: Where,
    isStale: () => boolean,
  ): Promise<readonly WatchReading[]> => {
    const readings: WatchReading[] = [];
    let isIncomplete = false;
    for (const watch of watches) {
      try {
        const evaluation = await turns.take('watch', async () =>
          isStale() ? undefined : evaluate(jobId, watch, where),
        );
        if (isStale()) return read(jobId);
        readings.push({ watch, evaluation, problem: undefined });
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        if (error instanceof TooManyEvaluationsError) isIncomplete = true;
        readings.push({ watch, evaluation: undefined, problem: error.message });
      }
    }
    if (isStale()) return read(jobId);
    if (isIncomplete) entries.delete(jobId); // there may be room the next time
    return readings;
  };

  const read = async (jobId: string): Promise<readonly WatchReading[]> => {
    const { stop, frames = [] } = (isWatched(jobId) ? await host.read(jobId) : undefined) ?? {};
    const { watches = [] } = sessions.get(jobId) ?? {};
    if (stop === undefined) {
      entries.delete(jobId);
      return [];
    }
    const where = { activationId: frames[0]?.activationId, routineId: stop.queue?.routineId };
    const place = JSON.stringify([stop.number, where]);
    const known = entries.get(jobId);
    if (known?.place === place && known.watches === watches) return known.readings;
    // Begun a moment later, when the entry is there to be compared with.
    const isStale = () => entries.get(jobId) !== entry;
    const readings = Promise.resolve().then(() => workOut(jobId, watches, where, isStale));
    const entry: Entry = { watches, place, readings };
    entries.set(jobId, entry);
    readings.catch(() => {
      if (!isStale()) entries.delete(jobId);
    });
    return readings;
  };

  const isWatched = (jobId: string) => (sessions.get(jobId)?.watches.length ?? 0) > 0;

  return { read, forget: (jobId) => void entries.delete(jobId) };
}
