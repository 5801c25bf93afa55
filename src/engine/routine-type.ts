import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type ActivationPolicy, type InputShape, immediate, none } from './activation-policy.ts';
import type { OverflowPolicy } from './slot-queue.ts';

/** A validator of any library that speaks Standard Schema (Zod, Valibot, ArkType …). */
export type Schema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output>;

declare const carried: unique symbol;

/** Declares a slot that takes items of type `T`. */
export interface SlotSpec<T = never> extends SlotOptions {
  readonly [carried]?: (item: T) => void;
}

/** Declares an event that emits items of type `T`. */
export interface EventSpec<T = unknown> {
  readonly description?: string | undefined;
  readonly [carried]?: () => T;
}

/** How a slot holds its items. */
export interface SlotOptions {
  readonly description?: string | undefined;
  /** Whether a flow that leaves the slot unconnected is at fault. Default true. */
  readonly required?: boolean | undefined;
  /** The most items that may wait. Default 1,000. */
  readonly maxLength?: number | undefined;
  /** Share of `maxLength`, above 0 up to 1, from which the slot counts as nearly full. Default 0.8. */
  readonly watermark?: number | undefined;
  /** What happens to an item that is emitted into the full slot. Default `block`. */
  readonly overflow?: OverflowPolicy | undefined;
}

/** Declares a slot for items of type `T`: `slot<Article>()`. */
export function slot<T>(options: SlotOptions = {}): SlotSpec<T> {
  return options;
}

/** Declares an event with items of type `T`: `event<Article>()`. */
export function event<T>(options: { readonly description?: string } = {}): EventSpec<T> {
  return options;
}

/** The slots of a routine type, by name. */
export type SlotSpecs = Readonly<Record<string, SlotSpec>>;
/** The events of a routine type, by name. */
export type EventSpecs = Readonly<Record<string, EventSpec>>;

/** The type of the items that a declared slot takes. */
export type ItemOfSlot<S> = S extends SlotSpec<infer T> ? T : never;
/** The type of the items that a declared event emits. */
export type ItemOfEvent<E> = E extends EventSpec<infer T> ? T : never;

/** What a routine's code is given, by the shape its policy takes in. */
export type InputsOf<Slots, Shape extends InputShape> = keyof Slots extends never
  ? Readonly<Record<never, never>>
  : Shape extends 'one'
    ? {
        [K in keyof Slots]: { readonly [P in K]: ItemOfSlot<Slots[P]> } & {
          readonly [P in Exclude<keyof Slots, K>]?: undefined;
        };
      }[keyof Slots]
    : Shape extends 'each'
      ? { readonly [K in keyof Slots]: ItemOfSlot<Slots[K]> }
      : { readonly [K in keyof Slots]: readonly ItemOfSlot<Slots[K]>[] };

/** How much a line of a job's log matters. */
export type LogLevel = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';

/** Writes to the job's log. Each call names what happened and, if it helps, the facts. */
export interface RoutineLog {
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warning(message: string, facts?: Readonly<Record<string, unknown>>): void;
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** The job an activation belongs to, as its code may see it. */
export interface JobContext {
  readonly id: string;
  readonly flowId: string;
  /** What the job was started with, checked by the flow's input schema. */
  readonly input: unknown;
  /** Data that the routines of this job share. Keep in it only what can be written as JSON. */
  readonly data: Map<string, unknown>;
}

/** What a routine's code can see and do besides its inputs. Valid until the activation ends. */
export interface ActivationContext<Config = unknown, Events = EventSpecs, State = unknown> {
  readonly config: Config;
  /** The routine's own state in this job; it lasts from activation to activation. */
  readonly state: State;
  readonly job: JobContext;
  readonly routineId: string;
  /** Number of this activation in its job, from 1. */
  readonly activationId: number;
  /** 1 for the first run on these items, one more for each retry. */
  readonly attempt: number;
  /** Aborted when the job is cancelled or fails, or this activation timed out. */
  readonly signal: AbortSignal;
  readonly log: RoutineLog;
  /**
   * Emits an item. Answers `undefined` when all slots it goes to took it, else a promise that is kept when they
   * have: a loop that emits much should `await` it, so that it goes no faster than those who consume. Now and then
   * the promise only lets the event loop have a turn. When the job is ending, what is emitted is discarded.
   * What was emitted stays emitted, also when the code fails later.
   * It is a method of its context: `const { emit } = ctx` is a compile error where it is called.
   * @throws ActivationEndedError after the activation ended
   * @throws SlotFullError when a slot it goes to is full and its overflow policy is `error`
   */
  emit<K extends keyof Events & string>(
    this: object,
    event: K,
    item: ItemOfEvent<Events[K]>,
  ): Promise<void> | undefined;
  /**
   * Tells how far the routine is: `done` of `total` (leave it out when unknown). A `done` that is no finite number is
   * ignored, such a `total` is unknown, and a message is cut after 1,000 characters.
   */
  progress(this: object, done: number, total?: number, message?: string): void;
}

type ConfigOf<C> = C extends Schema<infer _, infer Output> ? Output : undefined;

/** The keys of whichever of several types; any text where they are not known. */
type KeysOf<T> = unknown extends T ? string : T extends object ? keyof T & string : never;

/** Names a secret of a configuration by its key, or by a path of keys: `token`, `auth.token`. Its first key is checked. */
export type SecretPath<ConfigSchema> =
  | KeysOf<ConfigOf<ConfigSchema>>
  | `${KeysOf<ConfigOf<ConfigSchema>>}.${string}`;

/** The code of a routine with what it takes, emits and needs: everything but its place in a flow. */
export interface RoutineType<
  ConfigSchema extends Schema | undefined = Schema | undefined,
  Slots extends SlotSpecs = SlotSpecs,
  Events extends EventSpecs = EventSpecs,
  State = unknown,
  Shape extends InputShape = InputShape,
> {
  /** Name of the type, kebab-case. Several routines of a flow may be of one type. */
  readonly type: string;
  readonly description?: string | undefined;
  readonly config?: ConfigSchema;
  /** What of the configuration nobody is shown; see `RoutineTypeOptions`. */
  readonly secrets?: readonly SecretPath<ConfigSchema>[] | undefined;
  readonly slots: Slots;
  readonly events: Events;
  readonly policy: ActivationPolicy<Shape>;
  /** Makes the state that a job's routine begins with. */
  readonly state?: (() => State) | undefined;
  /**
   * The code. It may be synchronous (fastest: no promise per item) or answer a promise, which the activation
   * then lasts as long as.
   */
  run(
    inputs: InputsOf<Slots, Shape>,
    ctx: ActivationContext<ConfigOf<ConfigSchema>, Events, State>,
  ): unknown;
}

/** What `defineRoutine` makes a routine type of; what is left out is as `defineRoutine` says. */
export interface RoutineTypeOptions<
  ConfigSchema extends Schema | undefined,
  Slots extends SlotSpecs,
  Events extends EventSpecs,
  State,
  Shape extends InputShape,
> {
  readonly type: string;
  readonly description?: string | undefined;
  readonly config?: ConfigSchema;
  /**
   * What of the configuration nobody is shown, neither in the API nor in the debugger and its expressions: keys, or paths
   * of keys such as `auth.token`, where a list on the way stands for each of its elements. The code of the routine gets it
   * all. What stands under a name such as `password` is hidden without being listed here. Default: nothing else.
   */
  readonly secrets?: readonly SecretPath<ConfigSchema>[] | undefined;
  readonly slots?: Slots | undefined;
  readonly events?: Events | undefined;
  readonly policy?: ActivationPolicy<Shape> | undefined;
  readonly state?: (() => State) | undefined;
  run(
    inputs: InputsOf<Slots, Shape>,
    ctx: ActivationContext<ConfigOf<ConfigSchema>, Events, State>,
  ): unknown;
}

/**
 * Defines a routine type. Without a policy it runs for each item at once (`immediate`) or, when it has no slots,
 * once at the start of the job (`none`).
 *
 * @example
 * const double = defineRoutine({
 *   type: 'double',
 *   slots: { number: slot<number>() },
 *   events: { doubled: event<number>() },
 *   run: ({ number }, ctx) => ctx.emit('doubled', number * 2),
 * });
 */
export function defineRoutine<
  // biome-ignore lint/complexity/noBannedTypes: `{}` is the type of no slots; `keyof {}` is never
  Slots extends SlotSpecs = {},
  // biome-ignore lint/complexity/noBannedTypes: as above
  Events extends EventSpecs = {},
  ConfigSchema extends Schema | undefined = undefined,
  State = undefined,
  Shape extends InputShape = 'one',
>(
  options: RoutineTypeOptions<ConfigSchema, Slots, Events, State, Shape>,
): RoutineType<ConfigSchema, Slots, Events, State, Shape> {
  const slots = options.slots ?? ({} as Slots); // left out means none, which is what `Slots` then is
  const events = options.events ?? ({} as Events); // as above
  const policy = options.policy ?? (Object.keys(slots).length === 0 ? none() : immediate());
  return {
    ...options,
    slots,
    events,
    policy: policy as ActivationPolicy<Shape>, // the default shape is that of the default policy
  };
}
