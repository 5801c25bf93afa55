import { nearestName } from '../lib/nearest-name.ts';

/** ` Did you mean …?`, or nothing where no name is near. */
export function suggestName(written: string, known: Iterable<string>): string {
  const near = nearestName(written, known);
  return near === undefined ? '' : ` Did you mean ${near}?`;
}
