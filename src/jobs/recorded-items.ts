import { DevalueError } from 'devalue';
import type { Activation, JobBeginning } from '../engine/index.ts';
import { messageOf } from '../lib/domain-error.ts';
import type { RecordedItems } from '../monitoring/readings.ts';
import { readValues, TooLargeError, ValueWriter, type WrittenValues } from './checkpoint-values.ts';

/** An item that an activation took, or is to take. */
export type RecordedItem = JobBeginning['items'][number];

/** What is in the text of recorded items. To be raised with every change that older programs would misread. */
const FORMAT = 1;

/** The text of recorded items, which is JSON. */
interface ItemsText {
  readonly format: number;
  /** Of each item its slot and the number of its value. */
  readonly items: readonly (readonly [slot: string, number: number])[];
  readonly values: WrittenValues;
}

/** The longest text of the items that a job begins with, in characters. */
export const MOST_RERUN_CHARACTERS = 1024 * 1024;

/** About what the text has of an item besides its value, in characters. */
const WEIGHT_AROUND = 16;

/**
 * Writes items down; values are what a checkpoint can hold: plain data, dates, maps, sets … The work is bounded by
 * `maxCharacters`, however large the values are.
 */
export function writeItems(items: readonly RecordedItem[], maxCharacters: number): RecordedItems {
  const writer = new ValueWriter({ maxCharacters, weightAround: WEIGHT_AROUND });
  let place = 'They';
  try {
    const written = items.map(({ slot, value }) => {
      place = `An item in slot "${slot}"`;
      return [slot, writer.put(value)] as const;
    });
    const text: ItemsText = { format: FORMAT, items: written, values: writer.written };
    const json = JSON.stringify(text);
    return json.length > maxCharacters ? { kind: 'TOO_LARGE' } : { kind: 'KEPT', text: json };
  } catch (error) {
    if (error instanceof TooLargeError) return { kind: 'TOO_LARGE' };
    // Getters and proxies among the values may throw anything.
    const path = error instanceof DevalueError && error.path !== '' ? `, at ${error.path},` : '';
    const problem = `${place}${path} can't be written down: ${messageOf(error)}.`;
    return { kind: 'NOT_WRITABLE', problem };
  }
}

/** Reads what `writeItems` wrote: each time new values. */
export function readItems(text: string): RecordedItem[] {
  const { format, items, values } = JSON.parse(text) as ItemsText; // written from one
  if (format !== FORMAT)
    throw new Error(`Recorded items have format ${format}; this program reads ${FORMAT}.`);
  const read = readValues(values);
  return items.map(([slot, number]) => ({ slot, value: read(number) }));
}

/** The items of an activation, as they are now. */
export function itemsOf({ items }: Activation): RecordedItem[] {
  return items.map(({ slot, value }) => ({ slot: slot.name, value }));
}

/** The longest text of the items of one activation in a trace, in characters. */
const MOST_OF_ONE = 16 * 1024;

/** Looking at items that turn out to be too large may take so many times what there is room for. */
const EFFORT = 4;

/**
 * Writes down the items of one activation after the other, as long as there is room.
 * @param maxCharacters of all texts together
 */
export function createItemRecorder(
  maxCharacters: number,
): (activation: Activation) => RecordedItems {
  let room = maxCharacters;
  let effort = maxCharacters * EFFORT;
  return (activation) => {
    if (effort <= 0 || room <= 0) return { kind: 'NO_ROOM' };
    const most = Math.min(MOST_OF_ONE, room);
    const recorded = writeItems(itemsOf(activation), most);
    if (recorded.kind === 'KEPT') {
      room -= recorded.text.length;
      return recorded;
    }
    effort -= most;
    return recorded.kind === 'TOO_LARGE' && most < MOST_OF_ONE ? { kind: 'NO_ROOM' } : recorded;
  };
}
