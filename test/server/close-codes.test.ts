import { expect, test } from 'vitest';
import { fitReason } from '../../src/server/socket/close-codes.ts';

test('a reason that fits is left as it is', () => {
  for (const reason of ['', 'Idle', 'r'.repeat(123), 'é'.repeat(61)]) {
    expect(fitReason(reason)).toBe(reason);
  }
});

test('one that is too long is cut between characters', () => {
  for (const reason of ['r'.repeat(124), 'é'.repeat(62), '漢'.repeat(42), 'x🌊'.repeat(50)]) {
    const fitted = fitReason(reason);
    const bytes = Buffer.byteLength(fitted);
    expect(bytes).toBeLessThanOrEqual(123);
    expect(bytes).toBeGreaterThanOrEqual(120);
    expect(fitted.endsWith('…')).toBe(true);
    expect(reason.startsWith(fitted.slice(0, -1))).toBe(true);
    expect(fitted).not.toContain('�');
  }
});
