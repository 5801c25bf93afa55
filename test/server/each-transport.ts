import { describe } from 'vitest';
import WebSocket from 'ws';

/** An operation as a client sends it. What is `undefined` is not sent. */
export interface Sent {
  readonly query?: string | undefined;
  readonly variables?: unknown;
  /** In place of `variables`: JSON that can't be written, such as what is nested too deeply or has a key twice. */
  readonly rawVariables?: string | undefined;
  readonly operationName?: string | undefined;
  readonly extensions?: Record<string, unknown> | undefined;
  readonly documentId?: string | undefined;
  /** Of the HTTP request; of a WebSocket those of the request it begins with. */
  readonly headers?: Record<string, string>;
  /** A key or JWT: a header over HTTP, in `connectionParams` over WebSocket. */
  readonly token?: string | undefined;
}

/** An error as a client is told. */
export interface ToldError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** What a client learns: of a subscription its first message, then it is left. */
export interface TransportAnswer {
  /** The HTTP status of what refused or answered the operation; `undefined` for WebSocket that was opened. */
  readonly status?: number;
  readonly headers?: Headers;
  readonly errors: readonly ToldError[];
  readonly data?: unknown;
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** With which the server closed the WebSocket before it answered. */
  readonly closeCode?: number;
}

/** Sends one operation to a server, over a connection of its own. */
export type Send = (url: string, operation: Sent) => Promise<TransportAnswer>;

const JSON_BODY = { 'content-type': 'application/json' };

/** Where an operation may come in, and what leads there. Mutations are refused over `HTTP GET`. */
export const TRANSPORTS = {
  'HTTP POST': (url, operation) =>
    fetchAnswer(url, operation, { ...JSON_BODY, accept: 'application/json' }),
  // What the fast way does not do: yoga answers it, and uses status codes.
  'HTTP POST, by yoga': (url, operation) =>
    fetchAnswer(url, operation, {
      ...JSON_BODY,
      accept: 'application/graphql-response+json; charset=utf-8',
    }),
  'HTTP GET': sendByGet,
  'SSE, distinct': (url, operation) =>
    fetchAnswer(url, operation, { ...JSON_BODY, accept: 'text/event-stream' }),
  'SSE, single': sendToStream,
  WebSocket: sendBySocket,
} satisfies Record<string, Send>;

export type TransportName = keyof typeof TRANSPORTS;

/** Defines the same tests for each transport there is, or those named. */
export function forEachTransport(
  define: (send: Send, name: TransportName) => void,
  names = Object.keys(TRANSPORTS) as readonly TransportName[], // those of the constant above
): void {
  describe.each(names)('over %s', (name) => define(TRANSPORTS[name], name));
}

/** The codes of the errors of an answer. */
export function codesOf({ errors }: Pick<TransportAnswer, 'errors'>): unknown[] {
  return errors.map(({ extensions: { code } = {} }) => code);
}

function bodyOf({ query, variables, operationName, extensions, documentId }: Sent) {
  return { query, variables, operationName, extensions, documentId };
}

function writeBody(operation: Sent, extensions = operation.extensions): string {
  const text = JSON.stringify({ ...bodyOf(operation), extensions });
  return operation.rawVariables === undefined ? text : addVariables(text, operation.rawVariables);
}

/** To the JSON of an object that has some other key. */
function addVariables(text: string, variables: string): string {
  return `${text.slice(0, -1)},"variables":${variables}}`;
}

function headersOf({ headers = {}, token }: Sent): Record<string, string> {
  return token === undefined ? headers : { authorization: `Bearer ${token}`, ...headers };
}

async function fetchAnswer(url: string, operation: Sent, headers: Record<string, string>) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, ...headersOf(operation) },
    body: writeBody(operation),
  });
  return readAnswer(response);
}

async function sendByGet(url: string, operation: Sent): Promise<TransportAnswer> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(bodyOf(operation))) {
    if (value === undefined) continue;
    search.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  if (operation.rawVariables !== undefined) search.set('variables', operation.rawVariables);
  const response = await fetch(`${url}?${search}`, {
    // A content type that browsers ask about before they send it shows that no foreign page can have sent this.
    headers: { ...JSON_BODY, accept: 'application/json', ...headersOf(operation) },
  });
  return readAnswer(response);
}

async function readAnswer(response: Response): Promise<TransportAnswer> {
  const { status, headers } = response;
  if (headers.get('content-type')?.includes('event-stream') === true) {
    const result = await firstEvent(response, (data) => data as object | undefined);
    return { status, headers, errors: [], ...result };
  }
  const text = await response.text();
  const body: unknown = headers.get('content-type')?.includes('json') === true && JSON.parse(text);
  return { status, headers, errors: [], ...(typeof body === 'object' ? body : {}) };
}

/** Reads a stream up to the first event of which there is something to take, then leaves it. */
async function firstEvent<T>(
  { body }: Response,
  take: (data: unknown) => T | undefined,
): Promise<T | undefined> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const data = /^data: ?(.+)$/m.exec(event)?.[1];
      const taken = data === undefined ? undefined : take(JSON.parse(data));
      if (taken !== undefined) return taken;
      if (/^event: ?complete$/m.test(event)) return undefined;
    }
  }
  return undefined;
}

async function sendToStream(url: string, operation: Sent): Promise<TransportAnswer> {
  const reserved = await fetch(url, { method: 'PUT', headers: headersOf(operation) });
  if (reserved.status !== 201) return readAnswer(reserved);
  const headers = {
    ...headersOf(operation),
    'x-graphql-event-stream-token': await reserved.text(),
  };
  const leave = new AbortController();
  try {
    const stream = await fetch(url, {
      headers: { ...headers, accept: 'text/event-stream' },
      signal: leave.signal,
    });
    if (!stream.ok) return await readAnswer(stream);
    const first = firstEvent(stream, (data) => (data as { payload?: object }).payload);
    const extensions = { operationId: 'one', ...operation.extensions };
    const begun = await fetch(url, {
      method: 'POST',
      headers: { ...JSON_BODY, ...headers },
      body: writeBody(operation, extensions),
    });
    if (begun.status !== 202) {
      void first.catch(() => undefined);
      return await readAnswer(begun);
    }
    return { status: begun.status, headers: begun.headers, errors: [], ...(await first) };
  } finally {
    leave.abort();
  }
}

/** What a WebSocket client is sent, as far as it matters here. */
interface SocketMessage {
  readonly type: string;
  readonly payload?: object;
}

function sendBySocket(url: string, operation: Sent): Promise<TransportAnswer> {
  const { headers = {}, token } = operation;
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws', { headers });
  const say = (message: object) => socket.send(JSON.stringify(message));
  return new Promise<TransportAnswer>((resolve) => {
    socket.on('error', () => undefined); // it is closed next
    socket.on('unexpected-response', (_request, { statusCode: status, headers: told }) => {
      const text = Object.entries(told).map(([name, value]): [string, string] => [
        name,
        `${value}`,
      ]);
      resolve({
        ...(status === undefined ? {} : { status }),
        headers: new Headers(text),
        errors: [],
      });
      socket.terminate();
    });
    socket.on('close', (closeCode) => resolve({ errors: [], closeCode }));
    socket.on('open', () => {
      const payload = token === undefined ? {} : { authorization: `Bearer ${token}` };
      say({ type: 'connection_init', payload });
    });
    socket.on('message', (data) => {
      const { type, payload } = JSON.parse(String(data)) as SocketMessage;
      if (type === 'connection_ack') {
        // The protocol demands a document, be it empty.
        const payload = writeBody({ ...operation, query: operation.query ?? '' });
        socket.send(`{"id":"one","type":"subscribe","payload":${payload}}`);
      } else if (type === 'next') resolve({ errors: [], ...payload });
      else if (type === 'error') resolve({ errors: payload as ToldError[] });
      else if (type === 'complete') resolve({ errors: [] });
    });
  }).finally(() => socket.close());
}
