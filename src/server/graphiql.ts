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
  const { gzipSync } = require('node:zlib');
  const { renderGraphiQL } = require(workerData.renderer);
  const page = renderGraphiQL(workerData.options).trimStart();
  parentPort.postMessage(gzipSync(page.replace('</head>', workerData.style + '</head>')));
`;

/** The page of GraphiQL. It is made when it is first asked for, and kept. */
export interface GraphiQL {
  /** Answers a browser that asked for the page. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Gives up a page that is being made. */
  close(): void;
}

/** Serves GraphiQL, whole and out of this process: nothing is fetched from anywhere else. */
export function createGraphiQL(settings: GraphiQLSettings, endpoint: string): GraphiQL {
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
    const { gzipped, etag } = page;
    response.setHeader('cache-control', 'no-cache'); // ask each time whether it is still the same
    response.setHeader('etag', etag);
    response.setHeader('vary', 'accept-encoding');
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
        subscriptionsProtocol: 'WS',
        schemaDescription: true,
        defaultTabs: operations,
      },
    },
  });
  const gzipped = await new Promise<Buffer>((resolve, reject) => {
    worker.once('message', (page: Uint8Array) => resolve(Buffer.from(page.buffer)));
    worker.once('error', reject);
    signal.addEventListener('abort', () => void worker.terminate(), { once: true });
    worker.once('exit', (code) =>
      reject(new Error(`The GraphiQL page was not made: exit ${code}`)),
    );
  });
  const etag = `"${createHash('sha256').update(gzipped).digest('base64url').slice(0, 22)}"`;
  return { gzipped, etag };
}
