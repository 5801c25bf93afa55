import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { onTestFinished } from 'vitest';

/** Somebody who signs tokens. */
export interface Signer {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  /** As it is published. */
  readonly jwk: Readonly<Record<string, unknown>>;
  sign(payload: JWTPayload): Promise<string>;
}

export async function makeSigner(kid: string, alg = 'ES256'): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  return {
    kid,
    privateKey,
    jwk,
    sign: (payload) => new SignJWT(payload).setProtectedHeader({ alg, kid }).sign(privateKey),
  };
}

/** A server that publishes keys, in whatever way it is told to. Ends with the test. */
export async function publishKeys(...signers: Signer[]) {
  const state = {
    requests: 0,
    answer: (response: ServerResponse) => answerJson(response, signers),
  };
  const server = createServer((_, response) => {
    state.requests++;
    state.answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo; // it listens on a port
  return {
    url: `http://127.0.0.1:${port}/jwks.json`,
    get requests() {
      return state.requests;
    },
    publish(...now: Signer[]) {
      state.answer = (response) => answerJson(response, now);
    },
    answer(how: (response: ServerResponse) => void) {
      state.answer = how;
    },
  };
}

function answerJson(response: ServerResponse, signers: readonly Signer[]): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ keys: signers.map(({ jwk }) => jwk) }));
}
