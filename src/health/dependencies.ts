import type { ServiceStatus } from './service.ts';

/** What of a service matters to those that need it. */
export interface Dependent {
  readonly name: string;
  readonly status: ServiceStatus;
  readonly dependsOn: readonly string[];
}

/** So many causes of a service are told, the first by name: thousands may be down, and thousands need them. */
const MOST_CAUSES = 100;

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
 * themselves need nothing that is UNHEALTHY; by name, at most 100. Names of services that are not there are passed over. It takes
 * as long as there are services, dependencies and names in the answer.
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
  // Who needs one that has all the causes that are told has them, too.
  const isFull = (name: string) => causes.get(name)?.length === MOST_CAUSES;
  for (const root of down.filter((name) => !needy.has(name)).sort()) {
    for (const user of usersFrom([root], usersOf, isFull)) {
      const known = causes.get(user);
      if (known === undefined) causes.set(user, [root]);
      else known.push(root);
    }
  }
  return causes;
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

/** All who need one of these, directly or not; without those that are passed over, and who needs them. */
function usersFrom(
  names: readonly string[],
  usersOf: ReadonlyMap<string, readonly string[]>,
  isPassedOver: (name: string) => boolean = () => false,
): Set<string> {
  const users = new Set<string>();
  const addUsersOf = (name: string) => {
    for (const user of usersOf.get(name) ?? []) if (!isPassedOver(user)) users.add(user);
  };
  for (const name of names) addUsersOf(name);
  // What is found while it runs is appended and comes later.
  for (const name of users) addUsersOf(name);
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
