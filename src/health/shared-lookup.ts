import type { LookupFunction } from 'node:net';

/**
 * Finds addresses of names by another function, asking it for each name once at a time: who asks meanwhile is answered the same.
 * A look-up of the system can't be given up, and takes long where no name server answers; only a few go on at once in a
 * process, and all others wait.
 */
export function shareLookups(lookUp: LookupFunction): LookupFunction {
  const waiting = new Map<string, Parameters<LookupFunction>[2][]>();
  return (host, options, done) => {
    const key = JSON.stringify([host, options]);
    const others = waiting.get(key);
    if (others !== undefined) {
      others.push(done);
      return;
    }
    const all = [done];
    waiting.set(key, all);
    try {
      lookUp(host, options, (...found) => {
        waiting.delete(key);
        for (const each of all) each(...found);
      });
    } catch (error) {
      waiting.delete(key);
      throw error;
    }
  };
}
