import { z } from 'zod';
import type { BreakpointProgress } from '../debugger/breakpoint.ts';
import type { DebugSnapshot, Stop } from '../debugger/debug-host.ts';
import type { Watch } from './debug-session.ts';

/** How a job is debugged, as it is kept. Plain data; times are in milliseconds since the Unix epoch. */
export interface KeptSession {
  readonly debug: DebugSnapshot;
  /** Whether the job is to stop before its first activation. */
  readonly stopsAtEntry: boolean;
  /** Who may change something; `undefined` for nobody in particular. */
  readonly owner: string | undefined;
  /** Until when nobody else can be the owner without taking the session over. */
  readonly leaseUntil: number | undefined;
  /** After how many milliseconds a stop goes on by itself. `undefined`: as the server is set; 0: never. */
  readonly pauseTtlMs: number | undefined;
  /** When the job, which stands still, goes on by itself. */
  readonly resumeAt: number | undefined;
  readonly watches: readonly Watch[];
}

/** A session without what has a column of its own. */
type SessionText = Omit<KeptSession, 'resumeAt'>;

/** What JSON leaves out when it is `undefined`. */
const optional = <Value>(type: z.ZodType<Value>) => type.optional().transform((value) => value);

const stop: z.ZodType<Stop> = z.object({
  number: z.number(),
  reason: z.enum(['BREAKPOINT', 'STEP', 'PAUSE', 'EXCEPTION', 'ENTRY', 'PRESSURE']),
  at: z.number(),
  breakpointIds: z.array(z.string()),
  activationIds: z.array(z.number()),
  queue: optional(z.object({ routineId: z.string(), slot: z.string() })),
  isByHand: z.boolean().default(false),
});

const progress: z.ZodType<BreakpointProgress> = z.object({
  hitCount: z.number(),
  isArmed: z.boolean(),
  isSpent: z.boolean(),
  lastHitAt: optional(z.number()),
  lastHitActivationId: optional(z.number()),
  lastError: optional(z.string()),
  problem: optional(z.string()),
});

const debug: z.ZodType<DebugSnapshot> = z.object({
  stop: optional(stop),
  stopCount: z.number(),
  step: optional(z.enum(['OVER', 'INTO', 'OUT'])),
  released: z.array(z.number()).default([]),
  progress: z.record(z.string(), progress),
});

const sessionText: z.ZodType<SessionText> = z.object({
  debug,
  stopsAtEntry: z.boolean(),
  owner: optional(z.string()),
  leaseUntil: optional(z.number()),
  pauseTtlMs: optional(z.number()),
  watches: z.array(z.object({ id: z.string(), expression: z.string() })),
});

/** The text of a session: JSON, without `resumeAt`. */
export function writeSession({ resumeAt: _, ...text }: KeptSession): string {
  return JSON.stringify(text);
}

/** Reads what `writeSession` wrote. @throws when it is anything else */
export function readSession(text: string, resumeAt: number | undefined): KeptSession {
  const { data, error } = sessionText.safeParse(JSON.parse(text));
  if (data !== undefined) return { ...data, resumeAt };
  const [{ path, message } = { path: [], message: '' }] = error.issues;
  throw new Error(path.length === 0 ? message : `${path.join('.')}: ${message}`);
}
