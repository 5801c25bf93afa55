import type { PulledAgent } from './function-probe.ts';
import { HealthState } from './health-state.ts';
import type {
  CheckResult,
  Explanation,
  Maintenance,
  ServiceDefinition,
  ServiceKind,
  ServiceOrigin,
  ServiceReading,
  ServiceStatus,
  Thresholds,
  Transition,
} from './service.ts';

/** What makes a service: everything that does not come from looking at it. */
export interface ServiceSpec {
  readonly tenant: string;
  readonly name: string;
  readonly kind: ServiceKind;
  readonly origin: ServiceOrigin;
  readonly description: string | undefined;
  /** Of one that is checked over HTTP. */
  readonly definition: ServiceDefinition | undefined;
  /** Of one that is asked by a function, with how long that may take. */
  readonly asked: { readonly read: PulledAgent['read']; readonly timeoutMs: number } | undefined;
  readonly thresholds: Thresholds;
  /** How often it is looked at, or is expected to report. */
  readonly intervalMs: number | undefined;
  readonly dependsOn: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** How a service was when that was last noted. */
export interface StateBefore {
  readonly status: ServiceStatus;
  readonly since: number;
  readonly explanation: Explanation | undefined;
  readonly maintenance: Maintenance | undefined;
}

/** A service in memory. Only the monitor changes it. */
export class MonitoredService {
  spec: ServiceSpec;
  since: number;
  lastResult: CheckResult | undefined;
  maintenance: Maintenance | undefined;
  checkCount = 0;
  #state: HealthState;

  constructor(spec: ServiceSpec, before: StateBefore | undefined, now: number) {
    this.spec = spec;
    this.since = before?.since ?? now;
    this.maintenance = before?.maintenance;
    this.#state = new HealthState(spec.thresholds, before);
  }

  get status(): ServiceStatus {
    return this.#state.status;
  }

  /** Why it has that status; `undefined` while nothing is known. */
  get explanation(): Explanation | undefined {
    return this.#state.explanation;
  }

  get dependsOn(): readonly string[] {
    return this.spec.dependsOn;
  }

  get name(): string {
    return this.spec.name;
  }

  /** Takes what a check found, and answers the change of status that came of it. */
  note(result: CheckResult): Transition | undefined {
    this.lastResult = result;
    this.checkCount++;
    return this.#follow(this.#state.note(result));
  }

  /** A report did not come. */
  missed(to: 'UNKNOWN' | 'UNHEALTHY', at: number, text: string): Transition | undefined {
    return this.#follow(this.#state.missed(to, at, text));
  }

  /** Goes on as something else, with the status it has. */
  become(spec: ServiceSpec): void {
    this.spec = spec;
    this.#state = this.#state.withThresholds(spec.thresholds);
  }

  read(causedBy: readonly string[]): ServiceReading {
    // Named one by one, which is many times faster than spreading them: all services are read for some answers.
    const { spec } = this;
    return {
      tenant: spec.tenant,
      name: spec.name,
      kind: spec.kind,
      origin: spec.origin,
      description: spec.description,
      definition: spec.definition,
      thresholds: spec.thresholds,
      intervalMs: spec.intervalMs,
      dependsOn: spec.dependsOn,
      createdAt: spec.createdAt,
      updatedAt: spec.updatedAt,
      status: this.status,
      since: this.since,
      explanation: this.explanation,
      lastResult: this.lastResult,
      window: this.#state.window,
      isFlapping: this.#state.isFlapping,
      maintenance: this.maintenance,
      causedBy,
      checkCount: this.checkCount,
    };
  }

  #follow(transition: Transition | undefined): Transition | undefined {
    if (transition === undefined) return undefined;
    this.since = transition.at;
    return transition;
  }
}
