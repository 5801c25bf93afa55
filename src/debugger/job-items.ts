import type { Activation, Item, JobRun, Output, SlotQueue } from '../engine/index.ts';
import { NotFoundError } from '../lib/domain-error.ts';
import { newId } from '../lib/ids.ts';
import { preview } from '../lib/preview.ts';
import { advise } from './check-breakpoint.ts';
import type { Change, ItemPlace, ItemReading, Range } from './debug-host.ts';
import { isHeld, type JobDebugger } from './job-debugger.ts';

/** An item that somebody was shown, and where it was. */
type Shown =
  | { readonly place: 'QUEUE'; readonly item: Item }
  | { readonly place: 'TAKEN'; readonly item: Item; readonly activation: Activation }
  | { readonly place: 'EMITTED'; readonly output: Output; readonly activation: Activation };

/** What is answered for an item that is not where it was. */
const GONE = 'It was taken, delivered, dropped or replaced since. Read the items anew.';

/**
 * The items of a job, as they are shown and edited while it stands still. One that was shown has an id by which it can be
 * named, for as long as the job is stopped.
 */
export class JobItems {
  readonly #debugger: JobDebugger;
  readonly #job: JobRun;
  readonly #ids = new WeakMap<Item | Output, string>();
  /** In the ids of a job that was debugged before: what was shown then must not name something else now. */
  readonly #mark: string;
  #shown = new Map<string, Shown>();
  /** The stop in which they were shown. */
  #stopNumber = 0;
  #count = 0;

  constructor(jobDebugger: JobDebugger) {
    this.#debugger = jobDebugger;
    this.#job = jobDebugger.job;
    this.#mark = jobDebugger.isRestored ? `${newId().slice(-8)}-` : '';
  }

  /** @throws NotFoundError, InvalidStateError */
  read(of: ItemPlace, { offset, limit }: Range) {
    this.#requireStop('looked into');
    const all = 'slot' in of ? this.#inQueue(of) : this.#ofActivation(of);
    const items = Array.from(all.slice(offset, offset + limit), (shown) => this.#show(shown));
    return { items, totalCount: all.length };
  }

  /** @throws NotFoundError when it is not where it was; so do the others */
  readOne(itemId: string): ItemReading {
    this.#requireStop('looked into');
    return this.#show(this.#find(itemId));
  }

  replace(itemId: string, value: unknown): Change {
    this.#requireStop('edited');
    const shown = this.#find(itemId);
    const change = { before: preview(shownValue(shown)), after: preview(value) };
    if (shown.place === 'EMITTED') {
      const { activation, output } = shown;
      const replaced = { event: output.event, value };
      activation.staged = activation.staged?.map((each) => (each === output ? replaced : each));
      this.#ids.set(replaced, itemId);
      this.#shown.set(itemId, { ...shown, output: replaced });
    } else shown.item.value = value;
    this.#job.edits.note();
    return change;
  }

  drop(itemId: string): Change {
    this.#requireStop('edited');
    const shown = this.#find(itemId);
    const change = { before: preview(shownValue(shown)), after: undefined };
    const { edits } = this.#job;
    if (shown.place === 'QUEUE') edits.dropWaiting(shown.item);
    else if (shown.place === 'TAKEN') {
      if (!edits.dropTaken(shown.activation, shown.item)) {
        throw new NotFoundError('item', itemId, 'The code has run on it already.');
      }
      if (!isHeld(shown.activation)) this.#debugger.forget(shown.activation);
    } else {
      const { activation, output } = shown;
      activation.staged = activation.staged?.filter((each) => each !== output);
      edits.note();
    }
    this.#shown.delete(itemId);
    return change;
  }

  /** @throws SlotFullError, NotFoundError, InvalidStateError */
  inject(
    { routineId, slot: name }: { readonly routineId: string; readonly slot: string },
    value: unknown,
    isFirst: boolean,
  ) {
    this.#requireStop('edited');
    const item = this.#job.edits.inject(this.#findSlot(routineId, name), value, isFirst);
    const { itemId } = this.#show({ place: 'QUEUE', item });
    return { itemId, change: { before: undefined, after: preview(value) } };
  }

  #requireStop(wanted: string): void {
    const { number } = this.#debugger.requireStop(wanted);
    if (number === this.#stopNumber) return;
    this.#stopNumber = number;
    this.#shown = new Map();
  }

  #inQueue({ routineId, slot: name }: { readonly routineId: string; readonly slot: string }) {
    const { items } = this.#findSlot(routineId, name);
    return {
      length: items.length,
      *slice(from: number, to: number): Iterable<Shown> {
        for (let at = from; at < Math.min(to, items.length); at++) {
          const item = items.at(at);
          if (item !== undefined) yield { place: 'QUEUE', item };
        }
      },
    };
  }

  #ofActivation({
    activationId,
    of,
  }: {
    readonly activationId: number;
    readonly of: 'inputs' | 'outputs';
  }): readonly Shown[] {
    const activation = findHeld(this.#debugger, activationId);
    return of === 'inputs'
      ? activation.items.map((item) => ({ place: 'TAKEN', item, activation }))
      : (activation.staged ?? []).map((output) => ({ place: 'EMITTED', output, activation }));
  }

  #findSlot(routineId: string, name: string): SlotQueue {
    const { routines } = this.#job;
    const routine = routines.find(({ id }) => id === routineId);
    if (routine === undefined) {
      const ids = routines.map(({ id }) => id);
      throw new NotFoundError('Routine', routineId, advise(routineId, ids));
    }
    const slot = routine.slots.find((each) => each.name === name);
    if (slot !== undefined) return slot;
    const names = routine.slots.map((each) => each.name);
    throw new NotFoundError('Slot', `${routineId}.${name}`, advise(name, names));
  }

  #find(itemId: string): Shown {
    const shown = this.#shown.get(itemId);
    if (shown === undefined || !isThere(shown)) throw new NotFoundError('item', itemId, GONE);
    return shown;
  }

  #show(shown: Shown): ItemReading {
    const object = shown.place === 'EMITTED' ? shown.output : shown.item;
    let itemId = this.#ids.get(object);
    if (itemId === undefined) {
      itemId = `${this.#debugger.stop?.number ?? 0}-${this.#mark}${++this.#count}`;
      this.#ids.set(object, itemId);
    }
    this.#shown.set(itemId, shown);
    const { place } = shown;
    const value = preview(shownValue(shown));
    if (place === 'EMITTED') {
      const { routineId, activationId } = shown.activation;
      const times = { emittedAt: undefined, queuedAt: undefined };
      const port = shown.output.event;
      return { itemId, place, routineId, port, value, emittedBy: activationId, ...times };
    }
    const { slot, emittedBy, emittedMs, queuedMs } = shown.item;
    return {
      itemId,
      place,
      routineId: slot.owner.id,
      port: slot.name,
      value,
      emittedBy: emittedBy > 0 ? emittedBy : undefined,
      emittedAt: this.#job.wallTime(emittedMs),
      queuedAt: this.#job.wallTime(queuedMs),
    };
  }
}

/** The activation of this number that is held. @throws NotFoundError */
export function findHeld({ held }: JobDebugger, activationId: number): Activation {
  const found = held.find((each) => each.activationId === activationId);
  if (found !== undefined) return found;
  const ids = held.map((each) => each.activationId);
  const advice = ids.length === 0 ? 'None is held.' : `Held are: ${ids.join(', ')}.`;
  throw new NotFoundError('held activation', String(activationId), advice);
}

function shownValue(shown: Shown): unknown {
  return shown.place === 'EMITTED' ? shown.output.value : shown.item.value;
}

function isThere(shown: Shown): boolean {
  switch (shown.place) {
    case 'QUEUE': {
      for (const item of shown.item.slot.items) if (item === shown.item) return true;
      return false;
    }
    case 'TAKEN':
      return isHeld(shown.activation) && shown.activation.items.includes(shown.item);
    case 'EMITTED':
      return shown.activation.staged?.includes(shown.output) === true;
  }
}
