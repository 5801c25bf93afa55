import { expect, test } from 'vitest';
import { serve, until } from './serve.ts';
import { Board, makeSharedSchema } from './shared-api.ts';

const QUERY = 'subscription { news { number text } }';

async function listen(url: string) {
  const abort = new AbortController();
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify({ query: QUERY }),
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    signal: abort.signal,
  });
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  return {
    abort,
    async readTo(last: number) {
      while (!text.includes(`"number":${last},`)) {
        const { done, value } = (await reader?.read()) ?? { done: true };
        if (done) break;
        text += decoder.decode(value, { stream: true });
      }
      return [...text.matchAll(/"number":(\d+),"text":"(.*?)"/g)].map(([, number]) =>
        Number(number),
      );
    },
  };
}

test('P5 server-sent events: who reads gets all of a burst, in order; they share the work', async () => {
  const board = new Board();
  const { url } = await serve({
    schema: makeSharedSchema(board),
    createContext: () => ({ isAdmin: false }),
    sharingKey: () => '',
  });
  const streams = await Promise.all([listen(url), listen(url), listen(url)]);
  await until(() => board.subscribed === 3);
  expect(board.streams).toBe(1);
  const texts = Array.from({ length: 5000 }, (_, at) => `news ${at}`);
  board.tell(...texts);
  for (const numbers of await Promise.all(streams.map(({ readTo }) => readTo(5000)))) {
    expect(numbers).toEqual(texts.map((_, at) => at + 1));
  }
  expect(board.executions).toBe(5000);
  for (const { abort } of streams) abort.abort();
  await until(() => board.streams === 0);
});
