import { spawn } from 'node:child_process';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { onTestFinished } from 'vitest';

/** No answer came: whoever asked can't know whether it was done. */
export class LostAnswerError extends Error {}

/** The API refused an operation as a whole. */
export class RefusedError extends Error {
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server in a process of its own. */
export interface ServerProcess {
  /** Where it listens, from when it does. @throws when it ends before */
  readonly url: Promise<string>;
  readonly ended: Promise<ProcessEnd>;
  readonly hasEnded: boolean;
  /** What it wrote to standard error so far. */
  readonly stderr: string;
  send(signal: NodeJS.Signals): void;
  /** Kills it, and waits for its end. */
  kill(): Promise<void>;
  /** @throws LostAnswerError, RefusedError */
  ask<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ): Promise<Data>;
  /** The answer of the readiness probe. @throws LostAnswerError */
  ready(): Promise<{ readonly status: number; readonly problem: string | undefined }>;
}

const ANSWER_LIMIT_MS = 60_000;

/** Starts a program that writes `GraphiQL: <url>` once it listens. It is killed at the end of the test at the latest. */
export function startProcess(program: string, args: readonly string[]): ServerProcess {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  const end = new Promise<ProcessEnd>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  let stdout = '';
  let stderr = '';
  let hasEnded = false;
  child.stderr.on('data', (data) => {
    stderr += String(data);
  });
  const url = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (data) => {
      stdout += String(data);
      const [, found] = /GraphiQL: (\S+)\n/.exec(stdout) ?? [];
      if (found !== undefined) resolve(found);
    });
    void end.then(({ code, signal }) => {
      hasEnded = true;
      reject(new Error(`The server ended with ${code ?? signal}: ${stderr}`));
    });
  });
  url.catch(() => undefined); // whoever waits for it is told
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const kill = async () => {
    child.kill('SIGKILL');
    await end;
    process.off('exit', killAtExit);
  };
  onTestFinished(kill);

  const request = async (path: string, init: RequestInit = {}) => {
    try {
      const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
      const response = await fetch(new URL(path, await url), { ...init, signal });
      return { status: response.status, body: await response.json() };
    } catch (error) {
      throw new LostAnswerError(`No answer from ${path}.`, { cause: error });
    }
  };

  return {
    url,
    ended: end,
    get hasEnded() {
      return hasEnded;
    },
    get stderr() {
      return stderr;
    },
    send: (signal) => void child.kill(signal),
    kill,
    async ask(document, variables) {
      const { body } = await request('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: print(document), variables }),
      });
      const [error] = body.errors ?? [];
      if (error !== undefined) throw new RefusedError(error.message, error.extensions?.code);
      return body.data;
    },
    async ready() {
      const { status, body } = await request('/health/ready');
      return { status, problem: body.causes?.[0]?.problem };
    },
  };
}
