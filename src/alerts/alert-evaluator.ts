import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ServiceReading } from '../health/service.ts';
import type { CancelTimer, Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/domain-error.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { OfJob, Topics } from '../pubsub/topics.ts';
import type { Alert } from './alert.ts';
import type { AlertBook } from './alert-book.ts';
import type { JobFailure } from './failure-counts.ts';
import { lookAtJobs, type WatchedHost } from './job-round.ts';
import { RuleRun, type SourcedRule } from './rule-run.ts';
import { Slice } from './slice.ts';
import {
  needsRounds,
  type WatchedFailureRule,
  type WatchedJobRule,
  type WatchedRule,
  type WatchedServiceRule,
  watchRule,
} from './watched-rule.ts';

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
  readonly host: WatchedHost;
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

/** How long from the end of one round to the next, in milliseconds; after one that took longer, as long as that. */
const ROUND_MS = 1_000;

/**
 * Finds out whether rules hold. Running jobs are looked at in rounds, once a second, and only while there is a rule about
 * queues or routines. Rules about services and failed jobs are told what happens, and looked at in rounds only while time
 * alone can change something. A fault in one rule harms no other: it is told on the rule.
 */
export class AlertEvaluator {
  readonly #parts: AlertEvaluatorParts;
  /** By tenant and name. */
  readonly #watched = new Map<string, WatchedRule>();
  /** Services that changed, and have not been looked at: names by tenant. */
  readonly #changed = new Map<string, Set<string>>();
  /** Flows of which jobs failed since the rule was looked at. */
  readonly #failed = new Map<WatchedFailureRule, Set<string>>();
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
    this.#watched.set(keyOf(rule.tenant, rule.name), watchRule(run));
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
      const readings = [...names].map(
        (name) => [name, this.#parts.services.get(tenant, name)] as const,
      );
      for (const watched of this.#watched.values()) {
        if (watched.kind !== 'SERVICE_STATUS' || watched.run.rule.tenant !== tenant) continue;
        this.#guard(watched.run, () => {
          for (const [name, reading] of readings) {
            if (!watched.isMine(name)) continue;
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
      watched.failures.note(failure);
      if (this.#failed.size === 0) void nextTurn().then(() => this.#lookAtFailed()); // they come in bursts
      const flows = this.#failed.get(watched) ?? new Set();
      this.#failed.set(watched, flows.add(flowId));
    }
  }

  #lookAtFailed(): void {
    const failed = [...this.#failed];
    this.#failed.clear();
    if (this.#isStopped) return;
    for (const [watched, flows] of failed) this.#lookAtFailures(watched, flows);
    this.#plan();
  }

  /** @param flows default: all of which jobs failed lately */
  #lookAtFailures({ run, failures }: WatchedFailureRule, flows?: Iterable<string>): void {
    this.#guard(run, () => {
      for (const look of failures.look(this.#parts.clock.monotonicMs(), flows)) run.observe(look);
    });
  }

  /** Finds what a rule has to know of the past. */
  async #load({ run, ...watched }: WatchedRule): Promise<void> {
    if (watched.kind !== 'JOB_FAILURES') return;
    const { failures } = watched;
    failures.awaitPast();
    let past: readonly JobFailure[] = [];
    try {
      past = await this.#readPast(run.rule);
    } catch (error) {
      run.noteProblem(`Failures of before could not be read: ${messageOf(error)}`);
      this.#parts.onFault(error, run.rule);
    }
    failures.notePast(past);
  }

  /** Failed jobs in the window of a rule, the oldest first. */
  async #readPast({ tenant, settings }: SourcedRule): Promise<readonly JobFailure[]> {
    if (settings.kind !== 'JOB_FAILURES') return [];
    const { clock, listFailures } = this.#parts;
    const kept = await listFailures(tenant, settings.flowId, clock.now() - settings.windowMs);
    const [now, nowMs] = [clock.now(), clock.monotonicMs()];
    return kept.toReversed().map(({ finishedAt, ...failure }) => ({
      ...failure,
      atMs: nowMs - Math.max(0, now - finishedAt),
    }));
  }

  /** Runs a round, or waits for the one under way. Then the next is planned. Never fails. */
  #runRound(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const beganAtMs = this.#parts.clock.monotonicMs();
    this.#round ??= this.#lookAtAll().finally(() => {
      this.#round = undefined;
      this.#plan(this.#parts.clock.monotonicMs() - beganAtMs);
    });
    return this.#round;
  }

  /** Sees to it that there is a round when one is needed. */
  #plan(leastMs = 0): void {
    if (this.#isStopped || this.#round !== undefined || this.#cancelTimer !== undefined) return;
    if (![...this.#watched.values()].some(needsRounds)) return;
    const delayMs = Math.max(ROUND_MS, leastMs);
    this.#cancelTimer = this.#parts.clock.setTimer(delayMs, () => void this.#runRound());
  }

  async #lookAtAll(): Promise<void> {
    const { host, clock } = this.#parts;
    const ofJobs: WatchedJobRule[] = [];
    const slice = new Slice(clock);
    /** By tenant: services as they are in this slice. What is older must not be looked at: changes are told meanwhile. */
    const services = new Map<string, readonly ServiceReading[]>();
    for (const watched of [...this.#watched.values()]) {
      if (this.#isStopped) return;
      if (watched.kind === 'SERVICE_STATUS') this.#lookAtServices(watched, services);
      else if (watched.kind !== 'JOB_FAILURES') ofJobs.push(watched);
      else if (!watched.failures.isAwaitingPast) {
        this.#lookAtFailures(watched);
        watched.run.endRound('CONDITION_GONE');
      }
      if (!slice.isOver) continue;
      await slice.giveWay();
      services.clear();
    }
    if (ofJobs.length === 0 || this.#isStopped) return;
    const isStopped = () => this.#isStopped;
    const guard = ({ run }: WatchedRule, evaluate: () => void) => this.#guard(run, evaluate);
    try {
      await lookAtJobs(ofJobs, { host, clock, isStopped, guard });
    } catch (error) {
      const problem = `The running jobs could not be read: ${messageOf(error)}`;
      for (const { run } of ofJobs) this.#fault(run, error, problem);
    }
  }

  #lookAtServices(
    { run, ...watched }: WatchedServiceRule,
    services: Map<string, readonly ServiceReading[]>,
  ): void {
    const { tenant } = run.rule;
    this.#guard(run, () => {
      const readings = services.get(tenant) ?? this.#parts.services.list(tenant);
      services.set(tenant, readings);
      for (const reading of readings) {
        if (watched.isMine(reading.name)) run.observe(watched.look(reading));
      }
      run.endRound('SUBJECT_GONE');
    });
  }

  /** Answers whether it went well. */
  #guard(run: RuleRun, evaluate: () => void): boolean {
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

function keyOf(tenant: string, name: string): string {
  return JSON.stringify([tenant, name]);
}
