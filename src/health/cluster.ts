import { cutText } from '../lib/preview.ts';
import type { ClusterReading } from './health.ts';
import { SERVICE_STATUSES, SEVERITY, type ServiceReading, type ServiceStatus } from './service.ts';

const MOST_NAMES = 5;
const MOST_REASON_CHARACTERS = 100;

/**
 * Reads how all services of a tenant are together (H4). Pure, and cheap: one pass, and an order of those that are not
 * HEALTHY.
 *
 * @param read is asked only for those that are not HEALTHY, and not in maintenance
 */
export function readCluster<Service extends Pick<ServiceReading, 'status' | 'maintenance'>>(
  services: Iterable<Service>,
  read: (service: Service) => ServiceReading,
): Omit<ClusterReading, 'since'> {
  const counts = { HEALTHY: 0, DEGRADED: 0, UNHEALTHY: 0, UNKNOWN: 0 };
  const causes: ServiceReading[] = [];
  const affected: ServiceReading[] = [];
  let totalCount = 0;
  let maintenanceCount = 0;
  for (const service of services) {
    totalCount++;
    if (service.maintenance !== undefined) {
      maintenanceCount++;
      continue;
    }
    counts[service.status]++;
    if (service.status === 'HEALTHY') continue;
    const reading = read(service);
    (reading.causedBy.length === 0 ? causes : affected).push(reading);
  }
  causes.sort(byUrgency);
  affected.sort(byUrgency);

  const status = SERVICE_STATUSES.find((each) => counts[each] > 0) ?? 'UNKNOWN';
  const summary = summarize(causes, affected, totalCount - maintenanceCount, maintenanceCount);
  return { status, summary, counts, maintenanceCount, totalCount, causes, affected };
}

function byUrgency(a: ServiceReading, b: ServiceReading): number {
  return SEVERITY[b.status] - SEVERITY[a.status] || (a.name < b.name ? -1 : 1);
}

function summarize(
  causes: readonly ServiceReading[],
  affected: readonly ServiceReading[],
  checkedCount: number,
  maintenanceCount: number,
): string {
  const named = new Set(causes.map(({ name }) => name));
  // What is down for want of a service in maintenance has no cause that is named, so it is named itself.
  const isNamed = (service: ServiceReading) => !service.causedBy.some((name) => named.has(name));
  const told = [...causes, ...affected.filter(isNamed)].sort(byUrgency);
  const others = affected.length + causes.length - told.length;

  const sentences: string[] = [];
  if (checkedCount === 0) sentences.push('No service is checked.');
  else if (told.length === 0) sentences.push(allHealthy(checkedCount));
  let room = MOST_NAMES;
  for (const status of SERVICE_STATUSES) {
    const group = told.filter((service) => service.status === status);
    if (group.length === 0) continue;
    const of = sentences.length === 0 ? ofServices(checkedCount) : '';
    sentences.push(tellGroup(status, group, of, room));
    room = Math.max(0, room - group.length);
    // Only what is UNHEALTHY is to blame for others.
    if (status === 'UNHEALTHY' && others > 0) sentences.push(tellOthers(others, group.length));
  }
  if (maintenanceCount > 0) {
    const more = checkedCount === 0 ? '' : ' more';
    sentences.push(`${maintenanceCount}${more} ${be(maintenanceCount)} in maintenance.`);
  }
  return sentences.join(' ');
}

function allHealthy(count: number): string {
  return count === 1 ? 'The only service is healthy.' : `All ${count} services are healthy.`;
}

function ofServices(count: number): string {
  return count === 1 ? ' of 1 service' : ` of ${count} services`;
}

function tellGroup(
  status: ServiceStatus,
  group: readonly ServiceReading[],
  of: string,
  room: number,
): string {
  const count = `${group.length}${of}`;
  const what =
    status === 'UNKNOWN'
      ? `Nothing is known of ${count}`
      : `${count} ${be(group.length)} ${status.toLowerCase()}`;
  const names = group.slice(0, room).map(nameWithReason).join(', ');
  if (names === '') return `${what}.`;
  const rest = group.length - room;
  return rest > 0 ? `${what}: ${names} and ${rest} more.` : `${what}: ${names}.`;
}

function tellOthers(count: number, causeCount: number): string {
  const them = causeCount === 1 ? 'it' : 'them';
  return count === 1
    ? `1 other, which depends on ${them}, is not healthy either.`
    : `${count} others, which depend on ${them}, are not healthy either.`;
}

function nameWithReason(service: ServiceReading): string {
  const reason = reasonOf(service);
  return reason === undefined ? service.name : `${service.name} (${reason})`;
}

/** Stays the same as long as the status does, so that a summary is news only when it is. */
function reasonOf({ causedBy, isFlapping, explanation }: ServiceReading): string | undefined {
  const [cause] = causedBy;
  if (cause !== undefined) return `needs ${cause}`;
  if (isFlapping) return 'flapping';
  if (explanation?.rule === 'REPORT_MISSED') return 'no report';
  return explanation?.result?.error === undefined
    ? undefined
    : cutText(explanation.result.error, MOST_REASON_CHARACTERS);
}

function be(count: number): string {
  return count === 1 ? 'is' : 'are';
}
