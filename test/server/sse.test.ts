import { expect, onTestFinished, test, vi } from 'vitest';
import { serve, until } from './serve.ts';
import { open } from './test-api.ts';

async function listen(url: string, query: string) {
  const abort = new AbortController();
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify({ query }),
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    signal: abort.signal,
  });
  return { response, abort };
}

test('a subscription comes as server-sent events, to its end', async () => {
  const { url } = await serve();
  const { response } = await listen(url, 'subscription { ticks(count: 3) }');
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const text = await response.text();
  expect(text).toContain('event: next\ndata: {"data":{"ticks":3}}\n\n');
  expect(text).toMatch(/event: complete\ndata:\n\n$/);
  expect(open.count).toBe(0);
});

test('who leaves an idle subscription frees its source at once', async () => {
  const { url } = await serve();
  const { abort, response } = await listen(url, 'subscription { silence }');
  await until(() => open.count === 1);
  const reading = response.text().catch(() => 'left');
  abort.abort();
  await until(() => open.count === 0);
  expect(await reading).toBe('left');
});

test('an idle subscription is kept alive by comments', async () => {
  vi.stubEnv('NODE_ENV', 'test'); // yoga then sends one every 300 ms instead of every 12 s
  onTestFinished(() => void vi.unstubAllEnvs());
  const { url } = await serve();
  const { abort, response } = await listen(url, 'subscription { silence }');
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (text.split(':\n\n').length < 4) {
    text += decoder.decode((await reader?.read())?.value, { stream: true });
  }
  expect(text.replaceAll(':\n\n', '')).toBe('');
  abort.abort();
  await until(() => open.count === 0);
});

test('errors come as results, masked', async () => {
  const { url, logged } = await serve();
  const { response, abort } = await listen(url, 'subscription { brokenEvents }');
  const reader = response.body?.getReader();
  let text = '';
  while (!text.includes('data: ')) {
    text += new TextDecoder().decode((await reader?.read())?.value);
  }
  expect(text).toContain('INTERNAL_SERVER_ERROR');
  expect(text).not.toContain('secret');
  expect(logged).toHaveLength(1);
  abort.abort();

  const refused = await listen(url, 'subscription { nothing }');
  expect(await refused.response.text()).toContain('GRAPHQL_VALIDATION_FAILED');
});

test('a subscription that is not asked for as a stream is not acceptable', async () => {
  const { post } = await serve();
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  expect(await post({ query: 'subscription { silence }' }, headers)).toMatchObject({ status: 406 });
  await until(() => open.count === 0);
});
