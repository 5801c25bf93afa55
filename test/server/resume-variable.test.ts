import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { findResumeVariable } from '../../src/server/subscriptions/resume-variable.ts';

test.each([
  ['subscription ($c: String) { news(after: $c) { number } }', 'c'],
  ['subscription ($c: String) { news(after: $c) { ...F } } fragment F on News { number }', 'c'],
  ['subscription ($c: String) { news(after: $c) { pad(length: $c) } }', undefined],
  ['subscription ($c: String) { news { pages(after: $c) } }', undefined],
  [
    'subscription ($c: String) { news { ...F } } fragment F on News { pages(after: $c) }',
    undefined,
  ],
  ['subscription ($c: String) { news(before: $c) { number } }', undefined],
])('W4 what says only where a stream begins: %s', (text, name) => {
  expect(findResumeVariable(parse(text))).toBe(name);
});
