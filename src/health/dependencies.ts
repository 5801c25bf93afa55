import type { ServiceStatus } from './service.ts';

/** What of a service matters to those that need it. */
export interface Dependent {
  readonly name: string;
  readonly status: ServiceStatus;
  readonly dependsOn: readonly string[];
}

/**
 * Says whether a service would need itself, directly or not.
 *
 * @param of what a service of that name needs; `undefined` when there is none, which then ends the way
 * @returns the shortest way from the service back to it, such as `['a', 'b', 'a']`; `undefined` when there is none
 */
export function findCycle(
  name: string,
  dependsOn: readonly string[],
  of: (name: string) => readonly string[] | undefined,
): readonly string[] | undefined {
  const neededBy = new Map<string, string>();
  const waiting: string[] = [];
  const visit = (user: string, needed: readonly string[]): boolean => {
    for (const each of needed) {
      if (each === name) return true;
      if (neededBy.has(each)) continue;
      neededBy.set(each, user);
      waiting.push(each);
    }
    return false;
  };

  if (visit(name, dependsOn)) return [name, name];
  // What is found while it runs is appended and comes later.
  for (const user of waiting) {
    if (visit(user, of(user) ?? [])) return wayTo(user, name, neededBy);
  }
  return undefined;
}

/**
 * Reads for each service which others are to blame for it: those that are UNHEALTHY and that it needs, directly or not, which
 * themselves need nothing that is UNHEALTHY; by name. Names of services that are not there are passed over. It takes as long as
 * there are services, dependencies and names in the answer.
 *
 * @returns only those that have any
 */
export function readCauses(services: Iterable<Dependent>): Map<string, readonly string[]> {
  const all = [...services];
  const causes = new Map<string, string[]>();
  const down = all.filter(({ status }) => status === 'UNHEALTHY').map(({ name }) => name);
  if (down.length === 0) return causes;

  const usersOf = readUsers(all);
  const needy = usersFrom(down, usersOf);
  for (const root of down.filter((name) => !needy.has(name)).sort()) {
    for (const user of usersFrom([root], usersOf)) {
      const known = causes.get(user);
      if (known === undefined) causes.set(user, [root]);
      else known.push(root);
    }
  }
  return causes;
}

/** Reads which services are to blame for one, as `readCauses` does. @param find `undefined` when there is no such service */
export function causesOf(
  name: string,
  find: (name: string) => Dependent | undefined,
): readonly string[] {
  const needed = new Map<string, Dependent>();
  const waiting = [name];
  for (const each of waiting) {
    const service = needed.has(each) ? undefined : find(each);
    if (service === undefined) continue;
    needed.set(each, service);
    for (const dependency of service.dependsOn) waiting.push(dependency);
  }
  return readCauses(needed.values()).get(name) ?? [];
}

/** The arrows of `dependsOn` turned round: who needs a service. */
function readUsers(services: readonly Dependent[]): Map<string, string[]> {
  const usersOf = new Map<string, string[]>();
  for (const { name, dependsOn } of services) {
    for (const needed of dependsOn) {
      const users = usersOf.get(needed);
      if (users === undefined) usersOf.set(needed, [name]);
      else users.push(name);
    }
  }
  return usersOf;
}

/** All who need one of these, directly or not. */
function usersFrom(
  names: readonly string[],
  usersOf: ReadonlyMap<string, readonly string[]>,
): Set<string> {
  const users = new Set<string>();
  for (const name of names) {
    for (const user of usersOf.get(name) ?? []) users.add(user);
  }
  // What is found while it runs is appended and comes later.
  for (const name of users) {
    for (const user of usersOf.get(name) ?? []) users.add(user);
  }
  return users;
}

function wayTo(end: string, start: string, neededBy: ReadonlyMap<string, string>): string[] {
  const way = [start];
  for (let at: string | undefined = end; at !== undefined && at !== start; at = neededBy.get(at)) {
    way.push(at);
  }
  way.push(start);
  return way.reverse();
}
