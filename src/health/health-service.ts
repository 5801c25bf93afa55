import type { Tenanted } from '../lib/tenanted.ts';
import type {
  AgentReport,
  ClusterReading,
  MaintenanceRequest,
  ServiceFilter,
  ServiceInput,
  ServiceSubscriber,
  TransitionQuery,
} from './health.ts';
import type { HealthHistory, HealthPoint, HealthSummary } from './health-history.ts';
import type { CheckResult, KeptTransition, ServiceReading } from './service.ts';

/** What one tenant asks of the health of its services, and does to them. */
export interface TenantHealth {
  /** In the order of names; the first statuses first where `worstFirst`. */
  list(filter?: ServiceFilter): readonly ServiceReading[];
  get(name: string): ServiceReading | undefined;
  /** @throws NotFoundError with the nearest name */
  require(name: string): ServiceReading;
  readCluster(): ClusterReading;
  listTransitions(query: TransitionQuery): Promise<KeptTransition[]>;
  countTransitions(service: string | undefined): Promise<number>;
  readSummary(
    name: string,
    range: Parameters<HealthHistory['readSummary']>[2],
  ): Promise<HealthSummary>;
  readSeries(
    name: string,
    request: Parameters<HealthHistory['readSeries']>[2],
  ): Promise<HealthPoint[]>;
  /** Stored when it is answered, and checked from then on. @throws ValidationError, ServiceExistsError, TooManyServicesError, TooManyChecksError, StorageUnavailableError */
  add(input: ServiceInput, idempotencyKey?: string): Promise<ServiceReading>;
  /** What is left out stays, `null` is taken away. @throws NotFoundError, ValidationError, ServiceFixedError, TooManyChecksError, StorageUnavailableError */
  update(name: string, changes: ServiceInput): Promise<ServiceReading>;
  /** With its history. @throws NotFoundError, ServiceFixedError, ServiceNeededError, StorageUnavailableError */
  remove(name: string): Promise<ServiceReading>;
  /** Checks now, or answers with the check under way. It counts as any other. @throws NotFoundError, NotCheckableError */
  checkNow(
    name: string,
  ): Promise<{ readonly result: CheckResult; readonly service: ServiceReading }>;
  /** Replaces one that goes on. @throws NotFoundError, ValidationError, StorageUnavailableError */
  startMaintenance(name: string, request: MaintenanceRequest): Promise<ServiceReading>;
  /** @throws NotFoundError, NotInMaintenanceError, StorageUnavailableError */
  endMaintenance(name: string): Promise<ServiceReading>;
  /** The first makes the agent known. @throws ValidationError, TooManyServicesError, StorageUnavailableError */
  report(report: AgentReport): Promise<ServiceReading>;
}

export interface HealthService extends Tenanted<TenantHealth> {
  /** Tells of changes of status of every tenant, until the answer is called. */
  subscribe(subscriber: ServiceSubscriber): () => void;
}
