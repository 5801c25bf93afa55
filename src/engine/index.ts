export type { Activation, ActivationOutcome, Output } from './activation.ts';
export {
  type ActivationPolicy,
  type ActivationPolicyKind,
  allSlotsReady,
  batchSize,
  type CustomDecision,
  type CustomPolicyMetadata,
  custom,
  immediate,
  none,
  type RoutineView,
  type SlotView,
  timeInterval,
} from './activation-policy.ts';
export {
  defineFlow,
  type EventPort,
  type FlowBuilder,
  FlowDefinitionError,
  type FlowOptions,
  type PlacedRoutine,
  type SlotPort,
} from './define-flow.ts';
export {
  checkInput,
  createEngine,
  type Engine,
  type EngineOptions,
  type JobOptions,
} from './engine.ts';
export {
  type ErrorStrategy,
  type RetryOptions,
  type RetryStrategy,
  retry,
} from './error-strategy.ts';
export {
  ActivationEndedError,
  ActivationTimeoutError,
  DeadlockError,
  EngineClosedError,
  InvalidInputError,
  InvalidStateError,
  SlotFullError,
  UnknownEventError,
} from './errors.ts';
export {
  type Connection,
  type EventRef,
  type Flow,
  type FlowFault,
  type FlowFaultCode,
  type FlowRoutine,
  isFlow,
  type SlotDefinition,
  type SlotRef,
} from './flow.ts';
export type { JobRun } from './job-run.ts';
export { isFinalState, type JobResult, type JobState } from './job-state.ts';
export type { JobInspector, JobObserver, LogEntry } from './observer.ts';
export type { RoutineProgress, RoutineRun } from './routine-run.ts';
export {
  type ActivationContext,
  defineRoutine,
  type EventSpec,
  event,
  type JobContext,
  type LogLevel,
  type RoutineLog,
  type RoutineType,
  type Schema,
  type SlotOptions,
  type SlotSpec,
  slot,
} from './routine-type.ts';
export type { Item, OverflowPolicy, SlotQueue } from './slot-queue.ts';
