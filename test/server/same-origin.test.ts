import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { isSameOrigin } from '../../src/server/same-origin.ts';

const isLetIn = (headers: { host: string; origin?: string }, knownHosts: string[] = []) =>
  isSameOrigin({ headers } as IncomingMessage, knownHosts);

test('what is no web page is let in, whatever it calls the server', () => {
  expect(isLetIn({ host: 'anything' })).toBe(true);
});

test.each(['127.0.0.1:4000', 'localhost:4000', '[::1]:4000', '192.168.1.5:4000'])(
  'a page of the server itself, at %s, is let in',
  (host) => {
    expect(isLetIn({ host, origin: `http://${host}` })).toBe(true);
  },
);

test('a page of another site, port or no site is refused', () => {
  expect(isLetIn({ host: 'localhost:4000', origin: 'http://evil.example' })).toBe(false);
  expect(isLetIn({ host: 'localhost:4000', origin: 'http://localhost:5000' })).toBe(false);
  expect(isLetIn({ host: 'localhost:4000', origin: 'null' })).toBe(false);
});

test('a page whose name was made to point here is refused, unless the name is known', () => {
  const headers = { host: 'flows.example:4000', origin: 'http://flows.example:4000' };
  expect(isLetIn(headers)).toBe(false);
  expect(isLetIn(headers, ['flows.example'])).toBe(true);
});
