import { z } from 'zod';
import { KEEP_FORM, readKeepLimits } from './keep-limits.ts';
import { choice, onOff, text, wholeNumber } from './option.ts';

const HOUR_MS = 3_600_000;

/** What the server does, and what it says of it. */
export const workOptions = {
  readOnly: onOff('let nobody start or change jobs through the API', false, 'switch'),
  evaluation: onOff('whether people may evaluate expressions in jobs, to debug them', false),
  keep: text('what is kept for how long, by age and count', {
    placeholder: 'LIMITS',
    schema: z.string(KEEP_FORM).refine((limits) => readKeepLimits(limits) !== undefined, KEEP_FORM),
    default:
      'jobs=365d,1000000 traces=30d,100000 audit=365d,1000000 log=10000 events=100000 minutes=2d hours=60d days=1826d',
  }),
  maxRunningJobs: wholeNumber('most jobs that run at once; others wait', {
    least: 1,
    most: 100_000,
    default: 64,
  }),
  checkpointIntervalMs: wholeNumber(
    'how often a running job that changes is checkpointed, in milliseconds',
    { placeholder: 'MS', least: 10, most: HOUR_MS, default: 5_000 },
  ),
  pauseTtlMs: wholeNumber(
    'how long a job stands still in the debugger when nobody does anything, in milliseconds; 0 for ever',
    { placeholder: 'MS', least: 0, most: 168 * HOUR_MS, default: 900_000 },
  ),
  leaseMs: wholeNumber(
    'how long a debug session stays with its owner who does nothing more, in milliseconds',
    { placeholder: 'MS', least: 1000, most: 168 * HOUR_MS, default: 300_000 },
  ),
  codeGraceMs: wholeNumber(
    'how long code of jobs may go on when the server stops, in milliseconds',
    {
      placeholder: 'MS',
      least: 0,
      most: HOUR_MS,
      default: 10_000,
    },
  ),
  logLevel: choice(
    'the least that is logged, to standard error as JSON lines',
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'warn',
  ),
  logVariables: onOff(
    'whether the variables of operations are logged; they may hold secrets',
    false,
  ),
};
