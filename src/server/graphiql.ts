import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { pipeline } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { createGunzip } from 'node:zlib';

/** An operation that GraphiQL offers in a tab of its own. */
export interface ExampleOperation {
  readonly query: string;
  /** Its variables, as JSON. */
  readonly variables?: string;
}

/** What the page of GraphiQL shows. */
export interface GraphiQLSettings {
  /** Title of the page. */
  readonly title: string;
  /** One tab each, until somebody opens tabs of their own. */
  readonly operations: readonly ExampleOperation[];
}

interface Page {
  readonly gzipped: Buffer;
  readonly etag: string;
  /** What the page may load and run: its own script, and nothing from elsewhere. Its editor makes styles as it goes. */
  readonly policy: string;
}

/** What the thread answers that makes the page. */
interface Made {
  readonly gzipped: Uint8Array;
  /** SHA-256 of its one script. */
  readonly scriptHash: string;
}

/**
 * GraphiQL's tabs jump away under the pointer when one is clicked for the first time, and the click is lost: what moves
 * them still has the place they had before the page was laid out.
 */
const TAB_STYLE = '<style>.graphiql-tab { transform: none !important; }</style>';

/**
 * What makes the page. It runs in a thread of its own: the page carries all of GraphiQL, about 9 MB, and making and
 * compressing it takes a few tenths of a second and 60 MB of memory, which go with the thread.
 */
const PAGE_MAKER = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { createHash } = require('node:crypto');
  const { gzipSync } = require('node:zlib');
  const { renderGraphiQL } = require(workerData.renderer);
  const { style, options } = workerData;
  const json = JSON.stringify(options);
  const page = renderGraphiQL(options)
    .trimStart()
    .replace('</head>', () => style + '</head>')
    .replace(json, () => json.replaceAll('<', '\\\\u003c'));
  const script = page.slice(page.indexOf('<script>') + 8, page.lastIndexOf('</script>'));
  const scriptHash = createHash('sha256').update(script).digest('base64');
  parentPort.postMessage({ gzipped: gzipSync(page), scriptHash });
`;

/** The page of GraphiQL. It is made when it is first asked for, and kept. */
export interface GraphiQL {
  /** Answers a browser that asked for the page. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Gives up a page that is being made. */
  close(): void;
}

/** Serves GraphiQL, whole and out of this process: nothing is fetched from anywhere else; `undefined` where nobody wants it. */
export function createGraphiQL(
  wanted: false | Partial<GraphiQLSettings> | undefined,
  endpoint: string,
): GraphiQL | undefined {
  if (wanted === false) return undefined;
  const settings = { title: 'Millrace', operations: [], ...wanted };
  const closing = new AbortController();
  let making: Promise<Page> | undefined;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    making ??= makePage(settings, endpoint, closing.signal);
    let page: Page;
    try {
      page = await making;
    } catch (error) {
      making = undefined; // the next request tries again
      throw error;
    }
    const { gzipped, etag, policy } = page;
    response.setHeader('cache-control', 'no-cache'); // ask each time whether it is still the same
    response.setHeader('etag', etag);
    response.setHeader('content-security-policy', policy);
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304).end();
      return;
    }
    response.setHeader('content-type', 'text/html; charset=utf-8');
    if (/\bgzip\b/.test(String(request.headers['accept-encoding']))) {
      response.setHeader('content-encoding', 'gzip');
      response.setHeader('content-length', gzipped.length);
      response.end(gzipped);
    } else {
      const gunzip = createGunzip();
      pipeline(gunzip, response, () => undefined); // ends both, also when the client goes away
      gunzip.end(gzipped);
    }
  };
  return { answer, close: () => closing.abort() };
}

async function makePage(
  { title, operations }: GraphiQLSettings,
  endpoint: string,
  signal: AbortSignal,
): Promise<Page> {
  const worker = new Worker(PAGE_MAKER, {
    eval: true,
    execArgv: [],
    workerData: {
      renderer: createRequire(import.meta.url).resolve('@graphql-yoga/render-graphiql'),
      style: TAB_STYLE,
      options: {
        title,
        endpoint,
        subscriptionsProtocol: 'SSE', // so that subscriptions send the headers that people enter, as queries do
        subscriptionsEndpoint: endpoint,
        method: 'POST',
        schemaDescription: true,
        defaultTabs: operations,
      },
    },
  });
  const made = await new Promise<Made>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    signal.addEventListener('abort', () => void worker.terminate(), { once: true });
    worker.once('exit', (code) =>
      reject(new Error(`The GraphiQL page was not made: exit ${code}`)),
    );
  });
  const gzipped = Buffer.from(made.gzipped.buffer);
  const etag = `"${createHash('sha256').update(gzipped).digest('base64url').slice(0, 22)}"`;
  return { gzipped, etag, policy: policyOf(made.scriptHash) };
}

function policyOf(scriptHash: string): string {
  return [
    "default-src 'none'",
    `script-src 'sha256-${scriptHash}'`,
    "style-src 'unsafe-inline'",
    'img-src data:',
    'font-src data:',
    "connect-src 'self'",
    'worker-src blob:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
