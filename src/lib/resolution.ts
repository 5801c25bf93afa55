/** How much time one row of metrics covers. */
export type Resolution = 'MINUTE' | 'HOUR' | 'DAY';

/** In milliseconds. Minutes, hours and days are those of UTC, so all of them begin at multiples of these. */
export const RESOLUTION_MS: Readonly<Record<Resolution, number>> = {
  MINUTE: 60_000,
  HOUR: 3_600_000,
  DAY: 86_400_000,
};

export const RESOLUTIONS: readonly Resolution[] = ['MINUTE', 'HOUR', 'DAY'];

/** When the minute, hour or day begins that a moment is in; milliseconds since the Unix epoch. */
export function floorTo(resolution: Resolution, at: number): number {
  const size = RESOLUTION_MS[resolution];
  return Math.floor(at / size) * size;
}

/** The first beginning of a minute, hour or day that is not before a moment. */
export function ceilTo(resolution: Resolution, at: number): number {
  const size = RESOLUTION_MS[resolution];
  return Math.ceil(at / size) * size;
}

/** Rows of one resolution that begin in `[from, to)`, in milliseconds since the Unix epoch. */
export interface Segment {
  readonly resolution: Resolution;
  readonly from: number;
  readonly to: number;
}
