import fc from 'fast-check';
import { isFinalState } from '../../src/engine/index.ts';
import type { Job } from '../../src/jobs/job.ts';
import { type JobPosition, type JobQuery, positionOf } from '../../src/jobs/job-query.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import type { JobReading } from '../../src/monitoring/readings.ts';

/** A job as the service makes it, except for what is given. */
export function makeJob(given: Partial<Job> & Pick<Job, 'id'>): Job {
  return {
    tenant: DEFAULT_TENANT,
    flowId: 'echo',
    state: 'PENDING',
    input: null,
    metadata: {},
    owner: undefined,
    priority: 0,
    idempotencyKey: undefined,
    retryOf: undefined,
    createdAt: 0,
    startedAt: undefined,
    finishedAt: undefined,
    cancelRequestedAt: undefined,
    error: undefined,
    unresponsiveRoutineIds: [],
    recovery: undefined,
    ...given,
  };
}

/** The reading of a job without routines. */
export function makeReading(jobId: string): JobReading {
  return { jobId, flowId: 'echo', at: 0, state: 'COMPLETED', isEnding: false, routines: [] };
}

const FLOWS = ['a', 'b', 'B-2'];
const OWNERS = ['ann', 'Ann', 'a\0b', '50%', 'under_score', 'back\\slash', 'Ünï"\ue000', '🦆'];
const STATES = ['PENDING', 'RUNNING', 'PAUSED', 'COMPLETED', 'FAILED', 'CANCELLED'] as const;
/** Few of them, so that many jobs share one; and the largest there are. */
const time = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 0, max: 6 }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.MAX_SAFE_INTEGER, 1_790_000_000_000) },
);
const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...OWNERS, 'NeeDle', ''));

/** Jobs with ids in no order, in all states. */
export const someJobs: fc.Arbitrary<Job[]> = fc
  .uniqueArray(fc.uuid({ version: 7 }), { minLength: 1, maxLength: 60 })
  .chain((ids) => fc.tuple(...ids.map(jobWith)));

function jobWith(id: string): fc.Arbitrary<Job> {
  return fc
    .record({
      flowId: fc.constantFrom(...FLOWS),
      state: fc.constantFrom(...STATES),
      owner: fc.option(fc.constantFrom(...OWNERS), { nil: undefined }),
      metadata: fc.dictionary(anyText, fc.oneof(anyText, fc.double(), fc.jsonValue())),
      createdAt: time,
      startedAt: fc.option(time, { nil: undefined }),
      finishedAt: time,
    })
    .map(({ finishedAt, metadata, ...rest }) =>
      makeJob({
        id,
        ...rest,
        metadata: JSON.parse(JSON.stringify(metadata)),
        finishedAt: isFinalState(rest.state) ? finishedAt : undefined,
      }),
    );
}

const bound = fc.option(
  fc.oneof(fc.double({ min: -1, max: 8, noNaN: true }), time, fc.constantFrom(1e300, -1e300)),
  { nil: undefined },
);
const optional = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });

/** A page of some list; most positions are of jobs. */
export function someQuery(jobs: readonly Job[]): fc.Arbitrary<JobQuery> {
  const order = fc.record({
    field: fc.constantFrom('CREATED_AT', 'FINISHED_AT', 'DURATION', 'STATUS'),
    isDescending: fc.boolean(),
  });
  const filter = fc.record({
    flowIds: optional(fc.array(fc.constantFrom(...FLOWS, 'none', 'a\0'))),
    states: optional(fc.array(fc.constantFrom(...STATES))),
    owner: optional(fc.constantFrom(...OWNERS, 'nobody', '\ud83e')),
    createdAfter: optional(bound),
    createdBefore: optional(bound),
    finishedAfter: optional(bound),
    finishedBefore: optional(bound),
    text: optional(
      fc.oneof(
        fc.constantFrom('needle', 'ÜNÏ', '%', '_', '\\', 'a\0', '🦆', '"', 'ANN', ''),
        fc.constantFrom(...jobs).map(({ id }) => id.slice(3, 12).toUpperCase()),
      ),
    ),
  });
  return order.chain((ordered) => {
    const position = optional(
      fc
        .tuple(fc.constantFrom(...jobs), fc.constantFrom('same', 'id', 'key'))
        .map(([job, what]): JobPosition => {
          const { key, id } = positionOf(job, ordered);
          if (what === 'id') return { key, id: `${id.slice(0, -1)} ` };
          return typeof key === 'number' && what === 'key' ? { key: key - 0.5, id } : { key, id };
        }),
    );
    return fc.record({
      filter,
      order: fc.constant(ordered),
      after: position,
      before: position,
      limit: fc.integer({ min: 1, max: 12 }),
      fromEnd: fc.boolean(),
    });
  });
}
