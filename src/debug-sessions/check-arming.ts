import type { StartBreakpoint } from '../debugger/debug-request.ts';
import type { Issue } from '../lib/domain-error.ts';
import type { BreakpointBook } from './breakpoint-book.ts';
import type { KeptBreakpoint } from './kept-breakpoint.ts';

type Armed = Pick<KeptBreakpoint, 'id' | 'tenant' | 'jobId' | 'flowId' | 'after'>;

/** What is wrong with the breakpoint that is to arm another; `path` is the field. */
export function checkAfter(armed: Armed, book: BreakpointBook): Issue[] {
  const { id, tenant, jobId, flowId, after } = armed;
  if (after === undefined) return [];
  const path = ['after'];
  const arming = after === id ? armed : book.get(after);
  const isNear =
    arming?.tenant === tenant &&
    arming.flowId === flowId &&
    (arming.jobId === undefined || arming.jobId === jobId);
  if (!isNear) {
    const owner = jobId === undefined ? `flow "${flowId}"` : `job ${jobId}, nor its flow,`;
    return [{ path, message: `There is no breakpoint "${after}" of ${owner} that could arm it.` }];
  }
  // Those that are there already arm each other without a circle.
  for (let at: Armed | undefined = arming; at !== undefined; at = armerOf(at, book)) {
    if (at.id === id) return [{ path, message: CIRCLE }];
  }
  return [];
}

/** The same for breakpoints that are given with a job: `after` names one of the flow, `afterIndex` one of the list. */
export function checkStartAfter(
  list: readonly StartBreakpoint[],
  index: number,
  ofFlow: Pick<Armed, 'tenant' | 'flowId'>,
  book: BreakpointBook,
): Issue[] {
  const { after, afterIndex } = list[index] ?? {};
  const path = ['afterIndex'];
  if (after !== undefined && afterIndex !== undefined) {
    return [{ path, message: 'Give either `after` or `afterIndex`.' }];
  }
  if (after !== undefined) {
    return checkAfter({ id: '', jobId: undefined, ...ofFlow, after }, book);
  }
  if (afterIndex === undefined) return [];
  if (list[afterIndex] === undefined) {
    return [{ path, message: `There is no breakpoint at position ${afterIndex} of the list.` }];
  }
  const passed = new Set<number>();
  for (let at: number | undefined = afterIndex; at !== undefined; at = list[at]?.afterIndex) {
    if (at === index) return [{ path, message: CIRCLE }];
    if (passed.has(at)) break; // a circle of others: each of them is told
    passed.add(at);
  }
  return [];
}

function armerOf({ after }: Armed, book: BreakpointBook): Armed | undefined {
  return after === undefined ? undefined : book.get(after);
}

const CIRCLE = 'It would have to be hit before it is armed.';
