import { setTimeout as wait } from 'node:timers/promises';
import { defineRoutine, event, type JobContext } from 'millrace/engine';
import { z } from 'zod';

/** What a sensor measured. */
export interface Reading {
  /** Number of the measurement, from 1; temperature and humidity of one time share it. */
  readonly at: number;
  readonly value: number;
}

/** What a job of `policies` can be told. `{}` will do. */
export const policiesInput = z.strictObject({
  readings: z
    .int()
    .min(1)
    .max(100_000)
    .default(200)
    .describe('How many times temperature and humidity are measured.'),
  pauseMs: z.int().min(0).default(1).describe('Milliseconds between two measurements.'),
  slowMs: z
    .int()
    .min(0)
    .default(10)
    .describe(
      'Milliseconds that a display needs for one reading: more than `pauseMs` makes it overflow.',
    ),
  failAt: z
    .int()
    .min(1)
    .optional()
    .describe('Number of the measurement at which the guard fails, and with it the job.'),
});

export type PoliciesInput = z.output<typeof policiesInput>;

/** The input of the job an activation belongs to. */
export function inputOf(job: JobContext): PoliciesInput {
  return job.input as PoliciesInput; // checked by `policiesInput`, the flow's input schema
}

/** Policy `none`, as a source: it has no slots and runs once, when the job starts. */
export const sensors = defineRoutine({
  type: 'sensors',
  description:
    'Measures temperature and humidity again and again. Policy none: runs once, by itself.',
  events: {
    temperature: event<Reading>({
      description: 'Degrees Celsius; each 20th is NaN, a broken reading.',
    }),
    humidity: event<Reading>({ description: 'Relative humidity in percent.' }),
  },
  async run(_, ctx) {
    const { readings, pauseMs } = inputOf(ctx.job);
    for (let at = 1; at <= readings; at++) {
      await ctx.emit('temperature', { at, value: at % 20 === 0 ? Number.NaN : 15 + (at % 10) });
      await ctx.emit('humidity', { at, value: 40 + (at % 30) });
      ctx.progress(at, readings, 'measurements');
      if (pauseMs > 0) await wait(pauseMs, undefined, { signal: ctx.signal });
    }
  },
});
