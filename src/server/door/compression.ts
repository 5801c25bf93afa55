import type { ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { brotliCompress, gzip, constants as zlib } from 'node:zlib';
import type { Plugin } from 'graphql-yoga';

/** Shorter texts are sent as they are, in characters. */
const MIN_LENGTH = 4096;

/** Of 11: what is compressed once and read once is not worth more. */
const BROTLI_QUALITY = 4;

type Encoding = 'br' | 'gzip';

const compressGzip = promisify(gzip);
const compressBrotli = promisify(brotliCompress);

/** How a text may be compressed for a client; the best of what it takes, and Brotli if it does not mind. */
export function chooseEncoding(acceptEncoding: string | undefined): Encoding | undefined {
  if (acceptEncoding === undefined) return undefined;
  const wishes = new Map<string, number>();
  for (const part of acceptEncoding.toLowerCase().split(',')) {
    const [name = '', ...params] = part.split(';').map((word) => word.trim());
    const q = params.find((param) => param.startsWith('q='))?.slice(2);
    wishes.set(name, q === undefined ? 1 : Number(q) || 0);
  }
  const wish = (name: string) => wishes.get(name) ?? wishes.get('*') ?? 0;
  const br = wish('br');
  const plain = wishes.get('identity') ?? 0;
  const best = Math.max(br, wish('gzip'));
  if (best === 0 || best < plain) return undefined;
  return br === best ? 'br' : 'gzip';
}

/** A text as a client is to get it, compressed if it is long and the client takes that. */
export async function compressText(
  text: string,
  acceptEncoding: string | undefined,
): Promise<{ readonly body: string | Buffer; readonly encoding: Encoding | undefined }> {
  const encoding = text.length < MIN_LENGTH ? undefined : chooseEncoding(acceptEncoding);
  if (encoding === undefined) return { body: text, encoding };
  if (encoding === 'gzip') return { body: await compressGzip(text), encoding };
  const bytes = Buffer.from(text);
  const params = {
    [zlib.BROTLI_PARAM_MODE]: zlib.BROTLI_MODE_TEXT,
    [zlib.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
    [zlib.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return { body: await compressBrotli(bytes, { params }), encoding };
}

/** Sends a whole text; at once if it is not compressed. */
export function sendText(
  response: ServerResponse,
  status: number,
  contentType: string,
  text: string,
): void | Promise<void> {
  const accepted = response.req.headers['accept-encoding'];
  if (text.length >= MIN_LENGTH && accepted !== undefined) {
    return sendCompressed(response, status, contentType, text, accepted);
  }
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

async function sendCompressed(
  response: ServerResponse,
  status: number,
  contentType: string,
  text: string,
  accepted: string,
): Promise<void> {
  const { body, encoding } = await compressText(text, accepted);
  if (response.destroyed) return; // the client went away
  if (encoding !== undefined) response.setHeader('content-encoding', encoding);
  const length = Buffer.byteLength(body);
  response.writeHead(status, { 'content-type': contentType, 'content-length': length });
  response.end(body);
}

/** Compresses what yoga answers, if it is JSON and whole. */
export function useCompression(): Plugin {
  return {
    async onResponse({ request, response, setResponse, fetchAPI }) {
      const { status, headers } = response;
      const type = headers.get('content-type') ?? '';
      if (!/^application\/[^;]*json/.test(type) || headers.has('content-encoding')) return;
      if (Number(headers.get('content-length') ?? MIN_LENGTH) < MIN_LENGTH) return;
      const accepted = request.headers.get('accept-encoding') ?? undefined;
      if (chooseEncoding(accepted) === undefined) return;
      const { body, encoding } = await compressText(await response.text(), accepted);
      const changed = new fetchAPI.Headers(headers);
      changed.set('content-length', String(Buffer.byteLength(body)));
      if (encoding !== undefined) changed.set('content-encoding', encoding);
      // A Buffer is what a response may be made of, whatever its type says of where its bytes are.
      setResponse(new fetchAPI.Response(body as BodyInit, { status, headers: changed }));
    },
  };
}
