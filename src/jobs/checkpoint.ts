import { createHash } from 'node:crypto';
import { DevalueError } from 'devalue';
import type { JobSnapshot } from '../engine/index.ts';
import { DomainError, messageOf } from '../lib/domain-error.ts';
import type { MonitorSnapshot } from '../monitoring/job-monitor.ts';
import { readValues, TooLargeError, ValueWriter, type WrittenValues } from './checkpoint-values.ts';
import { mapSnapshotValues } from './snapshot-values.ts';

/** A job that has not ended, as it was at one moment, so that it can go on from there in another process. */
export interface Checkpoint {
  /** Milliseconds since the Unix epoch. */
  readonly takenAt: number;
  /** Text of it; `undefined` when it could not be written down. */
  readonly data: string | undefined;
  /** SHA-256 of `data`, in hexadecimal. */
  readonly hash: string | undefined;
  /** Why it could not be written down, and what that means. */
  readonly problem: string | undefined;
  /** Whether nothing happened in the job afterwards, since its process was on its way out. */
  readonly isFinal: boolean;
}

/** A checkpoint that is stored can't be used. */
export class CheckpointError extends DomainError {
  readonly code = 'CHECKPOINT_UNUSABLE';
}

/** What is in the text of a checkpoint. To be raised with every change that older programs would misread. */
const FORMAT = 2;

/** What can be read: 1 knows nothing of activations that were held, or parked, before their code. */
const READABLE: readonly number[] = [1, FORMAT];

/** The longest text, in characters: as many are written to the database and read from it at once. */
const LONGEST = 16 * 1024 * 1024;

/** The text of a checkpoint, which is JSON. */
interface CheckpointText {
  readonly format: number;
  /** With the number of a value wherever the flow has one. */
  readonly job: JobSnapshot;
  readonly monitor: MonitorSnapshot;
  readonly values: WrittenValues;
}

/**
 * Writes a job down. Values are what devalue can write: JSON, and besides that `undefined`, dates, maps, sets, big
 * integers, typed arrays, errors, cycles. With a value that is none of these (a function, an instance of a class), and
 * as soon as the values are seen to be too large together, the checkpoint has a `problem` in place of data.
 *
 * An object that stands in two places, say in two slots, stays one object; a part that two values share does not.
 */
export function writeCheckpoint(
  job: JobSnapshot,
  monitor: MonitorSnapshot,
  isFinal: boolean,
): Checkpoint {
  const { takenAt } = job;
  const failed = (problem: string): Checkpoint => {
    const outcome = 'If the server is killed, the job begins again from its start.';
    const text = `${problem} ${outcome}`;
    return { takenAt, isFinal, data: undefined, hash: undefined, problem: text };
  };
  const writer = new ValueWriter();
  let nameOfPlace = () => 'A value in it';
  try {
    const numbered = mapSnapshotValues(job, (value, place) => {
      nameOfPlace = place;
      return writer.put(value);
    });
    nameOfPlace = () => 'It';
    const values = writer.written;
    const text: CheckpointText = { format: FORMAT, job: numbered, monitor, values };
    const data = JSON.stringify(text);
    if (data.length > LONGEST) return failed(tooLarge(`${LONGEST / 1024 / 1024} MiB`));
    return { takenAt, isFinal, data, hash: hashOf(data), problem: undefined };
  } catch (error) {
    if (error instanceof TooLargeError) return failed(tooLarge(error.message));
    // Getters and proxies among the values may throw anything.
    const path = error instanceof DevalueError && error.path !== '' ? `, at ${error.path},` : '';
    return failed(`${nameOfPlace()}${path} can't be written down: ${messageOf(error)}.`);
  }
}

/** @throws CheckpointError when it is damaged or of another format */
export function readCheckpoint({ data, hash, problem }: Checkpoint): {
  readonly job: JobSnapshot;
  readonly monitor: MonitorSnapshot;
} {
  if (data === undefined) throw new CheckpointError(problem ?? 'There is no checkpoint.');
  if (hashOf(data) !== hash) {
    throw new CheckpointError('The checkpoint is damaged: its content does not fit its hash.');
  }
  try {
    const { format, job, monitor, values }: CheckpointText = JSON.parse(data);
    if (READABLE.includes(format)) {
      const read = readValues(values);
      return { job: mapSnapshotValues(job, (number) => read(number as number)), monitor };
    }
  } catch (error) {
    throw new CheckpointError(`The checkpoint can't be read: ${messageOf(error)}`);
  }
  throw new CheckpointError('The checkpoint was written by another version of Millrace.');
}

function tooLarge(what: string): string {
  return `It holds more than ${what}, which is too much to store.`;
}

function hashOf(data: string): string {
  return createHash('sha256').update(data).digest('hex');
}
