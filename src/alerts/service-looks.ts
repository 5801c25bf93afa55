import type { ServiceReading } from '../health/service.ts';
import type { ServiceStatusSettings } from './alert-rule.ts';
import type { Look } from './look.ts';

/** Whether a rule is about a service. */
export function isAbout({ serviceId }: ServiceStatusSettings, name: string): boolean {
  return serviceId === undefined || serviceId === name;
}

/** Looks at one service. */
export function lookAtService({ statuses }: ServiceStatusSettings, reading: ServiceReading): Look {
  const { name: service, status, lastResult, explanation, maintenance, window } = reading;
  const isInMaintenance = maintenance !== undefined;
  const isSo = statuses.includes(status);
  return {
    subject: { kind: 'SERVICE', service },
    // Nothing is known of one that was not looked at since the process began.
    holds: isInMaintenance ? false : isSo ? true : lastResult === undefined ? undefined : false,
    isInMaintenance,
    values: () => ({
      service,
      kind: reading.kind,
      origin: reading.origin,
      status,
      explanation: explanation?.text ?? null,
      error: lastResult?.error ?? null,
      failure: lastResult?.failure ?? null,
      httpStatus: lastResult?.httpStatus ?? null,
      responseTimeMs: lastResult?.responseTimeMs ?? null,
      isFlapping: reading.isFlapping,
      causedBy: [...reading.causedBy],
      resultCount: window.count,
      failedCount: window.failedCount,
      changeCount: window.changeCount,
    }),
    message() {
      const why = explanation === undefined ? '' : ` ${explanation.text}`;
      const cause =
        reading.causedBy.length === 0
          ? ''
          : ` It needs what is down: ${reading.causedBy.join(', ')}.`;
      return `Service "${service}" is ${status}.${why}${cause}`;
    },
  };
}
