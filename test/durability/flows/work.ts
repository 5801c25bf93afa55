import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type ActivationContext, defineRoutine, event } from 'millrace/engine';

/** What jobs of these flows are run on. */
export interface Work {
  /** Names the job in its effects. */
  readonly key: string;
  /** The items are 1 to this. */
  readonly count: number;
  /** The pause before each item, in milliseconds. */
  readonly paceMs: number;
  /** File that gets a line for each item. */
  readonly effects: string;
}

export function workOf({ job }: Pick<ActivationContext, 'job'>): Work {
  return job.input as Work; // the tests start jobs with nothing else
}

/** Has an effect outside of the job, at once: when the process is killed right after, it was there. */
export function leaveTrace(ctx: Pick<ActivationContext, 'job'>, item: number | string): void {
  const { key, effects } = workOf(ctx);
  appendFileSync(effects, `${key} ${item}\n`);
}

/** A source of 1 to `count` that keeps its place in its state. */
export const numbers = defineRoutine({
  type: 'numbers',
  events: { number: event<number>() },
  state: () => ({ next: 1 }),
  run: async (_, ctx) => {
    const { count, paceMs } = workOf(ctx);
    while (ctx.state.next <= count) {
      await delay(paceMs, undefined, { signal: ctx.signal });
      // Its place and the item change together: nothing is awaited in between.
      await ctx.emit('number', ctx.state.next++);
    }
  },
});
