import type { PeerCertificate } from 'node:tls';
import { errors } from 'undici';
import { messageOf } from '../lib/domain-error.ts';
import { cutText } from '../lib/preview.ts';
import { AddressDeniedError } from './address-rules.ts';
import { LARGEST_HEAD, TlsFault } from './http-pools.ts';
import type { CheckFailure } from './service.ts';

/** Why a check failed: what programs branch on, and what people read. Has no secrets in it. */
export interface Explained {
  readonly failure: CheckFailure;
  readonly error: string;
}

export const REQUEST_TIMEOUT: Explained = { failure: 'TIMEOUT', error: 'Request timeout' };
export const NOT_ENDED: Explained = { failure: 'FAILED', error: 'The check was stopped' };

const REFUSED: Explained = { failure: 'CONNECTION_REFUSED', error: 'Connection refused' };
const RESET: Explained = { failure: 'CONNECTION_RESET', error: 'Connection reset' };
const CLOSED: Explained = {
  failure: 'CONNECTION_RESET',
  error: 'Connection closed before the answer ended',
};
const UNREACHABLE: Explained = { failure: 'UNREACHABLE', error: 'Host unreachable' };
const NO_SOCKETS: Explained = {
  failure: 'FAILED',
  error: 'This machine has no more sockets or memory for them',
};

/** By the code of an error of Node or undici. */
const BY_CODE: Readonly<Record<string, Explained>> = {
  ECONNREFUSED: REFUSED,
  ECONNRESET: RESET,
  ECONNABORTED: RESET,
  EPIPE: RESET,
  UND_ERR_SOCKET: CLOSED,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: CLOSED,
  EHOSTUNREACH: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ENETDOWN: UNREACHABLE,
  EADDRNOTAVAIL: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  EACCES: UNREACHABLE,
  EPERM: UNREACHABLE,
  EMFILE: NO_SOCKETS,
  ENFILE: NO_SOCKETS,
  ENOBUFS: NO_SOCKETS,
  UND_ERR_HEADERS_OVERFLOW: {
    failure: 'PROTOCOL',
    error: `The headers are larger than ${LARGEST_HEAD} bytes`,
  },
  UND_ERR_DESTROYED: NOT_ENDED,
  UND_ERR_CLOSED: NOT_ENDED,
};

/** What is wrong with a certificate, by the code that Node has for it. */
const CERTIFICATES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'certificate has expired',
  CERT_NOT_YET_VALID: 'certificate is not valid yet',
  CERT_REVOKED: 'certificate is revoked',
  CERT_UNTRUSTED: 'certificate is not trusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate is of an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate is of an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate is of an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate is of an unknown authority',
  CERT_SIGNATURE_FAILURE: 'certificate has a wrong signature',
  INVALID_PURPOSE: 'certificate is not for servers',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the service does not speak TLS',
  ECONNRESET: 'connection closed during the handshake',
  EPIPE: 'connection closed during the handshake',
};

const LONGEST_MESSAGE = 200;

/** Explains what a request ended with instead of an answer. @param host of the URL, without its port */
export function explainFault(fault: unknown, host: string): Explained {
  if (fault instanceof AddressDeniedError) {
    return { failure: 'ADDRESS_DENIED', error: `Address denied: ${fault.message}` };
  }
  if (fault instanceof TlsFault) return explainTls(fault.cause);
  const { code, syscall, message } = read(fault);
  if (syscall === 'getaddrinfo' || code === 'ENOTFOUND') {
    return { failure: 'NAME_NOT_RESOLVED', error: `Name not resolved: ${host}` };
  }
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) return explainTls(fault);
  // undici's words for an answer that nobody asked for.
  if (code === 'UND_ERR_SOCKET' && message === 'bad upgrade') {
    return {
      failure: 'PROTOCOL',
      error: 'The service answered with another protocol than HTTP/1.1',
    };
  }
  if (code === 'UND_ERR_SOCKET' && message === 'bad response') {
    return { failure: 'PROTOCOL', error: 'The service sent what was not asked for' };
  }
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  if (known !== undefined) return known;
  if (fault instanceof errors.HTTPParserError) return explainParser(message);
  return { failure: 'FAILED', error: plain(message === '' ? code : message) };
}

/** undici says in brackets what its parser says. */
function explainParser(message: string): Explained {
  const [, why = message] = /\((.*)\)$/s.exec(message) ?? [];
  if (why === 'Invalid EOF state') return CLOSED;
  return { failure: 'PROTOCOL', error: `The answer is not HTTP/1.1: ${plain(why)}` };
}

/** Whether a connection that was kept open may have been closed by the other side while nobody used it. */
export function isClosedByPeer(fault: unknown): boolean {
  const { code, message } = read(fault);
  return (
    code === 'ECONNRESET' ||
    code === 'EPIPE' ||
    (code === 'UND_ERR_SOCKET' && (message === 'other side closed' || message === 'closed'))
  );
}

function explainTls(cause: unknown): Explained {
  const { code, message, reason } = read(cause);
  const known = Object.hasOwn(CERTIFICATES, code) ? CERTIFICATES[code] : undefined;
  const why =
    code === 'ERR_TLS_CERT_ALTNAME_INVALID'
      ? explainName(cause)
      : (known ?? plain(reason || message || code));
  return { failure: 'TLS', error: `TLS: ${why}` };
}

/** The fault has the host that was looked for, and the certificate. */
function explainName(cause: unknown): string {
  const { host, cert } = cause as { host?: unknown; cert?: Partial<PeerCertificate> };
  const names = (cert?.subjectaltname ?? '')
    .split(', ')
    .map((name) => name.replace(/^(?:DNS|IP Address):/, ''))
    .filter((name) => name !== '');
  const common = cert?.subject?.CN;
  const all = names.length > 0 ? names : typeof common === 'string' ? [common] : [];
  const whose = all.length === 0 ? 'nobody' : cutText(all.slice(0, 5).join(', '), LONGEST_MESSAGE);
  return plain(`certificate is for ${whose}, not for ${String(host)}`, 2 * LONGEST_MESSAGE);
}

function read(fault: unknown): {
  readonly code: string;
  readonly syscall: unknown;
  readonly message: string;
  readonly reason: string;
} {
  const { code, syscall, reason } = (typeof fault === 'object' && fault !== null ? fault : {}) as {
    readonly code?: unknown;
    readonly syscall?: unknown;
    readonly reason?: unknown;
  };
  return {
    code: typeof code === 'string' ? code : '',
    syscall,
    message: messageOf(fault),
    reason: typeof reason === 'string' ? reason : '',
  };
}

/** On one line, without control characters, and short. */
function plain(text: string, longest = LONGEST_MESSAGE): string {
  return cutText(text.replace(/[\s\p{Cc}]+/gu, ' ').trim(), longest);
}
