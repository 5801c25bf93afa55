import type { JobRun } from '../engine/index.ts';
import { jsonSize } from '../lib/json-size.ts';
import { toJson } from '../lib/to-json.ts';
import type { KeptOutput } from './job.ts';

/** The outputs of an ended job that are kept have at most about so many characters as JSON together. */
const KEPT_CHARACTERS = 1024 * 1024;

/**
 * What is kept of a job's outputs: plain data, the first values of each as far as there is room. A value that is too
 * large for what is left ends its output.
 */
export function keepOutputs(outputs: JobRun['outputs']): Record<string, KeptOutput> {
  let room = KEPT_CHARACTERS;
  const kept: Record<string, KeptOutput> = {};
  for (const [name, { values, count }] of outputs) {
    const first: unknown[] = [];
    for (const value of values) {
      const size = jsonSize(value, room);
      if (size >= room) break;
      // What the size can't see, `toJSON`, getters and holes in a list, shows in what was written.
      const written = toJson(value);
      const writtenSize = jsonSize(written, room);
      if (writtenSize >= room) break;
      room -= Math.max(size, writtenSize);
      first.push(written);
    }
    kept[name] = { values: first, count };
  }
  return kept;
}
