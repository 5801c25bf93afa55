import { DomainError, formatPath } from '../lib/domain-error.ts';
import type { ActivationPolicy, InputShape } from './activation-policy.ts';
import type { ErrorStrategy } from './error-strategy.ts';
import {
  type Connection,
  type CrashStrategy,
  type EventRef,
  type Flow,
  type FlowFault,
  type FlowRoutine,
  flowBrand,
  type SlotDefinition,
  type SlotRef,
} from './flow.ts';
import { checkFlow } from './flow-check.ts';
import type {
  EventSpecs,
  ItemOfEvent,
  ItemOfSlot,
  RoutineType,
  Schema,
  SlotOptions,
  SlotSpecs,
} from './routine-type.ts';
import { validate } from './validate.ts';

/** A flow's definition can't run. `faults` lists everything that is wrong with it. */
export class FlowDefinitionError extends DomainError {
  readonly code = 'INVALID_FLOW';
  readonly faults: readonly FlowFault[];

  constructor(flowId: string, faults: readonly FlowFault[]) {
    const list = faults.map(({ code, message }) => `\n  ${code}: ${message}`).join('');
    super(`Flow "${flowId}" has ${faults.length} fault${faults.length === 1 ? '' : 's'}:${list}`);
    this.faults = faults;
  }
}

declare const portType: unique symbol;

/** Where items of type `T` come out: an event of a placed routine, or the flow's input. */
export interface EventPort<T> {
  readonly from: EventRef | 'input';
  readonly [portType]?: () => T;
}

/** Where items of type `T` go in: a slot of a placed routine. */
export interface SlotPort<T> {
  readonly to: SlotRef;
  readonly [portType]?: (item: T) => void;
}

/** A routine that was placed in a flow, with its ports. */
export interface PlacedRoutine<Slots extends SlotSpecs, Events extends EventSpecs> {
  readonly id: string;
  readonly slots: { readonly [K in keyof Slots]: SlotPort<ItemOfSlot<Slots[K]>> };
  readonly events: { readonly [K in keyof Events]: EventPort<ItemOfEvent<Events[K]>> };
}

interface PlacementOptions<Slots, Shape extends InputShape> {
  /** Replaces the type's policy by one of the same shape. */
  readonly policy?: ActivationPolicy<Shape>;
  /** Replaces options of the type's slots. */
  readonly slots?: { readonly [K in keyof Slots]?: Omit<SlotOptions, 'description'> };
  /** How many activations may run side by side. Default 1. */
  readonly concurrency?: number;
  /** What happens when the code fails. Default: the flow's. */
  readonly onError?: ErrorStrategy;
  /** Milliseconds after which an activation is given up as failed. Default: never. */
  readonly timeoutMs?: number;
}

type ConfigInput<C> = C extends Schema<infer Input, infer _> ? Input : undefined;

/** Configuration may be left out when its schema takes `{}` or there is none. */
type WithConfig<C> = C extends Schema
  ? Record<never, never> extends ConfigInput<C>
    ? { readonly config?: ConfigInput<C> }
    : { readonly config: ConfigInput<C> }
  : { readonly config?: undefined };

type RestArgument<T> = Record<never, never> extends T ? [options?: T] : [options: T];

/** Hands over the parts of a flow that is being defined. */
export interface FlowBuilder<Input> {
  /** The job's input: each slot it is connected to gets it as an item when the job starts. */
  readonly input: EventPort<Input>;
  /** Places a routine of the given type in the flow. */
  add<
    C extends Schema | undefined,
    Slots extends SlotSpecs,
    Events extends EventSpecs,
    State,
    Shape extends InputShape,
  >(
    id: string,
    type: RoutineType<C, Slots, Events, State, Shape>,
    ...options: RestArgument<PlacementOptions<Slots, NoInfer<Shape>> & WithConfig<C>>
  ): PlacedRoutine<Slots, Events>;
  /** Carries what comes out of `from` to `to`. An item type that does not fit is a compile error. */
  connect<T>(from: EventPort<T>, to: SlotPort<T>): void;
  /** The same by name, for graphs that are data; item types are not checked. */
  connectByName(from: EventRef, to: SlotRef): void;
}

/** What a flow is besides its routines and connections. */
export interface FlowOptions<InputSchema extends Schema | undefined> {
  /** Unique among the flows of a server; letters, digits, `_` and `-`. */
  readonly id: string;
  readonly description?: string;
  readonly version?: string;
  /** Checks the input of each job. Without it any input will do. */
  readonly input?: InputSchema;
  /** What happens when a routine fails that says nothing of its own. Default `stop`. */
  readonly onError?: ErrorStrategy;
  /**
   * What becomes of a job whose process was killed: `resume` (the default) goes on where the job was written down last,
   * and does again what was done since, so that effects of code may happen more than once; `restart` begins again with
   * the same input; `fail` fails it. A process that stops in order loses nothing and asks nobody.
   */
  readonly onCrash?: CrashStrategy;
}

type InputOf<S> = S extends Schema<infer _, infer Output> ? Output : unknown;
type RawInputOf<S> = S extends Schema<infer Input, infer _> ? Input : unknown;

type OutputPorts = Readonly<Record<string, EventPort<unknown>>>;
type OutputsOf<P> = P extends void
  ? Record<never, never>
  : { readonly [K in keyof P]: P[K] extends EventPort<infer T> ? T : never };

/**
 * Defines a flow. `build` places and connects routines; the ports it returns are the job's outputs, by name.
 *
 * @example
 * const flow = defineFlow({ id: 'doubling', input: z.number() }, (f) => {
 *   const twice = f.add('twice', double);
 *   f.connect(f.input, twice.slots.number);
 *   return { doubled: twice.events.doubled };
 * });
 * @throws FlowDefinitionError with every fault of the definition
 */
export function defineFlow<
  InputSchema extends Schema | undefined = undefined,
  // biome-ignore lint/suspicious/noConfusingVoidType: see OutputsOf
  Ports extends OutputPorts | void = void,
>(
  options: FlowOptions<InputSchema>,
  build: (flow: FlowBuilder<InputOf<InputSchema>>) => Ports,
): Flow<RawInputOf<InputSchema>, OutputsOf<Ports>> {
  const routines: FlowRoutine[] = [];
  const connections: Connection[] = [];
  const entries: SlotRef[] = [];
  const faults: FlowFault[] = [];

  const builder: FlowBuilder<InputOf<InputSchema>> = {
    input: { from: 'input' },
    add(id, type, ...[placement = {}]) {
      const { routine, fault } = placeRoutine(id, type, placement, options.onError ?? 'stop');
      routines.push(routine);
      if (fault !== undefined) faults.push(fault);
      return { id, slots: slotPorts(id, type.slots), events: eventPorts(id, type.events) };
    },
    connect({ from }, { to }) {
      if (from === 'input') entries.push(to);
      else connections.push({ from, to });
    },
    connectByName(from, to) {
      connections.push({ from, to });
    },
  };
  const ports: OutputPorts = build(builder) ?? {};
  const outputs: Record<string, EventRef> = {};
  for (const [name, { from }] of Object.entries(ports)) {
    if (from !== 'input') outputs[name] = from;
    else {
      const message = `Output "${name}" is the job's input; an output must be a routine's event.`;
      faults.push({ code: 'INVALID_OPTION', at: undefined, message });
    }
  }

  const { id, onCrash = 'resume' } = options;
  const check = checkFlow({ id, onCrash, routines, connections, entries, outputs });
  faults.push(...check.faults);
  if (faults.length > 0) throw new FlowDefinitionError(options.id, faults);
  return Object.freeze({
    [flowBrand]: true as const,
    id: options.id,
    description: options.description,
    version: options.version,
    inputSchema: options.input,
    onCrash,
    routines,
    connections,
    entries,
    outputs,
    warnings: check.warnings,
  });
}

interface ErasedPlacement extends PlacementOptions<Record<string, unknown>, InputShape> {
  readonly config?: unknown;
}

function placeRoutine(
  id: string,
  type: RoutineType,
  placement: ErasedPlacement,
  onError: ErrorStrategy,
): { readonly routine: FlowRoutine; readonly fault: FlowFault | undefined } {
  const checked = type.config
    ? validate(type.config, placement.config ?? {})
    : { value: undefined, issues: [] };
  const slots = Object.entries(type.slots).map(([name, spec]): SlotDefinition => {
    const own: SlotOptions = placement.slots?.[name] ?? {};
    return {
      name,
      description: spec.description,
      required: own.required ?? spec.required ?? true,
      maxLength: own.maxLength ?? spec.maxLength ?? 1000,
      watermark: own.watermark ?? spec.watermark ?? 0.8,
      overflow: own.overflow ?? spec.overflow ?? 'block',
    };
  });
  const reasons = checked.issues.map(({ path, message }) => `${formatPath(path)}: ${message}`);
  return {
    routine: {
      id,
      type,
      config: checked.value,
      policy: placement.policy ?? type.policy,
      slots,
      events: type.events,
      concurrency: placement.concurrency ?? 1,
      onError: placement.onError ?? onError,
      timeoutMs: placement.timeoutMs,
    },
    fault:
      reasons.length === 0
        ? undefined
        : {
            code: 'INVALID_CONFIG',
            at: id,
            message: `Configuration of "${id}": ${reasons.join('; ')}`,
          },
  };
}

function slotPorts<Slots extends SlotSpecs>(routine: string, slots: Slots) {
  const ports = Object.keys(slots).map((slot) => [slot, { to: { routine, slot } }]);
  return Object.fromEntries(ports) as PlacedRoutine<Slots, EventSpecs>['slots']; // one port a slot
}

function eventPorts<Events extends EventSpecs>(routine: string, events: Events) {
  const ports = Object.keys(events).map((event) => [event, { from: { routine, event } }]);
  return Object.fromEntries(ports) as PlacedRoutine<SlotSpecs, Events>['events']; // one port an event
}
