import { describe, expect, test } from 'vitest';
import { nearestName } from '../../src/lib/nearest-name.ts';

describe('nearestName', () => {
  test.each<[string, string[], string | undefined]>([
    ['titel', ['text', 'title', 'tile'], 'title'],
    ['TITLE', ['text', 'title'], 'title'],
    ['tags', ['tag', 'text'], 'tag'],
    ['x', ['y', 'z'], undefined],
    ['author', ['title', 'text'], undefined],
    ['', ['a'], undefined],
    ['x'.repeat(1000), ['x'.repeat(999)], undefined],
  ])('%s among %o', (written, names, nearest) => {
    expect(nearestName(written, names)).toBe(nearest);
  });

  test('looks at so many long names only that nobody waits for it', () => {
    let looked = 0;
    function* names() {
      for (; looked < 10_000; looked++) yield `${'y'.repeat(90)}${looked}`;
    }
    expect(nearestName('x'.repeat(92), names())).toBeUndefined();
    expect(looked).toBeLessThan(100);
  });
});
