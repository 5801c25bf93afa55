import { setImmediate as nextTurn } from 'node:timers/promises';
import { isFinalState } from '../engine/index.ts';
import type { ServiceReading } from '../health/service.ts';
import type { CancelTimer, Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/domain-error.ts';
import type { JobReading } from '../monitoring/readings.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { OfJob, Topics } from '../pubsub/topics.ts';
import type { Alert } from './alert.ts';
import type { AlertBook } from './alert-book.ts';
import { ErrorRates } from './error-rates.ts';
import { FailureCounts, type JobFailure } from './failure-counts.ts';
import type { Look } from './look.ts';
import { lookAtQueues } from './queue-looks.ts';
import { RuleRun, type SourcedRule } from './rule-run.ts';
import { isAbout, lookAtService } from './service-looks.ts';

/** A job that failed, as it is stored. */
export interface KeptFailure {
  readonly flowId: string;
  readonly jobId: string;
  /** Milliseconds since the Unix epoch. */
  readonly finishedAt: number;
  readonly message: string;
}

export interface AlertEvaluatorParts {
  readonly book: AlertBook;
  readonly pubsub: PubSub<Topics>;
  readonly clock: Clock;
  /** The jobs of this process. */
  readonly host: {
    listRunning(): Promise<readonly OfJob[]>;
    read(jobIds: readonly string[]): Promise<readonly (JobReading | undefined)[]>;
  };
  readonly services: {
    list(tenant: string): readonly ServiceReading[];
    get(tenant: string, name: string): ServiceReading | undefined;
  };
  /** Jobs that failed at that time or later, the newest first; as many as a rule may count. */
  readonly listFailures: (
    tenant: string,
    flowId: string | undefined,
    since: number,
  ) => Promise<readonly KeptFailure[]>;
  /** Told of a rule that could not be evaluated, once each time that begins. */
  readonly onFault: (error: unknown, rule: SourcedRule) => void;
}

/** How long from the end of one round to the next, in milliseconds. */
const ROUND_MS = 1_000;

/** Jobs that are read at once; and how long a round goes on before it lets others have their turn, in milliseconds. */
const JOBS_AT_ONCE = 10;
const TURN_MS = 5;

/** A rule under evaluation, with what its kind needs. */
type Watched = { run: RuleRun } & (
  | { readonly kind: 'QUEUE_PRESSURE'; look(job: JobReading): Iterable<Look> }
  | { readonly kind: 'ROUTINE_ERROR_RATE'; readonly rates: ErrorRates }
  | {
      readonly kind: 'SERVICE_STATUS';
      isMine(name: string): boolean;
      look(service: ServiceReading): Look;
    }
  | {
      readonly kind: 'JOB_FAILURES';
      readonly failures: FailureCounts;
      /** What is told while that of before is looked up. */
      loading: JobFailure[] | undefined;
    }
);

type JobWatched = Extract<Watched, { kind: 'QUEUE_PRESSURE' | 'ROUTINE_ERROR_RATE' }>;

/**
 * Finds out whether rules hold. Running jobs are looked at in rounds, once a second, and only while there is a rule about
 * queues or routines. Rules about services and failed jobs are told what happens, and looked at in rounds only while time
 * alone can change something. A fault in one rule harms no other: it is told on the rule.
 */
export class AlertEvaluator {
  readonly #parts: AlertEvaluatorParts;
  /** By tenant and name. */
  readonly #watched = new Map<string, Watched>();
  /** Services that changed, and have not been looked at: names by tenant. */
  readonly #changed = new Map<string, Set<string>>();
  #stopListening: readonly (() => void)[] = [];
  #cancelTimer: CancelTimer | undefined;
  #round: Promise<void> | undefined;
  #isStopped = false;

  constructor(parts: AlertEvaluatorParts) {
    this.#parts = parts;
  }

  /** Listens from now on, and looks at everything once. Is kept when it has. */
  async start(): Promise<void> {
    const { pubsub } = this.#parts;
    this.#stopListening = [
      pubsub.subscribe('serviceChanged', ({ tenant, service }) =>
        this.#noteService(tenant, service),
      ),
      pubsub.subscribe('jobEvent', (event) => {
        if (event.type === 'JOB_FAILED') this.#noteFailure(event, event.errorMessage);
      }),
    ];
    await Promise.all([...this.#watched.values()].map((watched) => this.#load(watched)));
    await this.#runRound();
  }

  /** What is known of a rule while it is evaluated. */
  find(tenant: string, name: string): RuleRun | undefined {
    return this.#watched.get(keyOf(tenant, name))?.run;
  }

  /** Evaluates a rule from now on. With alerts of it from before the process began. */
  add(rule: SourcedRule, open: readonly Alert[] = [], resolved: readonly Alert[] = []): void {
    const run = new RuleRun(rule, this.#parts.book, this.#parts.clock);
    for (const alert of open) run.restore(alert);
    for (const alert of resolved) run.restoreCoolDown(alert);
    this.#watched.set(keyOf(rule.tenant, rule.name), watch(run));
  }

  /** Evaluates a rule that was added live. Is kept when it was looked at once. */
  async begin(rule: SourcedRule): Promise<void> {
    this.add(rule);
    const watched = this.#watched.get(keyOf(rule.tenant, rule.name));
    if (watched !== undefined) await this.#load(watched);
    await this.#round;
    await this.#runRound();
  }

  /** Goes on with a rule that differs only in what does not decide when it holds. */
  replace(rule: SourcedRule): void {
    const before = this.#watched.get(keyOf(rule.tenant, rule.name));
    if (before === undefined) return;
    const run = new RuleRun(rule, this.#parts.book, this.#parts.clock);
    before.run.handOver(run);
    before.run = run;
  }

  /** Evaluates a rule no more. */
  remove(
    tenant: string,
    name: string,
    why: 'RULE_CHANGED' | 'RULE_DISABLED' | 'RULE_REMOVED',
  ): void {
    this.#watched.get(keyOf(tenant, name))?.run.end(why);
    this.#watched.delete(keyOf(tenant, name));
    this.#plan();
  }

  /** Nothing is raised or resolved after it is kept. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer?.();
    for (const stop of this.#stopListening) stop();
    this.#stopListening = [];
    await this.#round;
  }

  #noteService(tenant: string, service: string): void {
    const names = this.#changed.get(tenant);
    if (names !== undefined) {
      names.add(service);
      return;
    }
    if (this.#changed.size === 0) queueMicrotask(() => this.#lookAtChanged()); // they come in bursts
    this.#changed.set(tenant, new Set([service]));
  }

  #lookAtChanged(): void {
    const changed = [...this.#changed];
    this.#changed.clear();
    if (this.#isStopped) return;
    for (const [tenant, names] of changed) {
      for (const watched of this.#watched.values()) {
        if (watched.kind !== 'SERVICE_STATUS' || watched.run.rule.tenant !== tenant) continue;
        this.#guard(watched, () => {
          for (const name of names) {
            if (!watched.isMine(name)) continue;
            const reading = this.#parts.services.get(tenant, name);
            if (reading === undefined) watched.run.forget(name, 'SUBJECT_GONE');
            else watched.run.observe(watched.look(reading));
          }
        });
      }
    }
    this.#plan();
  }

  #noteFailure({ tenant, flowId, jobId }: OfJob, message: string): void {
    const failure = { flowId, jobId, message, atMs: this.#parts.clock.monotonicMs() };
    for (const watched of this.#watched.values()) {
      if (watched.kind !== 'JOB_FAILURES' || watched.run.rule.tenant !== tenant) continue;
      if (watched.loading !== undefined) {
        watched.loading.push(failure);
        continue;
      }
      watched.failures.note(failure);
      this.#lookAtFailures(watched);
    }
    this.#plan();
  }

  #lookAtFailures(watched: Extract<Watched, { kind: 'JOB_FAILURES' }>): void {
    this.#guard(watched, () => {
      for (const look of watched.failures.look(this.#parts.clock.monotonicMs())) {
        watched.run.observe(look);
      }
    });
  }

  /** Finds what a rule has to know of the past. */
  async #load(watched: Watched): Promise<void> {
    if (watched.kind !== 'JOB_FAILURES') return;
    const { settings, tenant } = watched.run.rule;
    if (settings.kind !== 'JOB_FAILURES') return;
    const { clock, listFailures, onFault } = this.#parts;
    const live: JobFailure[] = [];
    watched.loading = live;
    let kept: readonly KeptFailure[] = [];
    try {
      kept = await listFailures(tenant, settings.flowId, clock.now() - settings.windowMs);
    } catch (error) {
      watched.run.noteProblem(`Failures of before could not be read: ${messageOf(error)}`);
      onFault(error, watched.run.rule);
    }
    const known = new Set(live.map(({ jobId }) => jobId));
    const [now, nowMs] = [clock.now(), clock.monotonicMs()];
    for (const { flowId, jobId, finishedAt, message } of kept.toReversed()) {
      if (known.has(jobId)) continue;
      watched.failures.note({
        flowId,
        jobId,
        message,
        atMs: nowMs - Math.max(0, now - finishedAt),
      });
    }
    for (const failure of live) watched.failures.note(failure);
    watched.loading = undefined;
  }

  /** Runs a round, or waits for the one under way. Then the next is planned. Never fails. */
  #runRound(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#round ??= this.#lookAtAll().finally(() => {
      this.#round = undefined;
      this.#plan();
    });
    return this.#round;
  }

  /** Sees to it that there is a round when one is needed. */
  #plan(): void {
    if (this.#isStopped || this.#round !== undefined || this.#cancelTimer !== undefined) return;
    if (![...this.#watched.values()].some(needsRounds)) return;
    this.#cancelTimer = this.#parts.clock.setTimer(ROUND_MS, () => void this.#runRound());
  }

  async #lookAtAll(): Promise<void> {
    if (this.#isStopped) return;
    const ofJobs: JobWatched[] = [];
    for (const watched of [...this.#watched.values()]) {
      if (watched.kind === 'SERVICE_STATUS') this.#lookAtServices(watched);
      else if (watched.kind === 'JOB_FAILURES') {
        if (watched.loading !== undefined) continue;
        this.#lookAtFailures(watched);
        watched.run.endRound('CONDITION_GONE');
      } else ofJobs.push(watched);
    }
    if (ofJobs.length === 0) return;
    try {
      await this.#lookAtJobs(ofJobs);
    } catch (error) {
      const problem = `The running jobs could not be read: ${messageOf(error)}`;
      for (const { run } of ofJobs) this.#fault(run, error, problem);
    }
  }

  #lookAtServices(watched: Extract<Watched, { kind: 'SERVICE_STATUS' }>): void {
    this.#guard(watched, () => {
      const { run } = watched;
      for (const reading of this.#parts.services.list(run.rule.tenant)) {
        if (watched.isMine(reading.name)) run.observe(watched.look(reading));
      }
      run.endRound('SUBJECT_GONE');
    });
  }

  /** In slices, so that others have their turn. */
  async #lookAtJobs(all: readonly JobWatched[]): Promise<void> {
    const { host, clock } = this.#parts;
    const wanted = (await host.listRunning()).filter((job) => all.some((each) => isOf(each, job)));
    const failed = new Set<JobWatched>();
    let turnEndsAtMs = clock.monotonicMs() + TURN_MS;
    for (let at = 0; at < wanted.length; at += JOBS_AT_ONCE) {
      const jobs = wanted.slice(at, at + JOBS_AT_ONCE);
      const readings = await host.read(jobs.map(({ jobId }) => jobId));
      if (this.#isStopped) return;
      for (const [place, job] of jobs.entries()) {
        const reading = readings[place];
        if (reading === undefined || isFinalState(reading.state)) continue;
        for (const watched of all) {
          if (isOf(watched, job) && !this.#lookAtJob(watched, reading)) failed.add(watched);
        }
      }
      if (clock.monotonicMs() < turnEndsAtMs) continue;
      await nextTurn();
      turnEndsAtMs = clock.monotonicMs() + TURN_MS;
    }
    if (this.#isStopped) return;
    for (const watched of all) {
      if (failed.has(watched)) continue; // some of its subjects were not seen
      this.#guard(watched, () => {
        watched.run.endRound('SUBJECT_GONE');
        if (watched.kind === 'ROUTINE_ERROR_RATE') watched.rates.endRound();
      });
    }
  }

  #lookAtJob(watched: JobWatched, job: JobReading): boolean {
    return this.#guard(watched, () => {
      const looks =
        watched.kind === 'QUEUE_PRESSURE'
          ? watched.look(job)
          : watched.rates.look(job, this.#parts.clock.monotonicMs());
      for (const look of looks) watched.run.observe(look);
    });
  }

  /** Answers whether it went well. */
  #guard({ run }: Watched, evaluate: () => void): boolean {
    try {
      evaluate();
      return true;
    } catch (error) {
      this.#fault(run, error, `It could not be evaluated: ${messageOf(error)}`);
      return false;
    }
  }

  #fault(run: RuleRun, error: unknown, problem: string): void {
    if (run.problem === undefined) this.#parts.onFault(error, run.rule);
    run.noteProblem(problem);
  }
}

function watch(run: RuleRun): Watched {
  const { settings } = run.rule;
  switch (settings.kind) {
    case 'QUEUE_PRESSURE':
      return { kind: settings.kind, run, look: (job) => lookAtQueues(settings, job) };
    case 'ROUTINE_ERROR_RATE':
      return { kind: settings.kind, run, rates: new ErrorRates(settings) };
    case 'JOB_FAILURES':
      return {
        kind: settings.kind,
        run,
        failures: new FailureCounts(settings),
        loading: undefined,
      };
    case 'SERVICE_STATUS':
      return {
        kind: settings.kind,
        run,
        isMine: (name) => isAbout(settings, name),
        look: (service) => lookAtService(settings, service),
      };
  }
}

/** Whether time alone, or what nobody tells, can change something of a rule. */
function needsRounds(watched: Watched): boolean {
  switch (watched.kind) {
    case 'QUEUE_PRESSURE':
    case 'ROUTINE_ERROR_RATE':
      return true;
    case 'SERVICE_STATUS':
      return watched.run.isWaiting || watched.run.hasCondition;
    case 'JOB_FAILURES':
      return watched.run.isWaiting || watched.failures.isWaiting;
  }
}

function isOf({ run: { rule } }: JobWatched, { tenant, flowId }: OfJob): boolean {
  if (rule.tenant !== tenant || !('flowId' in rule.settings)) return false;
  return rule.settings.flowId === undefined || rule.settings.flowId === flowId;
}

function keyOf(tenant: string, name: string): string {
  return JSON.stringify([tenant, name]);
}
