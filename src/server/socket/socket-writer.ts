import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { type Load, MOST_UNTAKEN } from '../subscriptions/subscriber.ts';

/** So many unsent bytes, and a connection is given nothing more that could be merged or read later. */
const FULL_BYTES = 64 * 1024;

const NOBODY: (() => void)[] = [];
const NOTHING = Buffer.alloc(0);

export interface SocketWriterOptions {
  /** How long a full connection may take nothing before `onStalled`, in milliseconds. */
  readonly stallMs: number;
  readonly onStalled: () => void;
}

/** Knows of one WebSocket how much of what was written has not been sent. */
export class SocketWriter {
  readonly #webSocket: WebSocket;
  readonly #options: SocketWriterOptions;
  #onFree: (() => void)[] = NOBODY;
  #stallTimer: NodeJS.Timeout | undefined;
  #onDrain: (() => void) | undefined;
  #hasGone = false;
  /** To write whole frames to, between those that `ws` writes. */
  readonly socket: Socket;
  /** Grows each time that all was seen to be sent. */
  emptied = 0;

  constructor(webSocket: WebSocket, socket: Socket, options: SocketWriterOptions) {
    this.#webSocket = webSocket;
    this.socket = socket;
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  /** To be asked after each write. */
  get load(): Load {
    const unsent = this.#hasGone ? 0 : this.socket.writableLength;
    if (unsent === 0) this.emptied++;
    if (unsent < FULL_BYTES) return 'FREE';
    this.#watch();
    return unsent <= MOST_UNTAKEN.bytes ? 'FULL' : 'BEHIND';
  }

  /** Is kept when all is sent, or the socket has gone. */
  freed(): Promise<void> {
    if (this.#hasGone || this.socket.writableLength === 0) return Promise.resolve();
    this.#watch();
    return new Promise((keep) => {
      this.#onFree = [...this.#onFree, keep];
    });
  }

  /** The socket has gone. */
  close(): void {
    this.#hasGone = true;
    this.#free();
  }

  /** From the first time it is full until it is empty. */
  #watch(): void {
    if (this.#stallTimer !== undefined || !this.isOpen) return;
    let sent = this.#countSent();
    this.#stallTimer = setInterval(() => {
      const sentNow = this.#countSent();
      if (sentNow === sent) this.#options.onStalled();
      sent = sentNow;
    }, this.#options.stallMs);
    this.#onDrain = () => this.#free();
    this.socket.once('drain', this.#onDrain);
    // With little unsent there would be no event.
    if (!this.socket.writableNeedDrain) this.socket.write(NOTHING, () => this.#free());
  }

  #countSent(): number {
    return this.socket.bytesWritten - this.socket.writableLength;
  }

  #free(): void {
    this.emptied++;
    clearInterval(this.#stallTimer);
    this.#stallTimer = undefined;
    if (this.#onDrain !== undefined) this.socket.off('drain', this.#onDrain);
    this.#onDrain = undefined;
    const waiting = this.#onFree;
    this.#onFree = NOBODY;
    for (const keep of waiting) keep();
  }
}
