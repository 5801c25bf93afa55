export type { CancelTimer, Clock } from '../lib/clock.ts';
export type { Deque } from '../lib/deque.ts';
export { DomainError, type Issue } from '../lib/domain-error.ts';
export type { Activation, ActivationOutcome, ActivationPhase, Output } from './activation.ts';
export {
  type ActivationPolicy,
  type ActivationPolicyKind,
  allSlotsReady,
  batchSize,
  type CustomDecision,
  type CustomPolicyMetadata,
  custom,
  type Decision,
  type GatherOptions,
  type InputShape,
  immediate,
  type MissingData,
  none,
  type RoutineView,
  type SlotView,
  type Take,
  timeInterval,
  type Wait,
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
export type { ErrorSnapshot } from './error-snapshot.ts';
export {
  type ErrorStrategy,
  type FinalErrorStrategy,
  type RetryOptions,
  type RetryStrategy,
  retry,
} from './error-strategy.ts';
export {
  ActivationEndedError,
  ActivationTimeoutError,
  DeadlockError,
  EngineClosedError,
  EngineStoppingError,
  FlowChangedError,
  InvalidInputError,
  InvalidStateError,
  JobBusyError,
  SlotFullError,
  UnknownEventError,
} from './errors.ts';
export {
  type Connection,
  type CrashStrategy,
  type EventRef,
  type Flow,
  type FlowFault,
  type FlowFaultCode,
  type FlowRoutine,
  isFlow,
  type SlotDefinition,
  type SlotRef,
} from './flow.ts';
export { compareShapes, type FlowShape, type RoutineShape, shapeOf } from './flow-shape.ts';
export type { JobBeginning } from './job-beginning.ts';
export type { JobRun } from './job-run.ts';
export type {
  ActivationSnapshot,
  ItemSnapshot,
  JobSnapshot,
  RoutineSnapshot,
  SlotSnapshot,
} from './job-snapshot.ts';
export { type FinalJobState, isFinalState, type JobResult, type JobState } from './job-state.ts';
export type { Interest, JobInspector, JobObserver, LogEntry } from './observer.ts';
export type { EventTargets, OutputBuffer, RoutineProgress, RoutineRun } from './routine-run.ts';
export {
  type ActivationContext,
  defineRoutine,
  type EventSpec,
  type EventSpecs,
  event,
  type InputsOf,
  type ItemOfEvent,
  type ItemOfSlot,
  type JobContext,
  type LogLevel,
  type RoutineLog,
  type RoutineType,
  type RoutineTypeOptions,
  type Schema,
  type SecretPath,
  type SlotOptions,
  type SlotSpec,
  type SlotSpecs,
  slot,
} from './routine-type.ts';
export {
  BY_HAND,
  type HeldItem,
  type Item,
  type OverflowPolicy,
  type SlotQueue,
} from './slot-queue.ts';
export type { Suspended } from './suspended-activations.ts';
