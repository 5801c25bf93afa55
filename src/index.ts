/**
 * Millrace as a library: define flows, run them, and serve them over GraphQL.
 *
 * @module
 */
export {
  type Alert,
  type AlertFilter,
  type AlertQuery,
  AlertRuleExistsError,
  AlertRuleFixedError,
  type AlertSubject,
  TooManyAlertRulesError,
} from './alerts/alert.ts';
export type { AlertOptions } from './alerts/alert-options.ts';
export type { AlertRule, AlertRuleConfig } from './alerts/alert-rule.ts';
export type { AlertService, TenantAlerts } from './alerts/alert-service.ts';
export { type App, type AppOptions, createApp, type ServeOptions } from './app.ts';
export { type ConfigFile, defineConfig } from './config/config-file.ts';
export type { DebuggerOptions } from './debug-sessions/create-debug-sessions.ts';
export type {
  DebugRequest,
  NewBreakpoint,
  StartBreakpoint,
} from './debugger/debug-request.ts';
export * from './engine/index.ts';
export {
  type FlowModuleFault,
  type FlowModuleFaultCode,
  type LoadedFlows,
  loadFlows,
} from './flows/flow-loader.ts';
export { DuplicateFlowError } from './flows/flow-registry.ts';
export type { OperationLimits } from './graphql/context.ts';
export type { AgentReading, PulledAgent } from './health/function-probe.ts';
export type {
  AgentReport,
  ClusterReading,
  MaintenanceRequest,
  ServiceChange,
  ServiceFilter,
  ServiceInput,
  ServiceSubscriber,
  TransitionQuery,
} from './health/health.ts';
export {
  NotCheckableError,
  NotInMaintenanceError,
  ServiceExistsError,
  ServiceFixedError,
  ServiceNeededError,
  TooManyChecksError,
  TooManyServicesError,
} from './health/health-errors.ts';
export type { HealthPoint, HealthSummary } from './health/health-history.ts';
export type { ConfiguredService, HealthOptions } from './health/health-options.ts';
export type { HealthService, TenantHealth } from './health/health-service.ts';
export type {
  CheckResult,
  Explanation,
  KeptTransition,
  ServiceReading,
  ServiceStatus,
  Transition,
} from './health/service.ts';
export type { ServiceConfig } from './health/service-definition.ts';
export type { ItemEdits } from './jobs/item-edits.ts';
export {
  IdempotencyConflictError,
  InvalidJobStateError,
  type Job,
  type JobOrigin,
  type JobRecovery,
  type KeptOutput,
  ShuttingDownError,
} from './jobs/job.ts';
export type { PauseOptions } from './jobs/job-debug.ts';
export type {
  JobFilter,
  JobOrder,
  JobOrderField,
  JobPosition,
  JobQuery,
} from './jobs/job-query.ts';
export type { RecoveryOptions } from './jobs/job-recovery.ts';
export type { StartJobRequest } from './jobs/job-request.ts';
export type { JobService, RerunRequest } from './jobs/job-service.ts';
export { NotRecordedError } from './jobs/not-recorded-error.ts';
export type { KeepLimits, RetentionOptions } from './jobs/retention.ts';
export { SessionOwnedError } from './jobs/session-owned-error.ts';
export { NotFoundError, ValidationError } from './lib/domain-error.ts';
export type { JobMonitorOptions } from './monitoring/job-monitor.ts';
export type { FailureReading } from './monitoring/readings.ts';
export type { TrustedDocuments } from './server/documents/documents.ts';
export {
  readTrustedDocuments,
  TrustedDocumentsError,
} from './server/documents/read-trusted-documents.ts';
export type { ExampleOperation } from './server/graphiql.ts';
export type { ServerLimits } from './server/limits.ts';
export type { Listening, ListenOptions } from './server/server.ts';
export { ServerError, type ServerErrorCode } from './server/server-error.ts';
export {
  StorageOpenError,
  type StorageStatus,
  StorageUnavailableError,
} from './storage/database.ts';
export { migrateDatabase, type OpenDatabaseOptions } from './storage/open-database.ts';
