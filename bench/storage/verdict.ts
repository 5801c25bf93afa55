/** What we hold ourselves to. */
export interface Target {
  readonly must: number;
  readonly aim: number;
  /** Whether more is better, as of a share of the bare driver's rate; else less is, as of a time. */
  readonly isShare: boolean;
}

/** Whether a ratio is as it has to be, in words. */
export function judge(ratio: number, { must, aim, isShare }: Target): string {
  const isWithin = (bound: number) => (isShare ? ratio >= bound : ratio <= bound);
  const met = isWithin(aim) ? 'aim met' : isWithin(must) ? 'must met' : 'NOT met';
  return `must ${must}, aim ${aim}: ${met}`;
}
