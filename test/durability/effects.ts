import { existsSync, readFileSync } from 'node:fs';

/** The items that jobs had effects of, by the key of the job, in order. */
export function readEffects(file: string): Map<string, number[]> {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const items = new Map<string, number[]>();
  for (const line of lines) {
    const [key = '', item] = line.split(' ');
    if (item === undefined) continue;
    const ofJob = items.get(key) ?? [];
    ofJob.push(Number(item));
    items.set(key, ofJob);
  }
  return items;
}
