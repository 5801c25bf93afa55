import type { Credentials } from '../lib/identity.ts';

/** What somebody shows: a token, nothing, or something that is not as it must be, with what would be right. */
export type FoundToken =
  | { readonly kind: 'TOKEN'; readonly token: string }
  | { readonly kind: 'NONE' }
  | { readonly kind: 'MALFORMED'; readonly message: string };

/** The longest token, in characters. */
const MOST_CHARACTERS = 8_192;
/** What stands around it at most. */
const MOST_AROUND = 16;
/** RFC 6750, 2.1; the name of a scheme is the same in capitals (RFC 9110, 11.1). */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;

const FORM = 'must be "Bearer" and an API key or a token, with a space between them';

/**
 * The token that somebody shows: in the header `authorization`, or, over WebSocket, in what the socket was opened with.
 * Nothing that was sent is in a message.
 */
export function findToken({ transport, headers, connectionParams }: Credentials): FoundToken {
  const header = headers.authorization;
  const shown: unknown[] = [];
  if (transport === 'websocket') {
    // Browsers can't send headers with a socket; those of a proxy must not stand against what the client says.
    for (const name of ['authorization', 'Authorization']) {
      if (Object.hasOwn(connectionParams, name)) shown.push(connectionParams[name]);
    }
  }
  const isParam = shown.length > 0;
  if (!isParam && header !== undefined) shown.push(header);
  const place = isParam
    ? '`authorization` in the connection parameters'
    : 'The header `authorization`';
  const [value, ...more] = shown;
  if (shown.length === 0) return { kind: 'NONE' };
  if (more.length > 0) return { kind: 'MALFORMED', message: `${place} must be there once.` };
  if (typeof value !== 'string') return { kind: 'MALFORMED', message: `${place} ${FORM}.` };
  if (value.length > MOST_CHARACTERS + MOST_AROUND) {
    return {
      kind: 'MALFORMED',
      message: `${place} has a token of more than ${MOST_CHARACTERS} characters. Show a shorter one.`,
    };
  }
  const [, token] = BEARER.exec(value) ?? [];
  if (token === undefined) return { kind: 'MALFORMED', message: `${place} ${FORM}.` };
  return { kind: 'TOKEN', token };
}
