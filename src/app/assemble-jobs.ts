import type { Logger } from 'pino';
import type { FlowAnalytics } from '../analytics/flow-analytics.ts';
import { createDebugSessions } from '../debug-sessions/create-debug-sessions.ts';
import { createEngine } from '../engine/index.ts';
import type { FlowRegistry } from '../flows/flow-registry.ts';
import { createCheckpointStore } from '../jobs/checkpoint-store.ts';
import { createHistoryStore } from '../jobs/history-store.ts';
import { JobCounts } from '../jobs/job-counts.ts';
import { createJobEvents } from '../jobs/job-events.ts';
import { createJobIntake } from '../jobs/job-intake.ts';
import { createJobLedger } from '../jobs/job-ledger.ts';
import { createJobRecords } from '../jobs/job-records.ts';
import { recoverJobs } from '../jobs/job-recovery.ts';
import { createJobReruns } from '../jobs/job-reruns.ts';
import { createJobService } from '../jobs/job-service.ts';
import { createJobStore } from '../jobs/job-store.ts';
import { createLiveJobs } from '../jobs/live-jobs.ts';
import { createLocalJobHost } from '../jobs/local-job-host.ts';
import { createRetention } from '../jobs/retention.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { isKeptWithin } from '../lib/within.ts';
import type { PubSub } from '../pubsub/memory-pubsub.ts';
import type { Topics } from '../pubsub/topics.ts';
import type { Database } from '../storage/database.ts';
import type { WriteBehind } from '../storage/write-behind.ts';
import type { AppOptions } from './app-options.ts';

/** How long what was told of jobs may take to be stored, in milliseconds. */
export const SETTLE_LIMIT_MS = 3_000;

interface JobsDeps {
  readonly flows: FlowRegistry;
  readonly database: Database;
  readonly writeBehind: WriteBehind;
  readonly analytics: FlowAnalytics;
  readonly pubsub: PubSub<Topics>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Puts together what has to do with jobs: where they run, what is stored of them, what people do to and with them. */
export function assembleJobs(deps: JobsDeps, options: AppOptions) {
  const { flows, database, writeBehind, analytics, pubsub, clock, logger } = deps;
  const history = createHistoryStore(database, writeBehind, (err) =>
    logger.error({ err }, 'Traces could not be trimmed.'),
  );
  const store = createJobStore(database);
  const checkpoints = createCheckpointStore(database);

  const counts = new JobCounts();

  // What the host tells of its jobs goes to parts that are made below, since they need the host. It tells nothing yet.
  const host = createLocalJobHost({
    engine: createEngine({ clock, ...options.engine }),
    clock,
    monitor: options.monitor,
    checkpointIntervalMs: options.checkpointIntervalMs,
    onFailure: (error, jobId) =>
      logger.error({ err: error, jobId }, 'A checkpoint could not be taken.'),
    listener: {
      starting: (job, isPaused) => {
        events.jobStarting(job);
        return ledger.starting(job, isPaused);
      },
      stateChanged: (change) => {
        counts.note(change);
        return ledger.stateChanged(change);
      },
      recorded: (records) => ledger.recorded(records),
      checkpointed: (jobId, checkpoint) => ledger.checkpointed(jobId, checkpoint),
      logged: (line) => events.recordLog(line),
      debugChanged: (jobId, snapshot) => debugSessions.listener.debugChanged(jobId, snapshot),
      breakpointHit: (hit) => debugSessions.listener.breakpointHit(hit),
    },
  });
  const events = createJobEvents({
    database,
    pubsub,
    host,
    clock,
    epoch: newId(),
    heldEvents: options.heldEvents,
    onFailure: (err) => logger.warn({ err }, 'Events were not stored.'),
  });
  const ledger = createJobLedger({
    store,
    checkpoints,
    history,
    events,
    pubsub,
    clock,
    host,
    onEnded: (jobId) => {
      analytics.noteFinished();
      debugSessions.noteEnded(jobId);
    },
    onFailure: (error, jobId) =>
      logger.error({ err: error, jobId }, 'What happened in a job was not stored.'),
    onCheckpointProblem: (problem, jobId) =>
      logger.warn({ jobId, problem }, 'A job can not be checkpointed.'),
  });
  const debugSessions = createDebugSessions({
    database,
    flows,
    findJobs: store.getMany,
    handedOver: (jobId) => intake.handedOver(jobId),
    settled: (jobId) => ledger.settled(jobId, SETTLE_LIMIT_MS),
    host: host.debug,
    events,
    pubsub,
    clock,
    logger,
    options: options.debugger,
  });
  const { jobs: debug } = debugSessions;
  const intake = createJobIntake({ flows, store, host, ledger, events, debug, clock });
  const jobs = createJobService({
    intake,
    store,
    host,
    ledger,
    reruns: createJobReruns({ flows, store, host, history }),
    debug,
    clock,
    async beforeDelete() {
      await analytics.flush();
      await isKeptWithin(events.flush(), SETTLE_LIMIT_MS, clock); // they are deleted with the job
    },
  });
  const retention = createRetention({
    database,
    clock,
    logger,
    ...options.retention,
    trimEvents: events.trim,
    onRemoved: (removed) => {
      store.noteRemoved(removed.map(({ id }) => id));
      for (const job of removed) ledger.announce(job, true);
    },
  });
  const records = createJobRecords(host, history);
  let cancelStable: () => void = () => undefined;

  const open = async () => {
    await events.open();
    await debugSessions.open();
    await recoverJobs({
      flows,
      store,
      checkpoints,
      history,
      host,
      ledger,
      events,
      debug,
      clock,
      logger,
      ...options.recovery,
    });
    const { stableAfterMs = 60_000 } = options.recovery ?? {};
    cancelStable = clock.setTimer(stableAfterMs, () => {
      store.forgetCrashes().catch((err: unknown) => logger.error({ err }, 'Crashes still count.'));
    });
  };

  return {
    host,
    ledger,
    counts,
    debugSessions,
    retention,
    /** What the API asks of them. */
    services: {
      jobs,
      jobHost: host,
      records,
      describeCheckpoints: checkpoints.describe,
      jobEvents: events,
      liveJobs: createLiveJobs({ store, host, records, pubsub, clock }),
      debug: debugSessions.debug,
      breakpoints: debugSessions.breakpoints,
    },
    /** Takes up what the process before left. To be called once, before anybody is answered. */
    open,
    /** Takes no jobs in, and lets none go on by itself from now on. Those that run do so until the host is closed. */
    stop() {
      cancelStable();
      jobs.close();
      debugSessions.stop();
    },
  };
}
