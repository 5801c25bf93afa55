import { z } from 'zod';
import { ValidationError } from '../lib/domain-error.ts';
import { THING_NAME } from '../lib/thing-name.ts';
import type { AgentReport } from './health.ts';

/** What is wrong with a name that is no `THING_NAME`. */
export const NAME_FORM =
  'must be 1–100 letters, digits, ".", "_", "/" or "-", and begin with a letter or digit';

/** The longest interval that something may be checked or report in: a day. */
export const LONGEST_INTERVAL_MS = 86_400_000;

const word = z.string().max(100, 'must have at most 100 characters').optional();
const text = z.string().max(2_000, 'must have at most 2,000 characters').optional();
const INTERVAL_FORM = `must be 50–${LONGEST_INTERVAL_MS.toLocaleString('en')} milliseconds`;

const reportSchema = z.object({
  name: z.string().regex(THING_NAME, NAME_FORM),
  status: word,
  health: word,
  message: text,
  description: text,
  details: z.unknown().optional(),
  expectedIntervalMs: z
    .int(INTERVAL_FORM)
    .min(50, INTERVAL_FORM)
    .max(LONGEST_INTERVAL_MS, INTERVAL_FORM)
    .optional(),
});

/** Checks what an agent reports. @throws ValidationError with everything that is wrong */
export function readReport(report: AgentReport): AgentReport {
  const read = reportSchema.safeParse(report);
  const issues = (read.error?.issues ?? []).map(({ path, message }) => ({
    path: path.map((key) => (typeof key === 'number' ? key : String(key))),
    message,
  }));
  if (report.status === undefined && report.health === undefined) {
    issues.push({ path: ['status'], message: 'Give `status`, `health`, or both.' });
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return report;
}
