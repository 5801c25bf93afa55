import type { FinalErrorStrategy } from './error-strategy.ts';
import type {
  Connection,
  CrashStrategy,
  EventRef,
  FlowFault,
  FlowRoutine,
  SlotRef,
} from './flow.ts';
import type { OverflowPolicy } from './slot-queue.ts';

/** A flow's graph as it was written down, before anything is known to be right. */
export interface FlowDraft {
  readonly id: string;
  readonly onCrash: CrashStrategy;
  readonly routines: readonly FlowRoutine[];
  readonly connections: readonly Connection[];
  readonly entries: readonly SlotRef[];
  readonly outputs: Readonly<Record<string, EventRef>>;
}

/** What was found in a flow's graph. */
export interface FlowCheck {
  /** What makes the flow impossible to run. */
  readonly faults: readonly FlowFault[];
  readonly warnings: readonly FlowFault[];
}

const ID = /^[A-Za-z][A-Za-z0-9_-]*$/;

/** Finds everything wrong with a flow at once. */
export function checkFlow(draft: FlowDraft): FlowCheck {
  const faults: FlowFault[] = [];
  const report = (code: FlowFault['code'], at: string | undefined, message: string) =>
    faults.push({ code, at, message });

  if (!ID.test(draft.id)) {
    report('INVALID_ID', undefined, `Flow id "${draft.id}": ${ID_RULE}`);
  }
  if (!CRASH_STRATEGIES.includes(draft.onCrash)) {
    const message = `Flow "${draft.id}": onCrash ${draft.onCrash} must be ${CRASH_STRATEGIES.join(', ')}.`;
    report('INVALID_OPTION', undefined, message);
  }
  if (draft.routines.length === 0) {
    report('EMPTY_FLOW', undefined, `Flow "${draft.id}" has no routine; add at least one.`);
  }

  const byId = new Map<string, FlowRoutine>();
  for (const routine of draft.routines) {
    if (!ID.test(routine.id)) {
      report('INVALID_ID', routine.id, `Routine id "${routine.id}": ${ID_RULE}`);
    }
    if (byId.has(routine.id)) {
      report('DUPLICATE_ROUTINE', routine.id, `Two routines have the id "${routine.id}".`);
      continue;
    }
    byId.set(routine.id, routine);
    checkOptions(routine, report);
  }

  const checkSlot = ({ routine, slot }: SlotRef) => {
    const at = `${routine}.${slot}`;
    const owner = byId.get(routine);
    if (owner === undefined) {
      report('UNKNOWN_ROUTINE', at, unknown('routine', routine, [...byId.keys()]));
    } else if (!owner.slots.some(({ name }) => name === slot)) {
      const known = owner.slots.map(({ name }) => name);
      report('UNKNOWN_SLOT', at, unknown(`slot of routine "${routine}"`, slot, known));
    }
  };
  const checkEvent = ({ routine, event }: EventRef) => {
    const at = `${routine}.${event}`;
    const owner = byId.get(routine);
    if (owner === undefined) {
      report('UNKNOWN_ROUTINE', at, unknown('routine', routine, [...byId.keys()]));
    } else if (!Object.hasOwn(owner.events, event)) {
      const known = Object.keys(owner.events);
      report('UNKNOWN_EVENT', at, unknown(`event of routine "${routine}"`, event, known));
    }
  };

  const seen = new Set<string>();
  for (const { from, to } of draft.connections) {
    checkEvent(from);
    checkSlot(to);
    const key = `${from.routine}.${from.event} → ${to.routine}.${to.slot}`;
    if (seen.has(key)) {
      report('DUPLICATE_CONNECTION', `${to.routine}.${to.slot}`, `${key} is connected twice.`);
    }
    seen.add(key);
  }
  for (const entry of draft.entries) {
    checkSlot(entry);
    const at = `${entry.routine}.${entry.slot}`;
    if (seen.has(at)) {
      report('DUPLICATE_CONNECTION', at, `The job's input is connected twice to ${at}.`);
    }
    seen.add(at);
  }
  Object.values(draft.outputs).forEach(checkEvent);

  const fed = new Set(
    [...draft.connections.map(({ to }) => to), ...draft.entries].map(
      ({ routine, slot }) => `${routine}.${slot}`,
    ),
  );
  for (const routine of byId.values()) {
    for (const slot of routine.slots) {
      const at = `${routine.id}.${slot.name}`;
      if (slot.required && !fed.has(at)) {
        report('UNCONNECTED_SLOT', at, `Nothing is connected to the required slot "${at}".`);
      }
    }
  }
  const warnings = [...findUnreachable(draft, byId), ...findStarving(byId, fed)];
  return { faults, warnings: faults.length > 0 ? [] : warnings };
}

const OVERFLOW_POLICIES: readonly string[] = [
  'block',
  'error',
  'dropOldest',
  'dropNewest',
] satisfies OverflowPolicy[];

const FINAL_STRATEGIES: readonly string[] = [
  'stop',
  'continue',
  'skip',
] satisfies FinalErrorStrategy[];

const CRASH_STRATEGIES: readonly string[] = ['resume', 'restart', 'fail'] satisfies CrashStrategy[];

const ID_RULE = 'use letters, digits, "_" and "-", beginning with a letter.';

function unknown(kind: string, name: string, known: readonly string[]): string {
  const choice = known.length === 0 ? 'there are none' : `known: ${known.join(', ')}`;
  return `There is no ${kind} called "${name}" (${choice}).`;
}

type Report = (code: FlowFault['code'], at: string | undefined, message: string) => void;

function checkOptions(routine: FlowRoutine, report: Report): void {
  const { id, concurrency, timeoutMs, policy } = routine;
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    report('INVALID_OPTION', id, `"${id}": concurrency ${concurrency} must be 1 or more.`);
  }
  if (timeoutMs !== undefined && !(timeoutMs > 0)) {
    report('INVALID_OPTION', id, `"${id}": timeoutMs ${timeoutMs} must be above 0.`);
  }
  if (routine.slots.length === 0 && policy.kind !== 'NONE') {
    const message = `"${id}" has no slots, so its policy ${policy.name} can never take anything; use none().`;
    report('INVALID_OPTION', id, message);
  }
  const final = typeof routine.onError === 'string' ? routine.onError : routine.onError.then;
  if (!FINAL_STRATEGIES.includes(final)) {
    const message = `"${id}": onError ${final} must be ${FINAL_STRATEGIES.join(', ')} or retry(…).`;
    report('INVALID_OPTION', id, message);
  }
  for (const { name, maxLength, watermark, overflow } of routine.slots) {
    const at = `${id}.${name}`;
    if (!ID.test(name)) report('INVALID_ID', at, `Slot name "${name}": ${ID_RULE}`);
    if (!Number.isSafeInteger(maxLength) || maxLength < 1) {
      report('INVALID_OPTION', at, `"${at}": maxLength ${maxLength} must be 1 or more.`);
    } else if (maxLength < policy.smallestCapacity) {
      const message = `"${at}" holds ${maxLength} items, but policy ${policy.name} needs ${policy.smallestCapacity}.`;
      report('SLOT_TOO_SMALL', at, message);
    }
    if (!(watermark > 0 && watermark <= 1)) {
      report('INVALID_OPTION', at, `"${at}": watermark ${watermark} must be above 0, up to 1.`);
    }
    if (!OVERFLOW_POLICIES.includes(overflow)) {
      const message = `"${at}": overflow ${overflow} must be ${OVERFLOW_POLICIES.join(', ')}.`;
      report('INVALID_OPTION', at, message);
    }
  }
  checkSecrets(routine, report);
  for (const name of Object.keys(routine.events)) {
    if (!ID.test(name)) report('INVALID_ID', `${id}.${name}`, `Event name "${name}": ${ID_RULE}`);
  }
}

/** Secrets come from code that may not have been checked by types; one that is misread would be shown. */
function checkSecrets({ id, type }: FlowRoutine, report: Report): void {
  const secrets: unknown = type.secrets ?? [];
  const isList = Array.isArray(secrets) && secrets.every(isSecretPath);
  if (!isList) {
    const message = `"${id}": secrets of routine type "${type.type}" must be a list of keys, or paths such as "auth.token".`;
    report('INVALID_OPTION', id, message);
  } else if (secrets.length > 0 && type.config === undefined) {
    const message = `"${id}": routine type "${type.type}" has secrets, but no configuration.`;
    report('INVALID_OPTION', id, message);
  }
}

function isSecretPath(path: unknown): boolean {
  return typeof path === 'string' && path.split('.').every((key) => key !== '');
}

/** Routines that no item can ever reach: no path leads to them from a source or from the job's input. */
function findUnreachable(draft: FlowDraft, byId: ReadonlyMap<string, FlowRoutine>): FlowFault[] {
  const reached = new Set(draft.entries.map(({ routine }) => routine));
  for (const routine of byId.values()) if (routine.slots.length === 0) reached.add(routine.id);
  for (const from of reached) {
    // A set visits what is added while it is walked, so this reaches everything there is.
    for (const connection of draft.connections) {
      if (connection.from.routine === from) reached.add(connection.to.routine);
    }
  }
  return [...byId.keys()]
    .filter((id) => !reached.has(id))
    .map((id) => ({
      code: 'UNREACHABLE_ROUTINE',
      at: id,
      message: `Routine "${id}" can never run: no source and no input leads to it.`,
    }));
}

/** Routines that wait for all their slots, of which one is connected to nothing. */
function findStarving(
  byId: ReadonlyMap<string, FlowRoutine>,
  fed: ReadonlySet<string>,
): FlowFault[] {
  return [...byId.values()].flatMap(({ id, policy, slots }): FlowFault[] => {
    const empty = slots.find(({ name }) => !fed.has(`${id}.${name}`));
    if (policy.kind !== 'ALL_SLOTS_READY' || empty === undefined) return [];
    const message = `Routine "${id}" can never run: it waits for all its slots, and nothing is connected to "${id}.${empty.name}".`;
    return [{ code: 'UNREACHABLE_ROUTINE', at: id, message }];
  });
}
