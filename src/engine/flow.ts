import type { ActivationPolicy } from './activation-policy.ts';
import type { ErrorStrategy } from './error-strategy.ts';
import type { EventSpec, RoutineType, Schema } from './routine-type.ts';
import type { OverflowPolicy } from './slot-queue.ts';

/**
 * What becomes of a job whose process was killed.
 *
 * - `resume`: it goes on from where it was written down last. The default. What was done since is done again, so code
 *   may see an item and cause an effect more than once (at least once).
 * - `restart`: it begins again, with the same input.
 * - `fail`: it has failed.
 */
export type CrashStrategy = 'resume' | 'restart' | 'fail';

/** Names one slot of one routine. */
export interface SlotRef {
  readonly routine: string;
  readonly slot: string;
}

/** Names one event of one routine. */
export interface EventRef {
  readonly routine: string;
  readonly event: string;
}

/** A slot in a flow, with all that was left open filled in. */
export interface SlotDefinition {
  readonly name: string;
  readonly description: string | undefined;
  readonly required: boolean;
  /** The most items that may wait. */
  readonly maxLength: number;
  /** Share of `maxLength` from which the slot counts as nearly full. */
  readonly watermark: number;
  readonly overflow: OverflowPolicy;
}

/** Carries what a routine emits to a slot. */
export interface Connection {
  readonly from: EventRef;
  readonly to: SlotRef;
}

/** A routine type at its place in a flow. */
export interface FlowRoutine {
  readonly id: string;
  readonly type: RoutineType;
  /** The configuration, checked by the type's schema. */
  readonly config: unknown;
  readonly policy: ActivationPolicy;
  readonly slots: readonly SlotDefinition[];
  readonly events: Readonly<Record<string, EventSpec>>;
  /** How many activations may run side by side. */
  readonly concurrency: number;
  readonly onError: ErrorStrategy;
  /** Milliseconds after which an activation is given up as failed; `undefined` for never. */
  readonly timeoutMs: number | undefined;
}

/** What kind of thing is wrong; the message of a `FlowFault` says it in full. */
export type FlowFaultCode =
  | 'EMPTY_FLOW'
  | 'INVALID_ID'
  | 'INVALID_CONFIG'
  | 'INVALID_OPTION'
  | 'DUPLICATE_ROUTINE'
  | 'DUPLICATE_CONNECTION'
  | 'UNKNOWN_ROUTINE'
  | 'UNKNOWN_SLOT'
  | 'UNKNOWN_EVENT'
  | 'UNCONNECTED_SLOT'
  | 'SLOT_TOO_SMALL'
  | 'UNREACHABLE_ROUTINE';

/** Something wrong, or doubtful, in a flow's definition. */
export interface FlowFault {
  readonly code: FlowFaultCode;
  /** The routine, `routine.slot` or `routine.event` concerned, if there is one. */
  readonly at: string | undefined;
  readonly message: string;
}

declare const carriedInput: unique symbol;
declare const carriedOutputs: unique symbol;

/** A named graph of routines, checked and ready to run. Made by `defineFlow`; never changes. */
export interface Flow<Input = never, Outputs = unknown> {
  readonly [flowBrand]: true;
  /** Unique among the flows of a server; letters, digits, `_` and `-`. */
  readonly id: string;
  readonly description: string | undefined;
  readonly version: string | undefined;
  /** Checks the input of each job; `undefined` when any input will do. */
  readonly inputSchema: Schema | undefined;
  /** What becomes of a job whose process was killed. */
  readonly onCrash: CrashStrategy;
  readonly routines: readonly FlowRoutine[];
  readonly connections: readonly Connection[];
  /** The slots that get the job's input as their first item. */
  readonly entries: readonly SlotRef[];
  /** The events whose items are the job's outputs, by output name. */
  readonly outputs: Readonly<Record<string, EventRef>>;
  /** What is doubtful but can run. */
  readonly warnings: readonly FlowFault[];
  readonly [carriedInput]?: (input: Input) => void;
  readonly [carriedOutputs]?: () => Outputs;
}

/** A registered symbol, so that a flow is known as one even when the package was loaded twice. */
export const flowBrand: unique symbol = Symbol.for('millrace.flow') as never; // TypeScript can't type a registered symbol as unique otherwise

/** Whether a value is a flow made by `defineFlow`. */
export function isFlow(value: unknown): value is Flow {
  return typeof value === 'object' && value !== null && flowBrand in value;
}
