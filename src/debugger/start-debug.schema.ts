import { builder } from '../graphql/builder.ts';
import type { RoutineOwner } from '../graphql/ids.ts';
import { breakpointFields, changesOf, kindField } from './breakpoint-input.schema.ts';
import type { DebugRequest } from './debug-request.ts';

const StartBreakpointInput = builder.inputType('StartBreakpointInput', {
  description: 'A breakpoint that a job is started with.',
  fields: (t) => ({
    kind: kindField(t),
    ...breakpointFields(t),
    after: t.id({
      description:
        'The id of a breakpoint of the flow that has to be hit in the job before this one counts.',
    }),
    afterIndex: t.int({
      description:
        'In place of `after`: the position, from 0, in this list of the breakpoint that has to be hit before.',
    }),
  }),
});

/** How a job is to be debugged that is started. */
export const StartDebugInput = builder.inputType('StartDebugInput', {
  description: 'How a job is to be debugged from its first activation on.',
  fields: (t) => ({
    breakpoints: t.field({
      type: [StartBreakpointInput],
      description: 'Breakpoints of its own, besides those of its flow; at most 100.',
    }),
    stopAtEntry: t.boolean({
      description: 'Whether it stops before its first activation. Default false.',
    }),
    pauseTtlMs: t.float({
      description:
        'Milliseconds that a stop lasts about which nobody does anything; 0 for ever, at most 30 days. Default: as the ' +
        'server is set.',
    }),
  }),
});

/** Who may start a job: debugging it from its beginning is debugging. */
export const controlAndDebug = (
  _root: unknown,
  { input }: { readonly input: { readonly debug?: object | null | undefined } },
) => (input.debug ? { control: true, debug: true } : { control: true });

/**
 * What is asked for of the debugger with the start of a job.
 * @param owner whose routines are to be named
 * @param path where the input stands among the arguments
 * @throws ValidationError when an id is of another type, or of another owner's routine
 */
export function debugRequestOf(
  { breakpoints, stopAtEntry, pauseTtlMs }: typeof StartDebugInput.$inferInput,
  owner: RoutineOwner,
  path: readonly string[],
): DebugRequest {
  return {
    breakpoints: (breakpoints ?? []).map(({ kind, afterIndex, ...parts }, at) => ({
      kind,
      ...changesOf(parts, owner, [...path, 'breakpoints', at]),
      afterIndex: afterIndex ?? undefined,
    })),
    stopsAtEntry: stopAtEntry ?? undefined,
    pauseTtlMs: pauseTtlMs ?? undefined,
  };
}
