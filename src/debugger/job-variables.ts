import type { Activation, RoutineRun } from '../engine/index.ts';
import { NotFoundError, ValidationError } from '../lib/domain-error.ts';
import { preview } from '../lib/preview.ts';
import { advise } from './check-breakpoint.ts';
import type {
  Change,
  Range,
  ScopeName,
  VariableQuery,
  VariableReading,
  Where,
} from './debug-host.ts';
import { setInPlace, withReplaced } from './edit-value.ts';
import type { JobDebugger } from './job-debugger.ts';
import { findHeld } from './job-items.ts';
import type { Step } from './variable-parts.ts';
import { type ReadOptions, readChildren, readVariable } from './variables.ts';

/** What is looked into, found. */
interface Place {
  readonly activation: Activation | undefined;
  readonly routine: RoutineRun | undefined;
}

const EDITING: Readonly<Record<ScopeName, NonNullable<ReadOptions['editing']>>> = {
  inputs: 'BY_COPY',
  outputs: 'BY_COPY',
  error: 'NONE',
  config: 'NONE',
  state: 'IN_PLACE',
  data: 'IN_PLACE',
  input: 'NONE',
};

/** The variables of a job that stands still, scope by scope. */
export class JobVariables {
  readonly #debugger: JobDebugger;

  constructor(jobDebugger: JobDebugger) {
    this.#debugger = jobDebugger;
  }

  /** @throws NotFoundError, InvalidStateError; so do the others */
  readScopes(where: Where): readonly VariableReading[] {
    const place = this.find(where, 'looked into');
    return scopesOf(place).map((scope) => this.#read(place, scope, []));
  }

  read({ scope, path, ...where }: VariableQuery): VariableReading {
    return this.#read(this.find(where, 'looked into'), scope, path);
  }

  readChildren({ scope, path, ...where }: VariableQuery, range: Range) {
    const root = this.#root(this.find(where, 'looked into'), scope);
    return readChildren(root, scope, path, range, optionsOf(scope));
  }

  /** @throws ValidationError when it can't be set */
  set({ scope, path, ...where }: VariableQuery, value: unknown): Change {
    const place = this.find(where, 'edited');
    const root = this.#root(place, scope);
    const change = this.#set(place, scope, root, path, value);
    this.#debugger.job.edits.note();
    return change;
  }

  /** @throws NotFoundError, InvalidStateError */
  find({ activationId, routineId }: Where, wanted: string): Place {
    this.#debugger.requireStop(wanted);
    if (activationId !== undefined) {
      const activation = findHeld(this.#debugger, activationId);
      return { activation, routine: activation.routine };
    }
    if (routineId === undefined) return { activation: undefined, routine: undefined };
    const { routines } = this.#debugger.job;
    const routine = routines.find(({ id }) => id === routineId);
    if (routine !== undefined) return { activation: undefined, routine };
    const ids = routines.map(({ id }) => id);
    throw new NotFoundError('Routine', routineId, advise(routineId, ids));
  }

  #read(place: Place, scope: ScopeName, path: readonly Step[]): VariableReading {
    const reading = readVariable(this.#root(place, scope), scope, path, optionsOf(scope));
    return scope === 'state' && path.length === 0 ? { ...reading, canSet: true } : reading;
  }

  #root(place: Place, scope: ScopeName): unknown {
    const scopes = scopesOf(place);
    if (!scopes.includes(scope)) throw new NotFoundError('scope', scope, advise(scope, scopes));
    const { activation, routine } = place;
    const { job, scope: values } = this.#debugger;
    switch (scope) {
      case 'inputs':
        return activation?.routine.inputsFrom(activation.items);
      case 'outputs':
        return activation?.staged ?? [];
      case 'error':
        return activation?.error;
      case 'config':
        return routine && values.maskedConfig(routine);
      case 'state':
        return routine?.state;
      case 'data':
        return job.context.data;
      case 'input':
        return job.input;
    }
  }

  #set(
    { activation, routine }: Place,
    scope: ScopeName,
    root: unknown,
    path: readonly Step[],
    value: unknown,
  ): Change {
    if (scope === 'state' && routine !== undefined && path.length === 0) {
      const before = preview(routine.state);
      routine.state = value;
      return { before, after: preview(value) };
    }
    if (scope === 'inputs' && activation !== undefined) return setInput(activation, path, value);
    if (scope === 'outputs' && activation !== undefined) return setOutput(activation, path, value);
    const [key] = path;
    if (scope === 'data' && path.length === 1 && typeof key === 'string') {
      const { data } = this.#debugger.job.context;
      const before = data.has(key) ? preview(data.get(key)) : undefined;
      data.set(key, value);
      return { before, after: preview(value) };
    }
    if (scope === 'state' || scope === 'data') return setInPlace(root, scope, path, value);
    const message = `"${scope}" is only to be looked at; state, data, inputs and outputs can be set.`;
    throw new ValidationError([{ path: ['input', 'scope'], message }]);
  }
}

function scopesOf({ activation, routine }: Place): readonly ScopeName[] {
  const ofJob = ['data', 'input'] as const;
  if (routine === undefined) return ofJob;
  const ofRoutine = ['config', 'state', ...ofJob] as const;
  if (activation === undefined) return ofRoutine;
  const { phase, hasFailed } = activation;
  const outputs = phase === 'HELD_BEFORE' ? [] : (['outputs'] as const);
  const error = hasFailed ? (['error'] as const) : [];
  return ['inputs', ...outputs, ...error, ...ofRoutine];
}

function optionsOf(scope: ScopeName): ReadOptions {
  return { editing: EDITING[scope], isMasked: scope === 'config' };
}

/** Two slots may share one object: what is changed is a copy. */
function setInput(activation: Activation, path: readonly Step[], value: unknown): Change {
  const [slot, ...rest] = path;
  const own = activation.items.filter((item) => item.slot.name === slot);
  const isList = activation.routine.policy.shape === 'many';
  const [position] = isList ? rest : [0];
  const item = typeof position === 'number' ? own[position] : undefined;
  if (item === undefined) {
    const message =
      'Name a slot, and of a list of items the position: only what was taken can be set.';
    throw new ValidationError([{ path: ['input', 'path'], message }]);
  }
  const within = isList ? rest.slice(1) : rest;
  const before = readVariable(item.value, 'item', within).value;
  item.value = withReplaced(item.value, 'item', within, value);
  return { before, after: preview(value) };
}

function setOutput(activation: Activation, path: readonly Step[], value: unknown): Change {
  const [position, field, ...within] = path;
  const output = typeof position === 'number' ? activation.staged?.[position] : undefined;
  if (output === undefined || field !== 'value') {
    const message = 'Name the position of an output and its "value": what it is emitted as stays.';
    throw new ValidationError([{ path: ['input', 'path'], message }]);
  }
  const before = readVariable(output.value, 'output', within).value;
  const replaced = { ...output, value: withReplaced(output.value, 'output', within, value) };
  activation.staged = activation.staged?.map((each) => (each === output ? replaced : each));
  return { before, after: preview(value) };
}
