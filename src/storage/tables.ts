/**
 * The tables of the database, the same in SQLite and PostgreSQL.
 *
 * - Times are whole milliseconds since the Unix epoch, durations are milliseconds with fractions.
 * - What is plain data with no column of its own is JSON as text, written by `JSON.stringify`.
 * - Booleans are 0 or 1.
 */
export interface Tables {
  readonly jobs: JobsTable;
  readonly job_results: JobResultsTable;
  readonly job_checkpoints: JobCheckpointsTable;
  readonly activations: ActivationsTable;
  readonly job_logs: JobLogsTable;
  readonly flow_metrics: FlowMetricsTable;
  readonly audit_entries: AuditEntriesTable;
  readonly breakpoints: BreakpointsTable;
  readonly debug_sessions: DebugSessionsTable;
  readonly job_events: JobEventsTable;
  readonly job_event_runs: JobEventRunsTable;
  readonly api_keys: ApiKeysTable;
  readonly services: ServicesTable;
  readonly service_states: ServiceStatesTable;
  readonly service_transitions: ServiceTransitionsTable;
  readonly service_metrics: ServiceMetricsTable;
  readonly alert_rules: AlertRulesTable;
  readonly alerts: AlertsTable;
  readonly database_owner: DatabaseOwnerTable;
}

/** The columns that name one row of a table. */
export const TABLE_KEYS: {
  readonly [Name in keyof Tables]: readonly (keyof Tables[Name] & string)[];
} = {
  jobs: ['id'],
  job_results: ['job_id'],
  job_checkpoints: ['job_id'],
  activations: ['job_id', 'sequence'],
  job_logs: ['job_id', 'sequence'],
  flow_metrics: ['tenant', 'flow_id', 'resolution', 'start_at'],
  audit_entries: ['id'],
  breakpoints: ['id'],
  debug_sessions: ['job_id'],
  job_events: ['sequence'],
  job_event_runs: ['number'],
  api_keys: ['id'],
  services: ['tenant', 'name'],
  service_states: ['tenant', 'name'],
  service_transitions: ['id'],
  service_metrics: ['tenant', 'service', 'resolution', 'start_at'],
  alert_rules: ['tenant', 'name'],
  alerts: ['id'],
  database_owner: ['id'],
};

/** One row for each job; see `Job` for what the fields mean. */
export interface JobsTable {
  id: string;
  tenant: string;
  flow_id: string;
  state: string;
  /** JSON. */
  input: string;
  /** JSON. */
  metadata: string;
  /** All that a text filter looks at, in lower case. */
  search_text: string;
  owner: string | null;
  priority: number;
  /** Unique within its tenant. */
  idempotency_key: string | null;
  retry_of: string | null;
  /** JSON of a `JobOrigin`, where it begins in the middle of another job. */
  rerun_of: string | null;
  /** The items that such a job begins with, as text. */
  rerun_items: string | null;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  /** From start to end, of a job that has both. */
  duration_ms: number | null;
  cancel_requested_at: number | null;
  /** JSON of a `FailureReading`. */
  error: string | null;
  /** JSON, an array of ids; null for none. */
  unresponsive_routine_ids: string | null;
  /** How often the job was taken up again by another process than the one it ran in. */
  recovery_count: number;
  /** How many of the latest recoveries followed each other with no stable time between. */
  crash_count: number;
  recovered_at: number | null;
  /** When the checkpoint was taken that it was last recovered from; null when it began again from its start. */
  recovered_from: number | null;
  /** Activations that ended in a job that has ended. */
  execution_count: number | null;
  /** Those that failed. */
  error_count: number | null;
  /** Whether a job that has ended is counted in `flow_metrics`. */
  is_rolled_up: number;
}

/** What is kept of a job that has ended, besides its trace and its log. */
export interface JobResultsTable {
  job_id: string;
  /** JSON: `KeptOutput` by name. */
  outputs: string;
  /** JSON: the last `JobReading`. */
  reading: string;
  /** JSON: `DurationReading` by routine id. */
  durations: string;
  /** How many activations ended, those not in the trace any more included. */
  trace_total: number;
}

/** The newest checkpoint of a job that has not ended. */
export interface JobCheckpointsTable {
  job_id: string;
  taken_at: number;
  /** The checkpoint as text; null when none could be taken. */
  data: string | null;
  /** Hash of `data`. */
  hash: string | null;
  /** Why none could be taken. */
  problem: string | null;
  /** Whether it was taken when the server was shut down, with nothing happening in the job afterwards. */
  is_final: number;
}

/** The trace: one row for each run of a routine's code that is remembered. */
export interface ActivationsTable {
  job_id: string;
  sequence: number;
  routine_id: string;
  outcome: string;
  /** JSON of the `ActivationRecord`. */
  record: string;
}

export interface JobLogsTable {
  job_id: string;
  sequence: number;
  at: number;
  level: string;
  routine_id: string;
  activation_id: number;
  message: string;
  /** JSON of a `Preview`. */
  facts: string | null;
}

/** What became of a tenant's jobs of a flow, by the minute, hour and day in which they ended (UTC). */
export interface FlowMetricsTable {
  tenant: string;
  flow_id: string;
  resolution: 'MINUTE' | 'HOUR' | 'DAY';
  start_at: number;
  completed_count: number;
  failed_count: number;
  cancelled_count: number;
  execution_count: number;
  error_count: number;
  /** JSON of a `HistogramSnapshot`: how long the jobs took that completed or failed. */
  durations: string;
}

/** Who asked for which change, when, and what came of it. */
export interface AuditEntriesTable {
  /** UUID version 7. */
  id: string;
  /** Of whoever asked. */
  tenant: string;
  at: number;
  /** Name of the mutation. */
  operation: string;
  /** Who asked, as far as that is known. */
  actor: string | null;
  /** Network address it came from. */
  address: string | null;
  /** JSON; secrets are masked. */
  arguments: string;
  outcome: 'SUCCEEDED' | 'REFUSED' | 'FAILED';
  /** Of one that did not succeed. */
  error_code: string | null;
  error_message: string | null;
  /** Global id of what was changed, such as `Job:…`. */
  target: string | null;
  duration_ms: number;
  /** JSON of what an edit changed, as texts for people: `{ before, after }`; secrets are masked. */
  changes: string | null;
}

/** Where jobs stop to be looked at. See `Breakpoint` for what the fields mean. */
export interface BreakpointsTable {
  /** UUID version 7. */
  id: string;
  tenant: string;
  flow_id: string;
  /** Null for one of the flow: every job of it has it that is of the same tenant. */
  job_id: string | null;
  kind: string;
  routine_id: string | null;
  slot: string | null;
  event: string | null;
  pressure_level: string | null;
  condition: string | null;
  hit_condition: string | null;
  log_message: string | null;
  is_enabled: number;
  is_once: number;
  after_id: string | null;
  created_at: number;
  updated_at: number;
  /** In all jobs together. */
  hit_count: number;
  last_hit_at: number | null;
  last_hit_job_id: string | null;
  last_hit_activation_id: number | null;
  last_error: string | null;
  /** Unique within its tenant. */
  idempotency_key: string | null;
}

/** How a job that has not ended is debugged. */
export interface DebugSessionsTable {
  job_id: string;
  /** JSON. */
  session: string;
  updated_at: number;
  /** When a job that stands still goes on by itself. */
  resume_at: number | null;
}

/** What happened in jobs, in the order it was told. */
export interface JobEventsTable {
  /** Place in the order of all events of the database. */
  sequence: number;
  job_id: string;
  /** Of its job, as is the flow. */
  tenant: string;
  flow_id: string;
  at: number;
  type: string;
  /** JSON of what the event says besides. */
  details: string;
}

/** The runs of the server on this database: cursors name them. */
export interface JobEventRunsTable {
  /** From 1, in the order they began. */
  number: number;
  epoch: string;
  /** What its cursors are written with; null for runs from before there were tenants. */
  cursor_key: string | null;
  first_sequence: number;
  /** The newest event that was told, where all of them were stored; null while it runs, and when it was killed. */
  last_sequence: number | null;
  /** Events up to this one were removed, because they were too many. */
  removed_to: number;
  /** JSON, pairs of numbers: events after the one and up to the other were told but could not be stored. */
  holes: string;
  /** Whether it, or a run before, told events of another tenant than `default`. */
  is_shared: number;
}

/** The keys that people show to prove who they are. */
export interface ApiKeysTable {
  id: string;
  /** SHA-256 of the secret, in hexadecimal. The secret itself is nowhere. */
  hash: string;
  description: string | null;
  subject: string;
  tenant: string;
  /** Names, with a space between them. */
  scopes: string;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
}

/** Services that were added live, and agents that reported. */
export interface ServicesTable {
  tenant: string;
  /** With `agent:` for agents. */
  name: string;
  kind: 'HTTP' | 'AGENT';
  /** JSON of a `ServiceDefinition`, of kind HTTP. */
  definition: string | null;
  /** Of kind AGENT. */
  description: string | null;
  /** Of kind AGENT. */
  expected_interval_ms: number | null;
  created_at: number;
  updated_at: number;
  /** Unique within its tenant. */
  idempotency_key: string | null;
}

/** How services of any origin were when that was last noted. */
export interface ServiceStatesTable {
  tenant: string;
  name: string;
  status: string;
  since: number;
  /** JSON of an `Explanation`. */
  explanation: string | null;
  /** JSON of a `Maintenance`. */
  maintenance: string | null;
}

/** Changes of the status of services. */
export interface ServiceTransitionsTable {
  /** UUID version 7. */
  id: string;
  tenant: string;
  service: string;
  at: number;
  from_status: string;
  to_status: string;
  /** JSON of an `Explanation`. */
  explanation: string;
}

/** What became of a service by minute, hour and day (UTC). */
export interface ServiceMetricsTable {
  tenant: string;
  service: string;
  resolution: 'MINUTE' | 'HOUR' | 'DAY';
  start_at: number;
  check_count: number;
  failed_count: number;
  /** How long it had each status, without maintenance. */
  healthy_ms: number;
  degraded_ms: number;
  unhealthy_ms: number;
  unknown_ms: number;
  maintenance_ms: number;
  /** JSON of a `HistogramSnapshot`. */
  response_times: string;
}

/** Rules of alerts that were made live. */
export interface AlertRulesTable {
  tenant: string;
  name: string;
  /** JSON of an `AlertRuleDefinition`. */
  definition: string;
  created_at: number;
  updated_at: number;
  /** Unique within its tenant. */
  idempotency_key: string | null;
}

/** What rules found; those of the configuration too. */
export interface AlertsTable {
  /** UUID version 7. */
  id: string;
  tenant: string;
  rule_name: string;
  kind: string;
  severity: string;
  /** JSON of a `RuleSnapshot`. */
  rule: string;
  /** What it is about: these of them that are not null. */
  flow_id: string | null;
  job_id: string | null;
  routine_id: string | null;
  slot: string | null;
  service: string | null;
  message: string;
  /** JSON of what was seen when it was raised. */
  seen: string;
  raised_at: number;
  last_seen_at: number;
  /** Null while it is open. */
  resolved_at: number | null;
  resolution: string | null;
  acknowledged_at: number | null;
  acknowledged_by: string | null;
  acknowledge_comment: string | null;
}

/** The process that may run jobs on the database, or did last. One row. */
export interface DatabaseOwnerTable {
  id: 1;
  /** Names the opening of the database; a UUID. */
  token: string;
  host: string;
  process_id: number;
  opened_at: number;
  /** When it last found out whether it can write. */
  probed_at: number;
}
