import { defineFlow, defineRoutine, event, slot } from 'millrace/engine';
import { z } from 'zod';
import type { App, AppOptions } from '../../src/app.ts';
import type { DebugSession } from '../../src/debug-sessions/debug-session.ts';
import { ask, openApp, startJob } from '../api/api.ts';
import { passes } from '../engine/parts.ts';
import {
  GetDebugSessionDocument,
  type StartBreakpointInput,
  type StartDebugInput,
} from '../generated/operations.ts';

const split = defineRoutine({
  type: 'splits',
  slots: { order: slot<{ lines: number[] }>() },
  events: { line: event<number>() },
  run: ({ order }, ctx) => {
    for (const line of order.lines) ctx.emit('line', line);
  },
});

const scale = defineRoutine({
  type: 'scales',
  config: z.object({ factor: z.number(), token: z.string() }),
  secrets: ['token'],
  state: () => ({ done: 0, known: new Map([['deep', { list: [1, [2, 3]] }]]) }),
  slots: { line: slot<number>() },
  events: { scaled: event<number>() },
  run: ({ line }, ctx) => {
    ctx.state.done++;
    if (line < 0) throw new RangeError(`${line} is negative.`);
    return ctx.emit('scaled', line * ctx.config.factor);
  },
});

/** split → scale (by 10) → sum: scales the lines of an order one by one. */
export function orders(id = 'orders') {
  const input = z.object({ lines: z.array(z.number()) });
  return defineFlow({ id, input }, (f) => {
    const splits = f.add('split', split);
    const scales = f.add('scale', scale, { config: { factor: 10, token: 'hunter2' } });
    const sums = f.add('sum', passes<number>());
    f.connect(f.input, splits.slots.order);
    f.connect(splits.events.line, scales.slots.line);
    f.connect(scales.events.scaled, sums.slots.item);
    return { scaled: sums.events.item };
  });
}

/** An app that can run the flow, and evaluates expressions. */
export function openDebugged(options: Partial<AppOptions> = {}): Promise<App> {
  return openApp({ flows: [orders()], debugger: { evaluation: true }, ...options });
}

/** Starts a job on the order; answers its id. */
export function startOrder(app: App, lines: readonly number[], debug: StartDebugInput) {
  return startJob(app, { flowId: 'orders', input: { lines }, debug });
}

/** Waits until a job stands still for the n-th time. */
export async function stopOf(app: App, id: string, number: number): Promise<DebugSession> {
  for (;;) {
    const [session] = await app.createContext().debug.findMany([id.replace('Job:', '')]);
    if (session === undefined || session.status === 'ENDED') throw new Error(`${id} has ended.`);
    if (session.stop?.number === number) return session;
    await new Promise((keep) => setImmediate(keep));
  }
}

/** A job that stands still at its first breakpoint. */
export async function openStopped(
  breakpoint: StartBreakpointInput = { kind: 'SLOT', routineId: 'scale', slot: 'line' },
  lines: readonly number[] = [1, 2, 3],
  options: Partial<AppOptions> = {},
) {
  const app = await openDebugged(options);
  const jobId = await startOrder(app, lines, { breakpoints: [breakpoint] });
  await stopOf(app, jobId, 1);
  return { app, jobId, ...(await frameOf(app, jobId)) };
}

/** The session of a job. */
export async function sessionOf(app: App, jobId: string) {
  const { debugSession } = await ask(app, GetDebugSessionDocument, { jobId });
  if (debugSession === null || debugSession === undefined) throw new Error(`No job ${jobId}.`);
  return debugSession;
}

/** The activation that stopped a job, and the first item it took. */
export async function frameOf(app: App, jobId: string) {
  const { stop } = await sessionOf(app, jobId);
  const [frame] = stop?.frames ?? [];
  if (frame === undefined) throw new Error(`${jobId} does not stand still at an activation.`);
  return { frame, item: frame.items?.nodes[0], activationId: frame.activationId };
}
