import { DomainError, formatPath, type Issue } from '../lib/domain-error.ts';

/** A job can't do what was asked of it in the state it is in. */
export class InvalidStateError extends DomainError {
  readonly code = 'INVALID_STATE';
  readonly state: string;
  /** What it can't be. */
  readonly wanted: string;

  constructor(jobId: string, state: string, wanted: string) {
    super(`Job ${jobId} is ${state} and can't be ${wanted}.`);
    this.state = state;
    this.wanted = wanted;
  }
}

/** The engine was closed and starts no more jobs. */
export class EngineClosedError extends DomainError {
  readonly code = 'ENGINE_CLOSED';

  constructor() {
    super('The engine is closed and starts no more jobs; make another with createEngine().');
  }
}

/** A job was asked to write itself down while it is in the middle of its work. */
export class JobBusyError extends DomainError {
  readonly code = 'JOB_BUSY';

  constructor(jobId: string) {
    super(
      `Job ${jobId} is in the middle of its work and can't be captured from inside it: not from a routine's ` +
        'synchronous code, an observer or an inspector. Capture it from a timer, a microtask or a promise.',
    );
  }
}

/** A job can't go on with its flow, since the flow's shape is not what it was. */
export class FlowChangedError extends DomainError {
  readonly code = 'FLOW_CHANGED';
  /** Every difference, as a sentence. */
  readonly differences: readonly string[];

  constructor(flowId: string, differences: readonly string[]) {
    super(
      `Flow "${flowId}" has changed since the job was captured, so the job can't go on with it: ` +
        differences.join(' '),
    );
    this.differences = differences;
  }
}

/** The reason that running code sees in its signal when the engine stops and did not get it to end in time. */
export class EngineStoppingError extends DomainError {
  readonly code = 'ENGINE_STOPPING';

  constructor() {
    super(
      'The engine is stopping. The job is kept as it is and may go on elsewhere; this activation then runs again.',
    );
  }
}

/** A job's input is not what its flow asks for. */
export class InvalidInputError extends DomainError {
  readonly code = 'INVALID_INPUT';
  readonly issues: readonly Issue[];

  constructor(flowId: string, issues: readonly Issue[]) {
    const list = issues.map(({ path, message }) => `${formatPath(path)}: ${message}`).join('; ');
    super(`The input does not fit flow "${flowId}": ${list}`);
    this.issues = issues;
  }
}

/** Nothing in the job can move any more: emitted items wait for room in slots that nobody will empty. */
export class DeadlockError extends DomainError {
  readonly code = 'DEADLOCK';
  /** The full slots, as `routine.slot`. */
  readonly slots: readonly string[];
  /** Those of them whose routine gathers until the job drains (policy `none`): they must hold all that comes. */
  readonly gathering: readonly string[];

  constructor(slots: readonly string[], gathering: readonly string[] = []) {
    const others = slots.filter((slot) => !gathering.includes(slot));
    const advice = [
      gathering.length > 0 &&
        `${gathering.join(', ')} gathers until the job drains (policy none), so its maxLength must hold everything that is ever emitted to it: raise it, or use a policy that takes items as they come.`,
      others.length > 0 &&
        'Raise maxLength, choose an overflow policy that drops, or break the cycle.',
    ];
    super(
      `The job is dead-locked: items wait for room in ${slots.join(', ')}, which nothing will empty. ` +
        advice.filter((each) => each !== false).join(' Else: '),
    );
    this.slots = slots;
    this.gathering = gathering;
  }
}

/** `emit` was called on an activation that had already ended. */
export class ActivationEndedError extends DomainError {
  readonly code = 'ACTIVATION_ENDED';

  constructor(routineId: string, event: string) {
    super(
      `Routine "${routineId}" emitted "${event}" after its activation had ended. ` +
        'Await everything that emits before the code returns.',
    );
  }
}

/** `emit` was called with an event the routine does not have. */
export class UnknownEventError extends DomainError {
  readonly code = 'UNKNOWN_EVENT';

  constructor(routineId: string, event: string) {
    super(`Routine "${routineId}" has no event "${event}".`);
  }
}

/** An item was emitted into a full slot whose overflow policy is `error`, or a person wanted to put one in a full slot. */
export class SlotFullError extends DomainError {
  readonly code = 'SLOT_FULL';

  constructor(slot: string, maxLength: number, advice = 'Its overflow policy is "error".') {
    super(`Slot "${slot}" is full (${maxLength} items). ${advice}`);
  }
}

/** An activation took longer than its routine allows. */
export class ActivationTimeoutError extends DomainError {
  readonly code = 'ACTIVATION_TIMEOUT';

  constructor(routineId: string, timeoutMs: number) {
    super(`An activation of routine "${routineId}" took longer than ${timeoutMs} ms.`);
  }
}
