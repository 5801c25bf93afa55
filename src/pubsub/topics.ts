/**
 * Everything that is announced inside Millrace, by topic. Messages are plain data, so that a topic can be carried
 * between processes.
 */
export interface Topics {
  /** A job was made, changed its state, or was deleted. */
  jobChanged: JobChanged;
  /** Something happened in a job. */
  jobEvent: JobEvent;
  /** The debug session of a job, or its breakpoints, changed. */
  debugChanged: DebugChanged;
  /** A service was added or changed, came to another status, began or ended its maintenance, or is gone. */
  serviceChanged: ServiceChanged;
  /** The cluster of a tenant came to another status, or its counts or causes changed. */
  clusterChanged: OfTenant;
  /** An alert was raised, acknowledged or resolved. */
  alertChanged: AlertChanged;
}

/** Only viewers of this tenant may learn of the message. */
export interface OfTenant {
  readonly tenant: string;
}

export interface ServiceChanged extends OfTenant {
  /** Its name. */
  readonly service: string;
  readonly isRemoved: boolean;
}

export interface AlertChanged extends OfTenant {
  readonly alertId: string;
  readonly change: 'RAISED' | 'ACKNOWLEDGED' | 'RESOLVED';
}

/** The job that a message is about. */
export interface OfJob {
  readonly jobId: string;
  /** Only viewers of this tenant may learn of the message. */
  readonly tenant: string;
  readonly flowId: string;
}

export interface DebugChanged extends OfJob {}

export interface JobChanged extends OfJob {
  readonly isDeleted: boolean;
}

/** What all job events have in common. */
interface JobEventBase extends OfJob {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Place in the order of all events of the database; goes on when the server is started again. */
  readonly sequence: number;
}

/** What happened, without its place in the order of events. */
export type JobHappening =
  | { readonly type: 'JOB_CREATED' | 'JOB_STARTED' | 'JOB_PAUSED' | 'JOB_RESUMED' }
  | {
      readonly type: 'JOB_RECOVERED';
      /** When the checkpoint was taken that it goes on from; without, it begins again. */
      readonly checkpointAt?: number;
    }
  | { readonly type: 'JOB_COMPLETED'; readonly durationMs: number }
  | { readonly type: 'JOB_FAILED'; readonly errorMessage: string; readonly errorCode?: string }
  | { readonly type: 'JOB_CANCELLED'; readonly unresponsiveRoutineIds: readonly string[] }
  | {
      readonly type: 'ROUTINE_STARTED';
      readonly routineId: string;
      /** How many activations this message stands for. */
      readonly count: number;
    }
  | { readonly type: 'ROUTINE_COMPLETED'; readonly routineId: string; readonly count: number }
  | {
      readonly type: 'ROUTINE_FAILED';
      readonly routineId: string;
      readonly count: number;
      /** Of the latest failure. */
      readonly errorMessage: string;
      readonly errorCode?: string;
    }
  | {
      readonly type: 'ROUTINE_STATUS_CHANGED';
      readonly routineId: string;
      readonly previousStatus: string;
      readonly status: string;
    }
  | {
      readonly type: 'QUEUE_CHANGED';
      readonly routineId: string;
      readonly slot: string;
      readonly unconsumedCount: number;
      readonly maxLength: number;
      readonly pressureLevel: string;
    }
  | {
      readonly type: 'LOG_WRITTEN';
      readonly routineId: string;
      readonly level: string;
      readonly message: string;
    }
  | {
      readonly type: 'LOG_POINT';
      readonly breakpointId: string;
      readonly routineId: string;
      readonly message: string;
    }
  | { readonly type: 'LOGS_SKIPPED'; readonly count: number }
  | {
      readonly type: 'PROGRESS_REPORTED';
      readonly routineId: string;
      readonly done: number;
      readonly total?: number;
      readonly message?: string;
    }
  | {
      readonly type: 'BREAKPOINT_HIT';
      readonly breakpointId: string;
      /** In this job. */
      readonly hitCount: number;
      /** Why the job stopped. */
      readonly reason: string;
      readonly routineId: string;
      /** Without for a queue that came to a pressure level. */
      readonly activationId?: number;
    }
  | {
      readonly type: 'STOP_EXPIRED';
      /** How long the job stood still, in milliseconds. */
      readonly afterMs: number;
    };

export type JobEvent = JobEventBase & JobHappening;

export type JobEventType = JobHappening['type'];
