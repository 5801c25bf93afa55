import { expect, vi } from 'vitest';
import { PauseJobDocument, ResumeJobDocument, StartJobDocument } from '../generated/operations.ts';
import type { Dice } from './dice.ts';
import { readEffects } from './effects.ts';
import type { Work } from './flows/work.ts';
import { groupBy } from './group-by.ts';
import { LostAnswerError, type ServerProcess } from './process.ts';
import { hasEnded, type SurveyedJob, surveyAudit, surveyFinished, surveyJobs } from './survey.ts';
import { BEGINNING_AGAIN, FLOW_IDS, faultsOf } from './wanted.ts';

/** A job that was asked for. */
interface Asked {
  readonly key: string;
  readonly flowId: string;
  readonly work: Work;
  /** Its id, once it was accepted: from then on it must be there, once. */
  id: string | undefined;
  /** `unknown`: the answer was lost. `refused`: it was said not to be accepted, so it must not be there. */
  answer: 'accepted' | 'unknown' | 'refused';
}

export interface TrialOptions {
  readonly dice: Dice;
  /** File that the jobs write their effects to. */
  readonly effects: string;
  /** How many jobs to ask for in all. */
  readonly jobs: number;
  /** How many items a job has, and the pause before each in milliseconds: least and most. */
  readonly count: readonly [number, number];
  readonly paceMs: readonly [number, number];
}

/**
 * Asks servers that come and go for jobs, remembers what they answered, and compares it with what is there later. An
 * answer binds; when none came, both is right.
 */
export class Trial {
  readonly #options: TrialOptions;
  readonly #asked = new Map<string, Asked>();
  /** By id: jobs that have ended, as they were told then. */
  readonly #ended = new Map<string, SurveyedJob>();
  /** By id: jobs as they were told last. */
  readonly #last = new Map<string, SurveyedJob>();
  /** Jobs that must be PAUSED, with how many effects they had when the process before was dead. */
  readonly #paused = new Map<string, number | undefined>();
  /** Jobs that were asked to be paused or resumed, without an answer. */
  readonly #undecided = new Set<string>();
  /** Mutations that were answered, as `operation id`. */
  readonly #changes: string[] = [];
  /** Figures for people. */
  readonly counts = {
    jobs: 0,
    lostAnswers: 0,
    sentAgain: 0,
    recoveries: 0,
    effects: 0,
    /** Effects that were had again, of jobs that went on from checkpoints and of those that began again. */
    againAfterResume: 0,
    againAfterRestart: 0,
    crashed: 0,
  };
  /** How many jobs may have been asked for by now. */
  #allowed = 0;

  constructor(options: TrialOptions) {
    this.#options = options;
  }

  /** So that there are new jobs in all processes: from now on this share of all may be asked for. */
  allow(share: number): void {
    this.#allowed = Math.ceil(this.#options.jobs * share);
  }

  /** Does one thing that a client might do. @throws LostAnswerError when no answer came */
  async act(server: ServerProcess): Promise<void> {
    const { dice } = this.#options;
    const known = [...this.#asked.values()].filter(({ id }) => id !== undefined);
    if (this.#asked.size < this.#allowed && dice.chance(0.7)) {
      const together = Array.from({ length: dice.between(1, 3) }, () => this.#makeRequest());
      const answers = await Promise.allSettled(together.map((asked) => this.#send(server, asked)));
      for (const each of answers) if (each.status === 'rejected') throw each.reason;
    } else if (known.length > 0 && dice.chance(0.2)) {
      await this.#send(server, dice.pick(known));
    } else if (this.#paused.size > 0 && dice.chance(0.3)) {
      await this.#resume(server, dice.pick([...this.#paused.keys()]));
    } else if (known.length > 0) {
      await this.#pause(server, dice.pick(known));
    }
  }

  /** To be called when the process has ended: takes down the effects that paused jobs had by then. */
  noteEnd(): void {
    const effects = readEffects(this.#options.effects);
    for (const [id, before] of this.#paused) {
      const count = effects.get(this.#askedFor(id).key)?.length ?? 0;
      // In the process where it was paused, code that was running may have ended after that.
      if (before !== undefined) expect(count, `effects of paused job ${id}`).toBe(before);
      this.#paused.set(id, count);
    }
  }

  /** Compares everything that is there with what was answered. */
  async check(server: ServerProcess): Promise<void> {
    const finished = await surveyFinished(server);
    const jobs = await surveyJobs(server);
    for (const flowId of FLOW_IDS) {
      // They are counted soon after they ended.
      const most = jobs.filter((job) => job.flowId === flowId && hasEnded(job)).length;
      expect(finished.get(flowId), `finished jobs of ${flowId}`).toBeLessThanOrEqual(most);
    }
    this.#checkPresence(jobs);
    for (const job of jobs) {
      const before = this.#last.get(job.id);
      this.#checkPast(job);
      if (before !== undefined && !hasEnded(before)) this.#checkRecovery(job, before);
      this.#note(job);
    }
  }

  /** Sends again what was not answered or was refused, lets paused jobs go on, and waits until all have ended. */
  async finish(server: ServerProcess): Promise<void> {
    while (this.#asked.size < this.#options.jobs) await this.#send(server, this.#makeRequest());
    for (const asked of this.#asked.values()) {
      if (asked.answer !== 'accepted') await this.#send(server, asked);
    }
    for (const id of [...this.#paused.keys()]) await this.#resume(server, id);
    let jobs = await surveyJobs(server);
    while (!jobs.every(hasEnded)) {
      const unwantedPauses = jobs.filter(({ status }) => status === 'PAUSED');
      for (const { id } of unwantedPauses) await this.#resume(server, id);
      await new Promise((resolve) => setTimeout(resolve, 200));
      jobs = await surveyJobs(server);
    }
    this.#checkPresence(jobs);
    for (const job of jobs) {
      this.#checkPast(job);
      this.#note(job);
    }
    this.#checkOutcomes(jobs);
    await this.#checkFigures(server, jobs);
  }

  #makeRequest(): Asked {
    const { dice, effects, count, paceMs } = this.#options;
    const number = this.#asked.size;
    const key = `job-${number}`;
    const flowId = FLOW_IDS[number % FLOW_IDS.length] ?? '';
    const work = { key, effects, count: dice.between(...count), paceMs: dice.between(...paceMs) };
    const asked: Asked = { key, flowId, work, id: undefined, answer: 'unknown' };
    this.#asked.set(key, asked);
    return asked;
  }

  async #send(server: ServerProcess, asked: Asked): Promise<void> {
    const { key, flowId, work } = asked;
    if (asked.answer !== 'refused') asked.answer = asked.id === undefined ? 'unknown' : 'accepted';
    const input = { flowId: `Flow:${flowId}`, input: work, idempotencyKey: key };
    const { startJob: answer } = await this.#tell(server.ask(StartJobDocument, { input }));
    if (answer.__typename === 'StartJobPayload') {
      if (asked.id !== undefined) {
        this.counts.sentAgain += 1;
        expect(answer.job.id, `the job of ${key}`).toBe(asked.id);
      }
      asked.id = answer.job.id;
      asked.answer = 'accepted';
      this.#changes.push(`startJob ${answer.job.id}`);
    } else {
      expect(answer.__typename).toBe('ShuttingDownError');
      if (asked.id === undefined) asked.answer = 'refused';
    }
  }

  async #pause(server: ServerProcess, { id = '', flowId }: Asked): Promise<void> {
    // A crash ends a job of this flow, also a paused one.
    if (flowId === 'failing') return;
    this.#undecided.add(id);
    const { pauseJob: answer } = await this.#tell(server.ask(PauseJobDocument, { id }));
    if (answer.__typename === 'PauseJobPayload') {
      // It may have ended before its code was told to stop.
      expect(answer.job.status).toBe('PAUSED');
      this.#paused.set(id, undefined);
      this.#changes.push(`pauseJob ${id}`);
    } else expect(['InvalidStateError', 'ShuttingDownError']).toContain(answer.__typename);
    this.#undecided.delete(id);
  }

  async #resume(server: ServerProcess, id: string): Promise<void> {
    this.#paused.delete(id);
    this.#undecided.add(id);
    const { resumeJob: answer } = await this.#tell(server.ask(ResumeJobDocument, { id }));
    if (answer.__typename === 'ResumeJobPayload') this.#changes.push(`resumeJob ${id}`);
    else expect(['InvalidStateError', 'ShuttingDownError']).toContain(answer.__typename);
    // When it was refused for the shut-down it is still paused, which the next survey tells.
    if (answer.__typename === 'ResumeJobPayload') this.#undecided.delete(id);
  }

  async #tell<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof LostAnswerError) this.counts.lostAnswers += 1;
      throw error;
    }
  }

  /** Each job that was accepted is there once, and none that nobody asked for. */
  #checkPresence(jobs: readonly SurveyedJob[]): void {
    expect(new Set(jobs.map(({ id }) => id)).size, 'jobs with ids of their own').toBe(jobs.length);
    const byKey = groupBy(jobs, ({ idempotencyKey }) => idempotencyKey ?? 'none');
    for (const key of byKey.keys()) expect([...this.#asked.keys()]).toContain(key);
    for (const { key, id, flowId, answer } of this.#asked.values()) {
      const found = byKey.get(key) ?? [];
      if (answer === 'unknown') expect(found.length, key).toBeLessThanOrEqual(1);
      else expect(found.length, `jobs of ${key}`).toBe(answer === 'accepted' ? 1 : 0);
      if (id !== undefined) expect(found[0], key).toMatchObject({ id, flowId });
    }
  }

  /** What was told of a job before still holds. */
  #checkPast(job: SurveyedJob): void {
    const { id, status } = job;
    const end = this.#ended.get(id);
    if (end !== undefined) expect(job, `job ${id}, which had ended`).toEqual(end);
    if (this.#paused.has(id)) expect(status, `paused job ${id}`).toBe('PAUSED');
    expect(job.createdAt).toBe(this.#last.get(id)?.createdAt ?? job.createdAt);
    if (status !== 'PENDING') expect(job.startedAt, `start of ${id}, ${status}`).not.toBe(null);
    expect(job.finishedAt !== null, `end of ${id}`).toBe(hasEnded(job));
  }

  /** A job that ran in the process before tells that it was recovered. */
  #checkRecovery(job: SurveyedJob, before: SurveyedJob): void {
    const { id, flowId, recovery, status } = job;
    const hadStarted = before.status !== 'PENDING';
    const countBefore = before.recovery?.count ?? 0;
    const count = recovery?.count ?? 0;
    // It may have ended before the process did.
    if (hadStarted && !hasEnded(job)) {
      expect(count, `recoveries of ${id}`).toBeGreaterThan(countBefore);
    }
    this.counts.recoveries += count - countBefore;
    if (flowId !== 'unwritable') return;
    expect(recovery?.checkpointAt ?? null).toBe(null);
    if (status === 'RUNNING' && job.checkpoint !== null) {
      expect(job.checkpoint.problem).toContain(`can't be written down`);
    }
  }

  #note(job: SurveyedJob): void {
    const { id, status } = job;
    this.#last.set(id, job);
    if (hasEnded(job)) {
      this.#ended.set(id, job);
      this.#paused.delete(id);
      this.#undecided.delete(id);
    }
    if (this.#undecided.delete(id) && status === 'PAUSED') this.#paused.set(id, undefined);
  }

  #checkOutcomes(jobs: readonly SurveyedJob[]): void {
    const effects = readEffects(this.#options.effects);
    const faults: string[] = [];
    for (const job of jobs) {
      const { key, work } = this.#askedFor(job.id);
      const items = effects.get(key) ?? [];
      const again = items.length - new Set(items).size;
      this.counts.jobs += 1;
      this.counts.effects += items.length;
      this.counts[BEGINNING_AGAIN.has(job.flowId) ? 'againAfterRestart' : 'againAfterResume'] +=
        again;
      if (job.status === 'FAILED') this.counts.crashed += 1;
      for (const fault of faultsOf(job, work, items)) {
        const recoveries = job.recovery?.count ?? 0;
        faults.push(`${job.flowId} ${key}, recovered ${recoveries} times: ${fault}`);
      }
    }
    expect(faults).toEqual([]);
  }

  async #checkFigures(server: ServerProcess, jobs: readonly SurveyedJob[]): Promise<void> {
    const byFlow = groupBy(jobs, ({ flowId }) => flowId);
    const wanted = new Map([...byFlow].map(([flowId, ofFlow]) => [flowId, ofFlow.length]));
    await vi.waitFor(async () => expect(await surveyFinished(server)).toEqual(wanted), 30_000);
    const audited = new Map<string, number>();
    for (const { operation, outcome, targetId } of await surveyAudit(server)) {
      const change = `${operation} ${targetId}`;
      if (outcome === 'SUCCEEDED') audited.set(change, (audited.get(change) ?? 0) + 1);
    }
    for (const [change, times] of groupBy(this.#changes, (each) => each)) {
      expect(audited.get(change), `audit of ${change}`).toBeGreaterThanOrEqual(times.length);
    }
  }

  #askedFor(id: string): Asked {
    const asked = [...this.#asked.values()].find((each) => each.id === id);
    if (asked === undefined) throw new Error(`Nobody asked for job ${id}.`);
    return asked;
  }
}
