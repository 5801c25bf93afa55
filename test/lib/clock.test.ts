import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';

const DAY_MS = 86_400_000;

describe('systemClock', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('a timer fires once, not before its time', () => {
    const fire = vi.fn();
    systemClock.setTimer(20.5, fire);
    vi.advanceTimersByTime(20);
    expect(fire).not.toHaveBeenCalled();
    vi.advanceTimersByTime(100);
    expect(fire).toHaveBeenCalledOnce();
  });

  test('a timer longer than Node can set still waits its whole time', () => {
    const fire = vi.fn();
    systemClock.setTimer(60 * DAY_MS, fire);
    vi.advanceTimersByTime(60 * DAY_MS - 1);
    expect(fire).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fire).toHaveBeenCalledOnce();
  });

  test('a cancelled timer does not fire, in any part of a long wait, and leaves nothing behind', () => {
    const fire = vi.fn();
    const cancel = systemClock.setTimer(60 * DAY_MS, fire);
    vi.advanceTimersByTime(40 * DAY_MS);
    cancel();
    cancel();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(40 * DAY_MS);
    expect(fire).not.toHaveBeenCalled();
  });
});
