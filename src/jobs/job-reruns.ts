import type { FlowRoutine } from '../engine/index.ts';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import { NotFoundError, ValidationError } from '../lib/domain-error.ts';
import type { RecordedItems } from '../monitoring/readings.ts';
import { editItems, hashEdits, type ItemEdits } from './item-edits.ts';
import type { Job, JobOrigin } from './job.ts';
import type { JobHistory } from './job-history.ts';
import type { ActivationItems, HostedJob, JobHost } from './job-host.ts';
import type { JobStore } from './job-store.ts';
import { NotRecordedError } from './not-recorded-error.ts';
import { isRecord, readTrail } from './read-trail.ts';
import {
  MOST_RERUN_CHARACTERS,
  type RecordedItem,
  readItems,
  writeItems,
} from './recorded-items.ts';

/** Where a job begins that begins in the middle of another: a routine, and its items as text. */
export type Beginning = NonNullable<HostedJob['from']>;

/** A job that is to begin in the middle of another. */
export interface Rerun {
  readonly origin: Omit<JobOrigin, 'routineId'>;
  /**
   * Asked for when it is known that the job is new.
   * @throws NotFoundError, NotRecordedError, ValidationError
   */
  readonly readBeginning: () => Promise<Beginning>;
}

export interface JobRerunsDeps {
  readonly flows: FlowRegistry;
  readonly store: Pick<JobStore, 'readRerunItems'>;
  readonly host: Pick<JobHost, 'readItems' | 'readLinks'>;
  readonly history: Pick<JobHistory, 'readTrace' | 'readReadings'>;
}

/** Finds what jobs begin with that begin in the middle of others. */
export interface JobReruns {
  /** Runs an activation of a job again, in any state of the job. */
  from(job: Job, activationId: number, edits: ItemEdits): Rerun;
  /** Runs a job that began in the middle of another again; `undefined` for any other. */
  again(job: Job): Rerun | undefined;
}

export function createJobReruns(deps: JobRerunsDeps): JobReruns {
  const { flows, store, host, history } = deps;

  const findItems = async (jobId: string, activationId: number): Promise<ActivationItems> => {
    const live = await host.readItems(jobId, activationId);
    if (live !== undefined) return live;
    const { byId, activationCount } = await readTrail(jobId, host, history);
    if (activationId < 1 || activationId > activationCount) {
      const begun = activationCount === 0 ? 'none has begun yet' : `they are 1–${activationCount}`;
      throw new NotFoundError('Activation', String(activationId), `In job ${jobId} ${begun}.`);
    }
    const link = byId.get(activationId);
    if (link === undefined || !isRecord(link)) {
      throw new NotRecordedError(jobId, activationId, { kind: 'LEFT_TRACE' });
    }
    const recorded = link.recorded ?? { kind: 'OLD_RECORD' };
    if (recorded.kind === 'OLD_RECORD') throw new NotRecordedError(jobId, activationId, recorded);
    return { routineId: link.routineId, recorded };
  };

  const findRoutine = (flowId: string, routineId: string): FlowRoutine => {
    const { routines } = flows.require(flowId);
    const routine = routines.find(({ id }) => id === routineId);
    if (routine !== undefined) return routine;
    const known = routines.map(({ id }) => id).join(', ');
    throw new NotFoundError('Routine', routineId, `Flow "${flowId}" has: ${known}.`);
  };

  return {
    from: ({ id: jobId, flowId }, activationId, edits) => ({
      origin: { jobId, activationId, edits: hashEdits(edits) },
      async readBeginning() {
        const { routineId, recorded } = await findItems(jobId, activationId);
        const routine = findRoutine(flowId, routineId);
        const text = textOf(recorded, jobId, activationId);
        const items = editItems(readItems(text), edits, routine);
        const isEdited = hashEdits(edits) !== undefined;
        return { routineId, items: isEdited ? writeEdited(items) : text };
      },
    }),
    again(job) {
      const { id, rerunOf } = job;
      if (rerunOf === undefined) return undefined;
      const { jobId, activationId, edits } = rerunOf;
      return {
        origin: { jobId, activationId, edits },
        readBeginning: () => readBeginning({ id, rerunOf }, store),
      };
    },
  };
}

/** What a job that is stored begins with. */
export async function readBeginning(
  { id, rerunOf }: { readonly id: string; readonly rerunOf: JobOrigin },
  store: Pick<JobStore, 'readRerunItems'>,
): Promise<Beginning> {
  const items = await store.readRerunItems(id);
  if (items === undefined) throw new Error(`The items that job ${id} begins with are gone.`);
  return { routineId: rerunOf.routineId, items };
}

function textOf(recorded: RecordedItems, jobId: string, activationId: number): string {
  if (recorded.kind === 'KEPT') return recorded.text;
  const isThere = recorded.kind === 'IN_MEMORY'; // only records of a host are
  throw new NotRecordedError(jobId, activationId, isThere ? { kind: 'LEFT_TRACE' } : recorded);
}

/** The recorded ones could be written, so what is new is too large. */
function writeEdited(items: readonly RecordedItem[]): string {
  const written = writeItems(items, MOST_RERUN_CHARACTERS);
  if (written.kind === 'KEPT') return written.text;
  const most = MOST_RERUN_CHARACTERS.toLocaleString('en');
  const message = `With the edits the items have more than ${most} characters together. Give smaller values.`;
  throw new ValidationError([{ path: ['input'], message }]);
}
