import { createHash } from 'node:crypto';
import { DevalueError, parse, stringify } from 'devalue';
import type { JobSnapshot } from '../engine/index.ts';
import { DomainError, messageOf } from '../lib/domain-error.ts';
import type { MonitorSnapshot } from '../monitoring/job-monitor.ts';

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
const FORMAT = 1;

/** Longer ones would keep the event loop for too long, in characters. */
const LONGEST = 32 * 1024 * 1024;

/** What devalue does not write by itself. */
const REDUCERS = {
  Buffer: (value: unknown) => Buffer.isBuffer(value) && value.toString('base64'),
  Error: (value: unknown) =>
    value instanceof Error && {
      name: value.name,
      message: value.message,
      stack: value.stack,
      facts: { ...value },
    },
};

const REVIVERS = {
  Buffer: (text: string) => Buffer.from(text, 'base64'),
  Error: ({ name, message, stack, facts }: Error & { facts: object }) => {
    const error = Object.assign(new Error(message), facts);
    Object.defineProperties(error, {
      name: { value: name, configurable: true, writable: true },
      stack: { value: stack, configurable: true, writable: true },
    });
    return error;
  },
};

/**
 * Writes a job down. Values are what devalue can write: JSON, and besides that `undefined`, dates, maps, sets, big
 * integers, typed arrays, errors, cycles. With a value that is none of these (a function, an instance of a class) the
 * checkpoint has a `problem` in place of data.
 */
export function writeCheckpoint(
  job: JobSnapshot,
  monitor: MonitorSnapshot,
  isFinal: boolean,
): Checkpoint {
  const { takenAt } = job;
  const failed = (problem: string) => {
    const outcome = 'If the server is killed, the job begins again from its start.';
    return {
      takenAt,
      isFinal,
      data: undefined,
      hash: undefined,
      problem: `${problem} ${outcome}`,
    };
  };
  try {
    const data = stringify({ format: FORMAT, job, monitor }, REDUCERS);
    if (data.length > LONGEST) {
      return failed(`It holds more than ${LONGEST / 1024 / 1024} MiB, which is too much to store.`);
    }
    return { takenAt, isFinal, data, hash: hashOf(data), problem: undefined };
  } catch (error) {
    // Getters and proxies among the values may throw anything.
    const place = error instanceof DevalueError ? describePlace(job, error.path) : 'A value in it';
    return failed(`${place} can't be written down: ${messageOf(error)}.`);
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
    const { format, job, monitor } = parse(data, REVIVERS);
    if (format === FORMAT) return { job, monitor };
  } catch (error) {
    throw new CheckpointError(`The checkpoint can't be read: ${messageOf(error)}`);
  }
  throw new CheckpointError('The checkpoint was written by another version of Millrace.');
}

function hashOf(data: string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Names what is at a path of a snapshot: `.job.routines[2].slots[0].items[3].value.when`. */
function describePlace(job: JobSnapshot, path: string): string {
  const [, part = '', at = '', rest = ''] = /^\.job\.(\w+)(?:\[(\d+)\])?(.*)$/.exec(path) ?? [];
  const index = Number(at);
  if (part === 'input') return "The job's input";
  if (part === 'data') return `Shared data "${job.data[index]?.[0]}"`;
  if (part === 'outputs') return `A value of output "${job.outputs[index]?.name}"`;
  if (part === 'activations')
    return `An item that "${job.activations[index]?.routineId}" has taken`;
  const routine = job.routines[index];
  if (part !== 'routines' || routine === undefined) return 'A value in it';
  const slot = /^\.slots\[(\d+)\]/.exec(rest)?.[1];
  if (slot === undefined) return `The state of routine "${routine.id}"`;
  return `An item in slot "${routine.id}.${routine.slots[Number(slot)]?.name}"`;
}
