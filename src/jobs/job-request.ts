import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { DebugRequest } from '../debugger/debug-request.ts';
import { checkInput, type Flow, InvalidInputError } from '../engine/index.ts';
import { type Issue, messageOf, ValidationError } from '../lib/domain-error.ts';
import { jsonDepth } from '../lib/json-size.ts';
import type { Job } from './job.ts';

export interface StartJobRequest {
  readonly flowId: string;
  readonly input: unknown;
  /** An object of at most 64 KiB as JSON. */
  readonly metadata?: unknown;
  readonly owner?: string | undefined;
  readonly priority?: number | undefined;
  readonly idempotencyKey?: string | undefined;
  /** How it is debugged. Only counts for the job that is made, not where a known key answers another. */
  readonly debug?: DebugRequest | undefined;
}

const LARGEST_METADATA = 64 * 1024;
const DEEPEST_INPUT = 100;

/** What is asked of a request besides its input, which its flow knows about. */
const requestSchema = z.object({
  metadata: z
    .record(z.string(), z.unknown())
    .default({})
    .refine((metadata) => Buffer.byteLength(JSON.stringify(metadata)) <= LARGEST_METADATA, {
      message: `Must be at most ${LARGEST_METADATA} bytes as JSON.`,
    }),
  owner: z.string().min(1).max(200).optional(),
  priority: z.int().min(-1000).max(1000).optional(),
  idempotencyKey: z.string().min(1).max(200).optional(),
});

/** What a job is made of, as it is stored: plain JSON. */
export interface CheckedRequest {
  readonly input: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * Takes a request's input and metadata as JSON, since a job has to be the same after they were stored.
 * @throws ValidationError with every fault of the request, of its input, and of how it is to be debugged
 */
export function checkRequest(
  flow: Flow,
  given: StartJobRequest,
  checkDebug: (flow: Flow, debug: DebugRequest) => readonly Issue[],
): CheckedRequest {
  const request = {
    ...given,
    input: throughJson(given.input, 'input'),
    metadata: throughJson(given.metadata, 'metadata'),
  };
  const checked = requestSchema.safeParse(request);
  const issues: Issue[] = (checked.error?.issues ?? []).map(({ path, message }) => ({
    path: ['input', ...path.map(String)],
    message,
  }));
  try {
    checkInput(flow, request.input);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    // The job's input is the field `input` of the request, which is itself the argument `input`.
    for (const { path, message } of error.issues) {
      issues.push({ path: ['input', 'input', ...path], message });
    }
  }
  if (jsonDepth(request.input) > DEEPEST_INPUT) {
    const message = `Is nested more than ${DEEPEST_INPUT} levels deep.`;
    issues.push({ path: ['input', 'input'], message });
  }
  if (given.debug !== undefined) issues.push(...checkDebug(flow, given.debug));
  if (!checked.success || issues.length > 0) throw new ValidationError(issues);
  return { input: request.input, metadata: checked.data.metadata };
}

/** The value as it is when it was written as JSON and read again. @throws ValidationError when it can't be */
function throughJson(value: unknown, name: string): unknown {
  try {
    const text = JSON.stringify(value);
    return text === undefined ? undefined : JSON.parse(text);
  } catch (error) {
    const message = `Can't be written as JSON: ${messageOf(error)}`;
    throw new ValidationError([{ path: ['input', name], message }]);
  }
}

/** Whether a request is the one that a job was made for. */
export function isSameRequest(job: Job, request: StartJobRequest): boolean {
  const input = throughJson(request.input, 'input');
  return job.flowId === request.flowId && isDeepStrictEqual(job.input, input);
}
