import type { ServerResponse } from 'node:http';

/** Why a request is not answered, as its client is told. */
export interface Refusal {
  /** The HTTP status. */
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** Answers a request with why it is refused, in the form of GraphQL errors. */
export function refuse(response: ServerResponse, { status, code, message }: Refusal): void {
  const text = JSON.stringify({ errors: [{ message, extensions: { code } }] });
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
