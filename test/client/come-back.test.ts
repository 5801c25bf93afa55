import { describe, expect, test } from 'vitest';
import { ComeBack } from '../../src/client/come-back.ts';

const make = () => new ComeBack({ delayMs: 1000, maxDelayMs: 30_000, backoff: 'exponential' });

describe('W4 the waits of a client', () => {
  test('double from 1 s to 30 s while nothing comes about', () => {
    const comeBack = make();
    const waits = Array.from({ length: 7 }, () => {
      comeBack.ended(undefined, '');
      return comeBack.nextDelayMs();
    });
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  test('begin anew after a good connection, which is one that outlasts the wait for it', () => {
    const comeBack = make();
    const waitAfter = (upMs: number) => {
      comeBack.ended(upMs, '');
      return comeBack.nextDelayMs();
    };
    expect([50_000, 999, 1500, 4001, 1001].map(waitAfter)).toEqual([1000, 2000, 4000, 1000, 1000]);
  });

  test('are what the server asked for, once', () => {
    const comeBack = make();
    comeBack.ended(50_000, 'Going away; retry in 12345 ms.');
    expect([comeBack.nextDelayMs(), comeBack.nextDelayMs()]).toEqual([12_345, 1000]);
    comeBack.ended(50_000, 'retry in soon ms');
    expect(comeBack.nextDelayMs()).toBe(1000);
  });
});
