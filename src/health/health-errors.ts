import { DomainError } from '../lib/domain-error.ts';

/** There is a service of that name already, or was one under that idempotency key. */
export class ServiceExistsError extends DomainError {
  readonly code = 'SERVICE_EXISTS';
  readonly service: string;

  constructor(service: string, message: string) {
    super(message);
    this.service = service;
  }
}

/** A service can't be changed live in that way: it comes from the configuration, or from the server or the program itself. */
export class ServiceFixedError extends DomainError {
  readonly code = 'SERVICE_FIXED';
  readonly service: string;

  constructor(service: string, message: string) {
    super(message);
    this.service = service;
  }
}

/** A service can't be removed while others say that they need it. */
export class ServiceNeededError extends DomainError {
  readonly code = 'SERVICE_NEEDED';
  readonly service: string;
  readonly neededBy: readonly string[];

  constructor(service: string, neededBy: readonly string[]) {
    super(
      `Service "${service}" is needed by ${neededBy.map((name) => `"${name}"`).join(', ')}. Change their \`dependsOn\` first.`,
    );
    this.service = service;
    this.neededBy = neededBy;
  }
}

/** A service can't be checked on demand: it reports by itself. */
export class NotCheckableError extends DomainError {
  readonly code = 'NOT_CHECKABLE';
  readonly service: string;

  constructor(service: string) {
    super(
      `Service "${service}" reports by itself, so it can't be checked. Wait for its next report.`,
    );
    this.service = service;
  }
}

/** A service is not in maintenance, so it can't be ended. */
export class NotInMaintenanceError extends DomainError {
  readonly code = 'NOT_IN_MAINTENANCE';
  readonly service: string;

  constructor(service: string) {
    super(`Service "${service}" is not in maintenance.`);
    this.service = service;
  }
}

/** What a tenant added live would be checked more often, all together, than it may be. */
export class TooManyChecksError extends DomainError {
  readonly code = 'TOO_MANY_CHECKS';
  /** Both in checks a second. */
  readonly limit: number;
  readonly wanted: number;

  constructor(limit: number, wanted: number) {
    super(
      `The services of this tenant would be checked ${Math.ceil(wanted)} times a second, and ${limit} is the most. Choose a longer \`intervalMs\`, or remove some.`,
    );
    this.limit = limit;
    this.wanted = wanted;
  }
}

/** A tenant has as many services as it may have. */
export class TooManyServicesError extends DomainError {
  readonly code = 'TOO_MANY_SERVICES';
  readonly limit: number;

  constructor(limit: number) {
    super(`There are ${limit} services already, which is the most. Remove some first.`);
    this.limit = limit;
  }
}
