import { connect, type Socket } from 'node:net';
import { FrameReader } from './frame-reader.ts';

/** What a client subscribes to. */
export interface Operation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

export interface RawClientOptions {
  readonly port: number;
  /** Where it connects from. Default: 127.0.0.1. */
  readonly localAddress?: string;
  /** What it says when it connects. Default: nothing. */
  readonly connectionParams?: Readonly<Record<string, unknown>>;
  /** At most nine. */
  readonly operations: readonly Operation[];
  /** So many messages of its operations came. */
  readonly onMessages: (count: number) => void;
  /** An operation ended. */
  readonly onComplete: () => void;
  /** What was not expected: an error, or that the server closed the socket. */
  readonly onProblem: (problem: string) => void;
  /** Gets those messages that came in one piece. */
  readonly inspect?: (text: string) => void;
}

const PONG = 10;
const PING = 9;
const CLOSE = 8;
const TEXT = 1;

/** All clients read into it, one after another: what was read is looked at before the next one reads. */
const SHARED = Buffer.alloc(64 * 1024);

/**
 * A WebSocket that knows just enough of graphql-transport-ws to subscribe, and tells how much it gets. Opening
 * is kept when it has sent its operations.
 */
export class RawClient {
  readonly #options: RawClientOptions;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  readonly #opened: () => void;
  /** What came of the answer to the upgrade; `undefined` after it. */
  #answer: string | undefined = '';

  static open(options: RawClientOptions): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const onProblem = (problem: string) => {
        reject(new Error(problem));
        options.onProblem(problem);
      };
      const client: RawClient = new RawClient({ ...options, onProblem }, () => resolve(client));
    });
  }

  private constructor(options: RawClientOptions, opened: () => void) {
    this.#options = options;
    this.#opened = opened;
    this.#reader = new FrameReader({
      text: (text) => this.#take(text),
      control: (opcode, payload) => this.#control(opcode, payload),
      ...(options.inspect === undefined ? {} : { inspect: options.inspect }),
    });
    this.#socket = connect({
      host: '127.0.0.1',
      port: options.port,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
      noDelay: true,
      onread: {
        buffer: SHARED,
        callback: (length) => {
          this.#read(length);
          return true;
        },
      },
    });
    this.#socket.once('error', (error) => options.onProblem(`A socket failed: ${error.message}`));
    this.#socket.once('close', () => options.onProblem('The server cut a socket.'));
    this.#socket.write(
      'GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bWlsbHJhY2UgbG9hZCAxNg==\r\n' +
        'Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n',
    );
  }

  /** Cuts the socket. */
  leave(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.resetAndDestroy();
  }

  #read(length: number): void {
    if (this.#answer !== undefined) {
      this.#readAnswer(SHARED.toString('latin1', 0, length));
      return;
    }
    const count = this.#reader.read(SHARED, length);
    if (count > 0) this.#options.onMessages(count);
  }

  #readAnswer(text: string): void {
    const answer = this.#answer + text;
    this.#answer = answer;
    const end = answer.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!answer.startsWith('HTTP/1.1 101')) {
      this.#options.onProblem(`The upgrade was refused: ${answer.slice(0, 200)}`);
      return;
    }
    this.#answer = undefined;
    this.#sendText({ type: 'connection_init', payload: this.#options.connectionParams });
    const rest = Buffer.from(answer.slice(end + 4), 'latin1');
    this.#reader.read(rest, rest.length);
  }

  #take(text: string): boolean {
    const message = JSON.parse(text) as { type: string }; // as the protocol says
    switch (message.type) {
      case 'next':
        return true;
      case 'connection_ack':
        this.#options.operations.forEach((payload, at) => {
          this.#sendText({ id: String(at + 1), type: 'subscribe', payload });
        });
        this.#opened();
        return false;
      case 'ping':
        this.#sendText({ type: 'pong' });
        return false;
      case 'complete':
        this.#options.onComplete();
        return false;
      default:
        this.#options.onProblem(`The server said: ${text}`);
        return false;
    }
  }

  #control(opcode: number, payload: Buffer): void {
    if (opcode === PING) this.#send(PONG, payload);
    if (opcode !== CLOSE) return;
    const code = payload.length < 2 ? 'no code' : payload.readUInt16BE(0);
    this.#options.onProblem(`The server closed with ${code}: ${payload.toString('utf8', 2)}`);
  }

  #sendText(message: object): void {
    this.#send(TEXT, Buffer.from(JSON.stringify(message)));
  }

  /** Masked with zeros, which leaves the payload as it is. */
  #send(opcode: number, payload: Buffer): void {
    const isShort = payload.length < 126;
    const header = Buffer.alloc(isShort ? 6 : 8);
    header[0] = 0x80 | opcode;
    header[1] = 0x80 | (isShort ? payload.length : 126);
    if (!isShort) header.writeUInt16BE(payload.length, 2);
    this.#socket.write(Buffer.concat([header, payload]));
  }
}
