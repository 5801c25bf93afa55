import { checkBreakpoint } from '../debugger/check-breakpoint.ts';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import type { KeptBreakpoint } from './kept-breakpoint.ts';

/** What is wrong with a breakpoint in its flow as that is now; `undefined` when the flow is not on this server. */
export function faultsOf(
  breakpoint: KeptBreakpoint,
  flows: Pick<FlowRegistry, 'get'>,
): readonly string[] | undefined {
  const flow = flows.get(breakpoint.flowId);
  return flow && checkBreakpoint(flow, breakpoint).map(({ message }) => message);
}
