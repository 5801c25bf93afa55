import type { Activation, Item, JobRun, RoutineRun, SlotQueue } from '../engine/index.ts';
import type { Scope } from '../expression/run.ts';
import { maskSecrets } from '../lib/mask-secrets.ts';
import { pressureLevelOf } from '../monitoring/read-queue.ts';

/**
 * Where expressions about a job find their values, each worked out only when it is read. One for all breakpoints of a
 * job: who evaluates says first what it is about.
 */
export class FrameScope implements Scope {
  activation: Activation | undefined = undefined;
  /** Of what is about no activation. */
  routine: RoutineRun | undefined = undefined;
  /** The item that is looked at, of a `SLOT` breakpoint; the first that was taken unless set. */
  item: Item | undefined = undefined;
  event: string | undefined = undefined;
  output: unknown = undefined;
  slot: SlotQueue | undefined = undefined;
  hits = 0;
  readonly #job: JobRun;
  readonly #configs = new Map<RoutineRun, unknown>();

  constructor(job: JobRun) {
    this.#job = job;
  }

  /** From now on it is about an activation. Sets as little as it can: every activation comes here. */
  about(activation: Activation): void {
    this.activation = activation;
    if (this.item !== undefined) this.item = undefined;
  }

  /** From now on it is about a queue. */
  aboutQueue(slot: SlotQueue): void {
    this.activation = undefined;
    this.item = undefined;
    this.routine = slot.owner;
    this.slot = slot;
  }

  read(name: string): unknown {
    const { activation } = this;
    if (name === 'item') return (this.item ?? activation?.items[0])?.value;
    const routine = activation?.routine ?? this.routine;
    switch (name) {
      case 'output':
        return this.output;
      case 'items':
        return activation?.items.map(({ value }) => value);
      case 'inputs':
        return activation?.routine.inputsFrom(activation.items);
      case 'config':
        return routine && this.maskedConfig(routine);
      case 'state':
        return routine?.state;
      case 'data':
        return this.#job.context.data;
      case 'input':
        return this.#job.input;
      case 'job':
        return { id: this.#job.id, flowId: this.#job.flow.id };
      case 'routine':
        return routine?.id;
      case 'activation':
        return activation?.activationId;
      case 'attempt':
        return activation?.attempt;
      case 'hits':
        return this.hits;
      case 'event':
        return this.event;
      case 'outputs':
        return activation?.staged ?? [];
      case 'error':
        return activation?.hasFailed === true ? activation.error : undefined;
      case 'queue':
        return this.slot && describeQueue(this.slot);
      case 'queues':
        return routine && readQueues(routine);
      default:
        return activation?.routine.inputsFrom(activation.items)[name];
    }
  }

  /** A routine's configuration as people are shown it. */
  maskedConfig(routine: RoutineRun): unknown {
    if (!this.#configs.has(routine)) {
      const { config, type } = routine.definition;
      this.#configs.set(routine, maskSecrets(config, type.secrets));
    }
    return this.#configs.get(routine);
  }
}

function describeQueue(slot: SlotQueue) {
  const { name, length, maxLength, owner } = slot;
  const level = pressureLevelOf(slot);
  return { routine: owner.id, slot: name, length, maxLength, usage: length / maxLength, level };
}

function readQueues(routine: RoutineRun): Readonly<Record<string, readonly unknown[]>> {
  return Object.fromEntries(
    routine.slots.map(({ name, items }) => [name, Array.from(items, ({ value }) => value)]),
  );
}
