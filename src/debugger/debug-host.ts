import type { Preview } from '../lib/preview.ts';
import type { FailureReading } from '../monitoring/readings.ts';
import type { Breakpoint, BreakpointProgress } from './breakpoint.ts';

/*
 * The port through which the API debugs jobs. All that passes is plain data, so that the job may as well run in another
 * process. Times of day are in milliseconds since the Unix epoch.
 */

/** Why a job stands still. `ENTRY`: it was to stop before its first activation. `PAUSE`: somebody paused it. */
export type StopReason = 'BREAKPOINT' | 'STEP' | 'PAUSE' | 'EXCEPTION' | 'ENTRY' | 'PRESSURE';

/** `OVER`: to the next activation. `INTO`: to the consumer of what was emitted. `OUT`: until all that descends from it is done. */
export type StepKind = 'OVER' | 'INTO' | 'OUT';

/** A stop of a job. */
export interface Stop {
  /** Place among all stops of the job, from 1. */
  readonly number: number;
  readonly reason: StopReason;
  readonly at: number;
  /** The breakpoints that were hit, each once. */
  readonly breakpointIds: readonly string[];
  /** The activations that are held, the one that stopped the job first. */
  readonly activationIds: readonly number[];
  /** The queue that came to the pressure level. */
  readonly queue: { readonly routineId: string; readonly slot: string } | undefined;
  /** Whether somebody paused it, whatever stopped it as well since. */
  readonly isByHand: boolean;
}

/** What of the debugging of a job has to outlast the process. */
export interface DebugSnapshot {
  readonly stop: Stop | undefined;
  readonly stopCount: number;
  /** The step that is under way. */
  readonly step: StepKind | undefined;
  /** The activations that were let go last: one that is restored as held goes on, unless it is held at the stop. */
  readonly released: readonly number[];
  /** By breakpoint id. */
  readonly progress: Readonly<Record<string, BreakpointProgress>>;
}

/** How a job is debugged from its beginning, or from where it is restored. */
export interface DebugStart {
  readonly breakpoints: readonly Breakpoint[];
  /** Whether it stops before its first activation. */
  readonly stopsAtEntry: boolean;
  /** Of a job that was debugged before. */
  readonly before: DebugSnapshot | undefined;
}

/** An item that can be seen, and edited while the job stands still. */
export interface ItemReading {
  /** Names the item as long as it is where it is, in this process. */
  readonly itemId: string;
  /** `TAKEN` by an activation that is held, waiting in a `QUEUE`, or `EMITTED` and kept back. */
  readonly place: 'TAKEN' | 'QUEUE' | 'EMITTED';
  readonly routineId: string;
  /** The slot it was taken from or waits in; the event it was emitted as. */
  readonly port: string;
  readonly value: Preview;
  /** The activation that emitted it; `undefined` for the job's input and what was put in by hand. */
  readonly emittedBy: number | undefined;
  readonly emittedAt: number | undefined;
  readonly queuedAt: number | undefined;
}

/** An activation that is held. */
export interface FrameReading {
  readonly activationId: number;
  readonly routineId: string;
  readonly attempt: number;
  /** Before its code; while its code waits for what it emitted; after its code has ended, or failed. */
  readonly position: 'BEFORE' | 'EMITTING' | 'AFTER' | 'FAILED';
  readonly startedAt: number;
  readonly error: FailureReading | undefined;
  readonly itemCount: number;
  /** How many outputs are kept back. */
  readonly outputCount: number;
}

/** How it stands with the debugging of a job. */
export interface DebugReading {
  readonly status: 'RUNNING' | 'STEPPING' | 'STOPPED';
  readonly stop: Stop | undefined;
  /** Of the activations that are held, in the order of `stop.activationIds`. */
  readonly frames: readonly FrameReading[];
  /** By breakpoint id. */
  readonly progress: Readonly<Record<string, BreakpointProgress>>;
}

/** A range of a list, by position from 0. */
export interface Range {
  readonly offset: number;
  readonly limit: number;
}

/** Where variables are looked for: an activation that is held, else a routine, else the whole job. */
export interface Where {
  readonly activationId?: number | undefined;
  readonly routineId?: string | undefined;
}

/** What can be looked into, by name. */
export type ScopeName = 'inputs' | 'outputs' | 'error' | 'config' | 'state' | 'data' | 'input';

/** A value that can be looked into. Secrets are masked. */
export interface VariableReading {
  /** Key in what it is part of; the scope's name for the whole of it. */
  readonly name: string;
  /** What leads to it from its scope. A key of an object or a map, or a position in a list, a map or a set. */
  readonly path: readonly (string | number)[];
  /** `string`, `number`, `list`, `object`, `Map`, the name of a class … */
  readonly type: string;
  readonly value: Preview;
  /** How many parts it has. */
  readonly childCount: number;
  readonly isSecret: boolean;
  /** Whether `setVariable` can change it. */
  readonly canSet: boolean;
}

export interface VariableQuery extends Where {
  readonly scope: ScopeName;
  readonly path: readonly (string | number)[];
}

/** What an expression came to. */
export interface Evaluation {
  readonly type: string;
  readonly preview: Preview;
  /** The value as JSON can write it; `undefined` when that is longer than 64 KiB, or there is none. */
  readonly json: { readonly value: unknown } | undefined;
  readonly durationMs: number;
}

/** What an edit changed, as people are shown it. Secrets are masked. */
export interface Change {
  readonly before: Preview | undefined;
  readonly after: Preview | undefined;
}

/**
 * What the API asks of the debugging of jobs that run on a host.
 *
 * All throw `NotFoundError` when the job does not run here, or a routine, slot, activation, item or variable that is
 * named is not there (any more), and those that need the job to stand still `InvalidStateError` when it does not.
 */
export interface DebugHost {
  /** `undefined` for a job that does not run here. */
  read(jobId: string): Promise<DebugReading | undefined>;
  /** All breakpoints that are to count in the job from now on. What they have counted stays. */
  setBreakpoints(jobId: string, breakpoints: readonly Breakpoint[]): Promise<void>;
  /** Lets what is held go, and the job go on, until it ends, or a breakpoint or the step stops it again. */
  continue(jobId: string, step?: StepKind): Promise<void>;
  /** Those that wait in a queue, or are held by an activation (`inputs`, `outputs`), in order. */
  readItems(
    jobId: string,
    of: ItemPlace,
    range: Range,
  ): Promise<{ readonly items: readonly ItemReading[]; readonly totalCount: number }>;
  readItem(jobId: string, itemId: string): Promise<ItemReading>;
  /** Each scope that there is as a variable, without its parts. */
  readScopes(jobId: string, where: Where): Promise<readonly VariableReading[]>;
  readVariable(jobId: string, query: VariableQuery): Promise<VariableReading>;
  /** The parts of a variable, in order. */
  readChildren(
    jobId: string,
    query: VariableQuery,
    range: Range,
  ): Promise<readonly VariableReading[]>;
  setVariable(jobId: string, query: VariableQuery, value: unknown): Promise<Change>;
  replaceItem(jobId: string, itemId: string, value: unknown): Promise<Change>;
  /** An activation from which an item was dropped that its policy needs is skipped. */
  dropItem(jobId: string, itemId: string): Promise<Change>;
  /** Puts an item in a queue. @throws SlotFullError */
  injectItem(
    jobId: string,
    slot: { readonly routineId: string; readonly slot: string },
    value: unknown,
    isFirst: boolean,
  ): Promise<{ readonly itemId: string; readonly change: Change }>;
  /** Where nothing is said in the activation that stopped the job, if one is held. @throws ExpressionError */
  evaluate(jobId: string, expression: string, where: Where): Promise<Evaluation>;
  /** Names that can stand at a place of an expression, the likeliest first. */
  complete(
    jobId: string,
    text: string,
    position: number,
    where: Where,
  ): Promise<readonly Completion[]>;
}

export type ItemPlace =
  | { readonly routineId: string; readonly slot: string }
  | { readonly activationId: number; readonly of: 'inputs' | 'outputs' };

/** A name that can be put in an expression. */
export interface Completion {
  readonly text: string;
  /** Variable, part of a value, function, or word of the language. */
  readonly kind: 'VARIABLE' | 'PROPERTY' | 'FUNCTION' | 'WORD';
  /** What it is: a type, or what the function answers. */
  readonly detail: string;
  /** The part of the text that it takes the place of: from, and up to. */
  readonly from: number;
  readonly to: number;
}

/** Told by a host what happens to the debugging of its jobs. */
export interface DebugListener {
  /** A job stopped, went on, or a breakpoint counted. What has to outlast the process. At most some ten times a second for counts alone. */
  debugChanged(jobId: string, snapshot: DebugSnapshot): void;
  /** A breakpoint stopped a job. */
  breakpointHit(hit: BreakpointHit): void;
}

export interface BreakpointHit {
  readonly jobId: string;
  readonly tenant: string;
  readonly flowId: string;
  readonly at: number;
  readonly breakpointId: string;
  /** In this job. */
  readonly hitCount: number;
  readonly reason: StopReason;
  readonly routineId: string;
  readonly activationId: number | undefined;
}
