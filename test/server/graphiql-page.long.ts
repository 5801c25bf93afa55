import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { UnauthenticatedError } from '../../src/lib/domain-error.ts';
import { ANYBODY } from '../../src/lib/identity.ts';
import { serve } from './serve.ts';

const BROWSER = '/usr/bin/chromium';
const KEY = 's3cr3t-of-graphiql';

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a page does that a browser shows, driven by the protocol of its developer tools. */
async function browse(url: string) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-browser-'));
  const options = ['--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0'];
  const browser = spawn(BROWSER, [...options, `--user-data-dir=${directory}`, 'about:blank']);
  onTestFinished(async () => {
    const exited = new Promise((resolve) => browser.once('exit', resolve));
    browser.kill();
    await exited;
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  const { host } = new URL(await toolsUrl(browser));
  const targets = (await (await fetch(`http://${host}/json`)).json()) as {
    type: string;
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(
    targets.find(({ type }) => type === 'page')?.webSocketDebuggerUrl ?? '',
  );
  await new Promise((resolve) => socket.once('open', resolve));
  /** What the page or the browser complained of. */
  const complaints: string[] = [];
  const waiting = new Map<number, (result: unknown) => void>();
  let last = 0;
  socket.on('message', (data) => {
    const { id, method, params, result } = JSON.parse(String(data));
    if (id !== undefined) waiting.get(id)?.(result);
    else if (/exceptionThrown|entryAdded/.test(method)) complaints.push(JSON.stringify(params));
  });
  const command = (method: string, params: object = {}) =>
    // biome-ignore lint/suspicious/noExplicitAny: each command answers something else
    new Promise<any>((resolve) => {
      last++;
      waiting.set(last, resolve);
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  const evaluate = async (expression: string) =>
    (await command('Runtime.evaluate', { expression })).result.value;
  const click = async (element: string) => {
    const place = `JSON.stringify((() => { const { x, y, width, height } = ${element}.getBoundingClientRect(); return { x: x + width / 2, y: y + height / 2 }; })())`;
    const at = JSON.parse(await evaluate(place));
    for (const type of ['mousePressed', 'mouseReleased']) {
      await command('Input.dispatchMouseEvent', { type, ...at, button: 'left', clickCount: 1 });
    }
    await wait(300);
  };
  const write = (text: string) => command('Input.insertText', { text });
  const until = async (expression: string) => {
    while ((await evaluate(expression)) !== true) await wait(100);
  };
  await command('Runtime.enable');
  await command('Log.enable');
  await command('Page.navigate', { url });
  return { complaints, evaluate, click, write, until };
}

function toolsUrl(browser: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    browser.stderr?.on('data', (chunk) => {
      said += String(chunk);
      const found = /listening on (ws:\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
}

const BUTTON = "document.querySelector('.graphiql-execute-button')";
/** Its editor shows spaces that don't break. */
const RESULT = "document.querySelector('.result-window')?.innerText.replace(/\\s/g, ' ')";
const EDITOR_OF_HEADERS =
  "[...document.querySelectorAll('.graphiql-editor-tool .monaco-editor')].find((each) => each.offsetParent !== null)";

test.skipIf(!existsSync(BROWSER))(
  'GraphiQL works in a browser under its own policy, and breaks none of it',
  { timeout: 60_000 },
  async () => {
    const operations = [{ query: 'query { transport }' }];
    const { url } = await serve({ graphiql: { operations } });
    const { complaints, click, until } = await browse(url);
    await until(`${BUTTON} != null`);
    await click(BUTTON);
    await until(`${RESULT}?.includes('"transport": "http"') === true`);
    expect(complaints).toEqual([]);
  },
);

test.skipIf(!existsSync(BROWSER))(
  'GraphiQL sends the headers that were entered with subscriptions too',
  { timeout: 60_000 },
  async () => {
    const { url, lines } = await serve({
      graphiql: { operations: [{ query: 'subscription { ticks(count: 3) }' }] },
      authenticate: async ({ headers }) => {
        if (headers.authorization !== `Bearer ${KEY}`) throw new UnauthenticatedError('No.');
        return ANYBODY;
      },
    });
    const { click, write, until } = await browse(url);
    await until(`${BUTTON} != null`);
    await click("[...document.querySelectorAll('button')].find((b) => b.innerText === 'Headers')");
    await click(EDITOR_OF_HEADERS);
    await write(`{ "authorization": "Bearer ${KEY}" }`);
    await wait(500);
    await click(BUTTON);
    await until(`${RESULT}?.includes('"ticks": 3') === true`);
    expect(lines.some(({ operationType }) => operationType === 'subscription')).toBe(true);
    expect(JSON.stringify(lines)).not.toContain(KEY);
  },
);
