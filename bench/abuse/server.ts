/* The server that is attacked, with all defaults of `millrace start`, and a job whose events somebody follows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { createApp } from '../../src/app.ts';
import { appOptionsOf, serveOptionsOf } from '../../src/cli/start-config.ts';
import { readConfig } from '../../src/config/read-config.ts';
import { defineFlow, defineRoutine, slot } from '../../src/engine/index.ts';
import { DEFAULT_TENANT } from '../../src/lib/identity.ts';
import { answerParent } from '../harness/child.ts';
import { collectGarbage } from '../harness/rounds.ts';
import { monotonicMs } from '../load/clock.ts';

/** Jobs that dear documents can ask for. */
const JOBS = 200;
/** How often the job has an event, in milliseconds. */
const EVENT_MS = 100;
/** How often memory is looked at, in milliseconds. */
const SAMPLE_MS = 50;
const RESOLUTION_MS = 1;

/** What the server's process did during an attack. */
export interface ServerReport {
  /** How late its timers were, in milliseconds. */
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  /** Processor time by the time that passed. */
  readonly busy: number;
  /** The most memory it had, in bytes. */
  readonly mostMemory: number;
  /** The number of the newest event. */
  readonly lastSequence: number;
}

const directory = mkdtempSync(join(tmpdir(), 'millrace-abuse-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));

const waiting = defineRoutine({
  type: 'waiting',
  run: (_, { signal }) =>
    new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true })),
});
const noop = defineRoutine({
  type: 'noop',
  slots: { input: slot<unknown>() },
  run: () => undefined,
});
const followed = defineFlow({ id: 'followed' }, (f) => void f.add('clean', waiting));
const short = defineFlow({ id: 'short' }, (f) => {
  f.connect(f.input, f.add('noop', noop).slots.input);
});

const found = await readConfig({ args: ['--port', '0'], environment: {}, directory });
const config = { ...found.config, dataDir: directory };
const logger = pino({ level: config.logLevel }, pino.destination('/dev/null'));
const app = await createApp({
  ...appOptionsOf({ ...found, config }, logger),
  flows: [followed, short],
});
const good = await app.keys.create({ subject: 'good', scopes: ['read'] });
const bad = await app.keys.create({ subject: 'attacker', scopes: ['read', 'control'] });
for (let at = 0; at < JOBS; at++) await app.jobs.start({ flowId: short.id, input: { at } });
const job = await app.jobs.start({ flowId: followed.id, input: {} });
const { port, isOpen } = await app.listen(serveOptionsOf({ ...found, config }));
if (isOpen) throw new Error('Authentication is not on.');

let lastSequence = 0;
setInterval(() => {
  const message = `${++lastSequence} ${monotonicMs()}`;
  app.services.jobEvents.record(
    { jobId: job.id, tenant: DEFAULT_TENANT, flowId: followed.id },
    Date.now(),
    { type: 'LOG_WRITTEN', routineId: 'clean', level: 'INFO', message },
  );
}, EVENT_MS);

let delays: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
let cpu = process.cpuUsage();
let startMs = monotonicMs();
let mostMemory = 0;
setInterval(() => {
  mostMemory = Math.max(mostMemory, process.memoryUsage.rss());
}, SAMPLE_MS);

const tasks = {
  describe: (_request: object) => ({
    port,
    jobId: `Job:${job.id}`,
    goodKey: good.text,
    attackerKey: bad.text,
  }),
  /** Begins to note how the process is. */
  watch(_request: object) {
    delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delays.enable();
    cpu = process.cpuUsage();
    startMs = monotonicMs();
    mostMemory = process.memoryUsage.rss();
  },
  /** How it was since then. */
  report(_request: object): ServerReport {
    delays.disable();
    const { user, system } = process.cpuUsage(cpu);
    const toDelay = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    return {
      loopP99Ms: toDelay(delays.percentile(99)),
      loopMaxMs: toDelay(delays.max),
      busy: (user + system) / 1000 / (monotonicMs() - startMs),
      mostMemory,
      lastSequence,
    };
  },
  /** The memory of the process without garbage, in bytes. */
  async readMemory(_request: object) {
    for (let times = 0; times < 4; times++) {
      collectGarbage();
      await sleep(100);
    }
    return process.memoryUsage.rss();
  },
};

export type AttackedTasks = typeof tasks;

answerParent(tasks);
