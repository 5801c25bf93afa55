import { pino } from 'pino';
import { type App, type AppOptions, createApp, type ServeOptions } from '../../src/app.ts';
import { defineFlow, defineRoutine, slot } from '../../src/engine/index.ts';
import { hashText } from '../../src/server/documents/documents.ts';
import { JOBS, QUERY } from './operation.ts';

/** Where a contender is asked, and how. */
export interface Served {
  readonly port: number;
  /** Sent besides those of JSON. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What to post. Default: the query. */
  readonly body?: object;
}

/** More than there is of anything. */
const UNLIMITED = 1_000_000_000;

/** Limits of documents that nothing reaches, and no limit of rates. */
const NO_LIMITS = {
  maxBodyBytes: UNLIMITED,
  maxUrlLength: UNLIMITED,
  maxHeaders: UNLIMITED,
  maxDocumentLength: UNLIMITED,
  maxDocumentTokens: UNLIMITED,
  maxDocumentFields: UNLIMITED,
  maxDocumentDepth: UNLIMITED,
  maxAliases: UNLIMITED,
  maxDirectives: UNLIMITED,
  maxDirectivesPerNode: UNLIMITED,
  maxVariablesDepth: UNLIMITED,
  requestsPerMinute: 0,
  costPerMinute: 0,
};

/** Rates are limited, and this client is never refused for it. */
const HIGH_RATES = { requestsPerMinute: UNLIMITED, costPerMinute: UNLIMITED };

/** Of a page that the server lets in by default. */
const ORIGIN = 'http://localhost:3000';

/** As it is by default on this machine alone. */
export async function serveDefault(): Promise<Served> {
  return serve(await makeApp());
}

/** Everybody may do everything, as much as they like. */
export async function serveUnprotected(): Promise<Served> {
  const limits = { complexity: UNLIMITED, depth: UNLIMITED, breadth: UNLIMITED };
  return serve(await makeApp({ limits }), { limits: NO_LIMITS });
}

/** An API key is needed, rates are counted, pages are let in by their origin, and each request is logged. */
export async function serveProtected(): Promise<Served> {
  return serveWithKey({ limits: HIGH_RATES });
}

/** The same, and only documents that are known are answered, by their ids. */
export async function serveTrusted(): Promise<Served> {
  const documentId = hashText(QUERY);
  const documents = new Map([[documentId, QUERY]]);
  const trustedDocuments = { documents, mode: 'only' as const };
  const served = await serveWithKey({ limits: HIGH_RATES, trustedDocuments });
  return { ...served, body: { documentId } };
}

async function serveWithKey(options: ServeOptions): Promise<Served> {
  const logger = pino({ level: 'info' }, pino.destination('/dev/null'));
  const app = await makeApp({ logger });
  const { text } = await app.keys.create({ subject: 'load', scopes: ['read'] });
  const headers = { authorization: `Bearer ${text}`, origin: ORIGIN };
  return { ...(await serve(app, options)), headers };
}

async function serve(app: App, options: ServeOptions = {}): Promise<Served> {
  const { port } = await app.listen({ ...options, port: 0 });
  return { port };
}

/** An app that has just as many jobs as a page shows. */
async function makeApp(options: Omit<AppOptions, 'flows'> = {}): Promise<App> {
  const noop = defineRoutine({
    type: 'noop',
    slots: { input: slot<unknown>() },
    run: () => undefined,
  });
  const flow = defineFlow({ id: 'articles' }, (f) => {
    f.connect(f.input, f.add('noop', noop).slots.input);
  });
  const app = await createApp({ ...options, flows: [flow] });
  for (let at = 0; at < JOBS; at++) {
    await app.jobs.start({
      flowId: 'articles',
      input: { at },
      owner: `owner-${at % 7}`,
      priority: at % 3,
    });
  }
  return app;
}
