import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fromStoredText, toStoredText } from '../../src/storage/stored-text.ts';

const unit = fc.constantFrom('\0', '\ud800', '\udfff', '\ue000', '0', 'a', 'ß', '🦆');
const text = fc.oneof(fc.string({ unit }), fc.string({ unit: 'binary' }));

it('any text comes back as it was, and is stored as one that databases take', () => {
  fc.assert(
    fc.property(text, (given) => {
      const stored = toStoredText(given);
      expect(fromStoredText(stored)).toBe(given);
      expect(stored).not.toContain('\0');
      expect(stored).not.toMatch(/\p{Cs}/u);
    }),
  );
});

it('ordinary text is stored as it is', () => {
  for (const given of ['', 'plain', 'Ünï 🦆 \n\t\\u0000']) expect(toStoredText(given)).toBe(given);
});
