import type { Flow } from '../engine/index.ts';
import type { BreakpointKind } from './breakpoint.ts';

/** What an expression is about: a breakpoint of a kind, a held activation, a routine, or the whole job. */
export type ExpressionPlace = BreakpointKind | 'ACTIVATION' | 'ROUTINE_ALONE' | 'JOB';

/** A name that expressions may read. */
export interface ReadableName {
  readonly name: string;
  readonly description: string;
}

const OF_JOB: readonly ReadableName[] = [
  { name: 'job', description: 'The job: `id`, `flowId`.' },
  { name: 'input', description: "The job's input." },
  { name: 'data', description: 'What the routines of the job share: a map.' },
];
const OF_ROUTINE: readonly ReadableName[] = [
  { name: 'routine', description: 'Name of the routine.' },
  { name: 'config', description: 'Its configuration. Secrets are masked.' },
  { name: 'state', description: 'Its state.' },
];
const OF_ACTIVATION: readonly ReadableName[] = [
  { name: 'activation', description: 'Number of the activation.' },
  { name: 'attempt', description: '1 for the first run on these items.' },
  { name: 'item', description: 'The item it took; the first of several.' },
  { name: 'items', description: 'All items it took: a list.' },
  { name: 'inputs', description: 'What its code gets, by slot.' },
];
const HITS = { name: 'hits', description: 'How often the breakpoint was hit in the job before.' };
const EVENT = { name: 'event', description: 'Name of the event.' };
const OUTPUT = { name: 'output', description: 'The item that is emitted.' };
const OUTPUTS = { name: 'outputs', description: 'What is kept back: a list of `event`, `value`.' };
const ERROR = {
  name: 'error',
  description: 'What the code failed with: `name`, `message`, `code`.',
};
const QUEUE = {
  name: 'queue',
  description: 'The queue: `routine`, `slot`, `length`, `maxLength`, `usage`, `level`.',
};
const QUEUES = { name: 'queues', description: 'The items that wait, by slot: lists.' };

const ABOUT_ACTIVATION = [...OF_JOB, ...OF_ROUTINE, ...OF_ACTIVATION];

const OF_PLACE: Readonly<Record<ExpressionPlace, readonly ReadableName[]>> = {
  ROUTINE: [...ABOUT_ACTIVATION, HITS],
  SLOT: [...ABOUT_ACTIVATION, HITS],
  EVENT: [...ABOUT_ACTIVATION, HITS, EVENT, OUTPUT],
  EXCEPTION: [...ABOUT_ACTIVATION, HITS, ERROR],
  PRESSURE: [...OF_JOB, ...OF_ROUTINE, HITS, QUEUE],
  ACTIVATION: [...ABOUT_ACTIVATION, OUTPUTS, ERROR],
  ROUTINE_ALONE: [...OF_JOB, ...OF_ROUTINE, QUEUES],
  JOB: OF_JOB,
};

const HAS_ITEMS: ReadonlySet<ExpressionPlace> = new Set([
  'ROUTINE',
  'SLOT',
  'EVENT',
  'EXCEPTION',
  'ACTIVATION',
]);

/**
 * The names that expressions may read at a place. Slots of the routine can be named as they are, unless they are called
 * like one of the others.
 */
export function readableNames(
  place: ExpressionPlace,
  flow?: Flow,
  routineId?: string,
): readonly ReadableName[] {
  const names = OF_PLACE[place];
  if (!HAS_ITEMS.has(place)) return names;
  const slots = flow?.routines.find(({ id }) => id === routineId)?.slots ?? [];
  const taken = new Set(names.map(({ name }) => name));
  const own = slots
    .filter(({ name }) => !taken.has(name))
    .map(({ name }) => ({ name, description: 'What the code gets of this slot.' }));
  return [...names, ...own];
}
