import { expect, test } from 'vitest';
import { serve } from './serve.ts';

const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

test('GraphiQL is served whole, with the example operations, from nowhere else', async () => {
  const operations = [{ query: 'query Example { transport }', variables: '{"a": 1}' }];
  const { url } = await serve({ graphiql: { title: 'Test title', operations } });
  const response = await fetch(url, { headers: BROWSER });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const page = await response.text();
  expect(page).toMatch(/^<!doctype html>/);
  expect(page).toContain('<title>Test title</title>');
  expect(page).toContain('"subscriptionsProtocol":"SSE"');
  expect(page).toContain('query Example { transport }');
  // Its tabs stay where they are when they are clicked.
  expect(page.match(/<style>[^<]*<\/style>(?=<\/head>)/)?.[0]).toContain(
    'transform: none !important',
  );
  // What a browser would load: scripts, styles, images and frames of the page itself.
  const head = page.slice(0, page.indexOf('<script>'));
  expect(head).not.toMatch(/(src|href)="(?!data:)/);
  expect(head).not.toMatch(/@import|url\(["']?(https?:)?\/\//);
  expect(page).not.toMatch(/<script[^>]+src=/);
  expect(page).not.toMatch(/unpkg\.com|jsdelivr|cdnjs|esm\.sh|googleapis/);
});

test('GraphiQL is compressed where possible, and not sent again while it is the same', async () => {
  const { url } = await serve();
  const get = (headers: Record<string, string>) =>
    fetch(url, { headers: { ...BROWSER, ...headers } });
  const zipped = await get({ 'accept-encoding': 'gzip, br' });
  expect(zipped.headers.get('content-encoding')).toBe('gzip');
  const plain = await get({ 'accept-encoding': 'identity' });
  expect(plain.headers.get('content-encoding')).toBeNull();
  expect(await plain.text()).toBe(await zipped.text());
  const etag = zipped.headers.get('etag') ?? '';
  const again = await get({ 'if-none-match': etag });
  expect([again.status, await again.text()]).toEqual([304, '']);
});

test('while the page is made, the server answers others', async () => {
  const { url, ask } = await serve();
  const page = fetch(url, { headers: BROWSER }).then((response) => response.text());
  let answered = 0;
  const made = page.then(() => 'made');
  while ((await Promise.race([made, ask('{ transport }')])) !== 'made') answered++;
  expect(answered).toBeGreaterThan(0);
});
